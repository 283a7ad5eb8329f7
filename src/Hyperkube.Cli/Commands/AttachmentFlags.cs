using System.CommandLine;
using Hyperkube.Documents;
using Hyperkube.Oci.Layers;
using Hyperkube.Publishing;
using Hyperkube.Releases;

namespace Hyperkube.Cli.Commands;

/// <summary>What goes along with images that are pushed.</summary>
internal sealed record AttachmentRequest(bool WithReferrers)
{
    /// <summary>Makes what attaches it.</summary>
    /// <param name="release">How the binaries were checked.</param>
    /// <param name="compression">How the layers are compressed.</param>
    /// <param name="created">The time that images carry in which nothing is signed.</param>
    internal IReadOnlyList<IImageAttachment> Open(ReleaseRequest release, LayerCompression compression, DateTimeOffset created)
    {
        if (!WithReferrers)
        {
            return [];
        }

        ProvenanceSettings settings = new()
        {
            Compression = compression.ToString(),
            Signers = release.Verify == Verification.Signature ? release.Trust.Open().Signers : null,
        };
        return [new DocumentAttachment(created, settings, [])];
    }
}

/// <summary>The flags of commands that push images.</summary>
internal sealed class AttachmentFlags
{
    private readonly Option<bool> _noReferrers = new("--no-referrers")
    {
        Description = "Attach neither the list of parts (SPDX) nor the provenance (SLSA) to what is pushed",
    };

    internal AttachmentFlags(Command command) => command.Options.Add(_noReferrers);

    internal AttachmentRequest Read(ParseResult line) => new(!line.GetValue(_noReferrers));
}
