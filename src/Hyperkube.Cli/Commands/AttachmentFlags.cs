using System.CommandLine;
using Hyperkube.Documents;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Layers;
using Hyperkube.Publishing;
using Hyperkube.Releases;

namespace Hyperkube.Cli.Commands;

/// <summary>What goes along with images that are pushed.</summary>
internal sealed record AttachmentRequest(bool WithReferrers, SigningRequest? Signing)
{
    /// <summary>Makes what attaches it.</summary>
    /// <param name="release">How the binaries were checked.</param>
    /// <param name="compression">How the layers are compressed.</param>
    /// <param name="created">The time that images carry in which nothing is signed.</param>
    /// <param name="signing">Who signs; null for nobody.</param>
    /// <param name="nameOf">What an image will be called.</param>
    /// <param name="time">When signatures say that they were made.</param>
    internal IReadOnlyList<IImageAttachment> Open(
        ReleaseRequest release, LayerCompression compression, DateTimeOffset created, SigningSession? signing,
        Func<NodeImage, RegistryReference> nameOf, TimeProvider time)
    {
        ProvenanceSettings settings = new()
        {
            Compression = compression.ToString(),
            Signers = release.Verify == Verification.Signature ? release.Trust.Open().Signers : null,
        };
        List<IImageAttachment> attachments = [];
        if (WithReferrers)
        {
            attachments.Add(new DocumentAttachment(created, settings, signing is null ? null : signing.OpenAsync));
        }

        if (signing is not null)
        {
            attachments.Add(new SignatureAttachment(signing.OpenAsync, nameOf, () => signing.Trust, time));
        }

        return attachments;
    }

    /// <summary>Makes out who signs, before anything else is begun; the caller disposes.</summary>
    internal SigningSession? OpenSigning(RegistryAccess access, Session session) =>
        Signing is null ? null : new SigningSession(Signing, access, session);
}

/// <summary>The flags of commands that push images.</summary>
internal sealed class AttachmentFlags
{
    private readonly Option<bool> _noReferrers = new("--no-referrers")
    {
        Description = "Attach neither the list of parts (SPDX) nor the provenance (SLSA) to what is pushed",
    };

    private readonly SigningFlags _signing;

    internal AttachmentFlags(Command command)
    {
        command.Options.Add(_noReferrers);
        _signing = SigningFlags.WithPrefix(command);
    }

    internal AttachmentRequest Read(ParseResult line) => new(!line.GetValue(_noReferrers), _signing.Read(line));
}
