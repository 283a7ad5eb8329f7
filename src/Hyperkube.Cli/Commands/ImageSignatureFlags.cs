using System.CommandLine;
using Hyperkube.Host;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Publishing;

namespace Hyperkube.Cli.Commands;

/// <summary>Whose signature an image has to have, as the command line says it.</summary>
internal sealed record ImageSignatureRequest(string? Key, string? Policy)
{
    /// <summary>Reads the key or the policy.</summary>
    /// <param name="trustedRoot">A <c>trusted_root.json</c>, where the policy names none; null for Sigstore's own.</param>
    /// <returns>Null when no signature is demanded.</returns>
    internal SignaturePolicy? Open(string? trustedRoot = null) => (Key, Policy) switch
    {
        (null, null) => null,
        ({ } key, null) => SignaturePolicy.OfKey(key, Root(trustedRoot)),
        (null, { } policy) => SignaturePolicy.Load(policy, Root(trustedRoot)),
        _ => throw new HyperkubeException(ErrorKind.Usage, "--key and --policy: expected one of them")
        {
            Hint = "name the key in the policy",
        },
    };

    /// <summary>What an install demands of its image; null for nothing.</summary>
    internal ImageDemand? DemandOf(ImageReference reference, string? trustedRoot) => Open(trustedRoot) is { } policy
        ? new ImageDemand(policy.Fingerprint, (source, root, token) => policy.CheckAsync(source, reference, root, token))
        : null;

    private static ReadOnlyMemory<byte>? Root(string? path) =>
        path is null ? default(ReadOnlyMemory<byte>?) : SmallFile.ReadNamed(path, "--trusted-root");
}

/// <summary>The flags of all commands that can demand a signature of an image.</summary>
internal sealed class ImageSignatureFlags
{
    private readonly Option<string?> _key = new("--key")
    {
        Description = "Demand that the image is signed with this key: a public key in PEM",
        HelpName = "PUB",
        CustomParser = Parsers.Text,
    };

    private readonly Option<string?> _policy = new("--policy")
    {
        Description = "Demand the signatures that this file says: which keys or identities sign which repositories (docs/policy.md)",
        HelpName = "FILE",
        CustomParser = Parsers.Text,
    };

    internal ImageSignatureFlags(Command command)
    {
        command.Options.Add(_key);
        command.Options.Add(_policy);
    }

    internal ImageSignatureRequest Read(ParseResult line) => new(line.GetValue(_key), line.GetValue(_policy));
}
