using System.CommandLine;
using Hyperkube.Oci.Content;
using Hyperkube.Releases;
using Hyperkube.Sigstore;

namespace Hyperkube.Cli.Commands;

/// <summary>Whom to believe about binaries, as the command line says it.</summary>
internal sealed record TrustRequest(string? TrustedRoot, string? Identity, string? Issuer, string? Exceptions)
{
    /// <summary>Reads the trusted root, if another one was named.</summary>
    internal ReleaseTrust Open() => new(
        Identity is null && Issuer is null ? null
            : [new SignerIdentity(Identity ?? ReleaseTrust.KubernetesRelease.Subject, Issuer ?? ReleaseTrust.KubernetesRelease.Issuer)],
        TrustedRoot is { } path ? SmallFile.ReadNamed(path, "--trusted-root") : default(ReadOnlyMemory<byte>?));

    /// <summary>Reads the list of exceptions, if there is one.</summary>
    /// <param name="time">Whose day decides what has expired.</param>
    /// <param name="orElse">The file that counts when none was named and it is there; null for none.</param>
    internal ExemptBinaries OpenExceptions(TimeProvider time, string? orElse = null) =>
        Exceptions is not null ? ExemptBinaries.Load(Exceptions, time)
        : orElse is not null && File.Exists(orElse) ? ExemptBinaries.Load(orElse, time)
        : ExemptBinaries.None;
}

/// <summary>The flags of all commands that check the release team's signature.</summary>
internal sealed class TrustFlags
{
    private readonly Option<string?> _trustedRoot = new("--trusted-root")
    {
        Description = "Sigstore's keys, a trusted_root.json (default: those that come with this program; see hyperkube trust)",
        HelpName = "FILE",
        CustomParser = Parsers.Text,
    };

    private readonly Option<string?> _identity = new("--certificate-identity")
    {
        Description = "Who has to have signed the binaries (default: the Kubernetes release team)",
        HelpName = "ID",
        CustomParser = Parsers.Text,
    };

    private readonly Option<string?> _issuer = new("--certificate-oidc-issuer")
    {
        Description = $"Who has to have vouched for the signer's name (default: {ReleaseTrust.KubernetesRelease.Issuer})",
        HelpName = "URL",
        CustomParser = Parsers.Text,
    };

    private readonly Option<string?> _exceptions;

    internal TrustFlags(Command command, string exceptionsDefault)
    {
        _exceptions = new("--exceptions")
        {
            Description = $"Binaries that are accepted although their published signature is wrong: one per line, with its digest, " +
                $"the day on which that ends, and why ({exceptionsDefault})",
            HelpName = "FILE",
            CustomParser = Parsers.Text,
        };
        foreach (var option in (Option[])[_trustedRoot, _identity, _issuer, _exceptions])
        {
            command.Options.Add(option);
        }
    }

    internal TrustRequest Read(ParseResult line) =>
        new(line.GetValue(_trustedRoot), line.GetValue(_identity), line.GetValue(_issuer), line.GetValue(_exceptions));
}
