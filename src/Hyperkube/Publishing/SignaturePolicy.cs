using System.Security.Cryptography;
using System.Text;
using Hyperkube.Oci;
using Hyperkube.Oci.Configuration;
using Hyperkube.Oci.Content;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Trust;

namespace Hyperkube.Publishing;

/// <summary>Which images have to be signed, and by whom.</summary>
/// <remarks>
/// An image that no rule speaks of is refused. The rule with the longest pattern counts. Immutable, and safe for several threads;
/// docs/policy.md has the file's form.
/// </remarks>
public sealed class SignaturePolicy
{
    private const int MaxSignatures = 8;

    private readonly IReadOnlyList<SignatureRule> _rules;
    private readonly byte[] _trustedRoot;
    private readonly Func<TrustedRoot> _trust;
    private readonly string _where;

    private SignaturePolicy(IReadOnlyList<SignatureRule> rules, Func<TrustedRoot> trust, ReadOnlyMemory<byte> trustedRoot, string where) =>
        (_rules, _trust, _trustedRoot, _where) = (rules, trust, SHA256.HashData(trustedRoot.Span), where);

    /// <summary>The same for policies that demand the same: 64 lower-case hex digits.</summary>
    public string Fingerprint => Convert.ToHexStringLower(SHA256.HashData(
        [.. _trustedRoot, .. Encoding.UTF8.GetBytes(string.Join('\n', _rules.Select(r => r.Text)))]));

    /// <summary>Demands the signature of one key of every image.</summary>
    /// <param name="path">The file of the public key.</param>
    /// <param name="trustedRoot">Whose logs and timestamps are believed, where a signature has some; null for Sigstore's public
    /// instance.</param>
    /// <exception cref="HyperkubeException">It is none (<see cref="ErrorKind.Usage"/>).</exception>
    public static SignaturePolicy OfKey(string path, ReadOnlyMemory<byte>? trustedRoot = null)
    {
        var signer = TrustedSigner.OfKey(Encoding.UTF8.GetString(SmallFile.ReadNamed(path, "--key").Span), path);
        return Of([new SignatureRule(["*"], [signer], Needed: 1)], trustedRoot, $"--key {path}");
    }

    /// <summary>Reads a policy file.</summary>
    /// <param name="path">The file; what it names is relative to its directory.</param>
    /// <param name="trustedRoot">Whom to believe where the file does not say; null for Sigstore's public instance.</param>
    /// <exception cref="HyperkubeException">It cannot be read, or says something else (<see cref="ErrorKind.Usage"/>).</exception>
    public static SignaturePolicy Load(string path, ReadOnlyMemory<byte>? trustedRoot = null)
    {
        SignaturePolicyFile file = new(path);
        foreach (var line in TomlLine.Read(Encoding.UTF8.GetString(SmallFile.ReadNamed(path, "--policy").Span), file.Errors))
        {
            file.Take(line);
        }

        return Of(file.Finish(), file.TrustedRoot ?? trustedRoot, path);
    }

    /// <summary>Proves that an image is signed by those who have to have signed it.</summary>
    /// <param name="source">Where it is, with its signatures.</param>
    /// <param name="reference">What the user called it: the rules are about names.</param>
    /// <param name="root">Its index, or its manifest.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>One good signature of each signer, as many as are demanded.</returns>
    /// <exception cref="HyperkubeException">It has no signature, or no rule speaks of it (<see cref="ErrorKind.Unsigned"/>); too few
    /// good ones (<see cref="ErrorKind.BadSignature"/>); or what is there cannot be read.</exception>
    public Task<IReadOnlyList<ImageSignature>> CheckAsync(
        IContentSource source, ImageReference reference, Descriptor root, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(root);
        var name = NameOf(reference);
        var rule = _rules.Select(r => (Rule: r, Length: r.Match(name))).MaxBy(r => r.Length) is { Length: >= 0 } found
            ? found.Rule
            : throw new HyperkubeException(ErrorKind.Unsigned, $"{_where}: no rule speaks of {name}; expected one that says who signs it")
            {
                Hint = $"add a [[repository]] that matches {name}",
            };
        return new ImageSignatures(source, _trust).CheckAsync(reference, root.Digest, rule.Signers, rule.Needed, cancellationToken);
    }

    private static SignaturePolicy Of(IReadOnlyList<SignatureRule> rules, ReadOnlyMemory<byte>? trustedRoot, string where)
    {
        var root = Root(trustedRoot, where);
        return new SignaturePolicy(rules, () => root ?? TrustedRoot.PublicGood, trustedRoot ?? TrustedRoot.PublicGoodJson, where);
    }

    internal static int MaxNeeded => MaxSignatures;

    // What holds for a repository holds for each of its tags.
    private static string NameOf(ImageReference reference) => reference switch
    {
        RegistryReference remote => $"{remote.Host}/{remote.Repository}",
        LayoutReference layout => $"oci:{layout.Directory}",
        ArchiveReference { Format: Oci.Layout.ArchiveFormat.Oci } archive => $"oci-archive:{archive.File}",
        ArchiveReference archive => $"docker-archive:{archive.File}",
        _ => reference.ToString(),
    };

    private static TrustedRoot? Root(ReadOnlyMemory<byte>? json, string path)
    {
        try
        {
            return json is { } bytes ? TrustedRoot.Parse(bytes) : null;
        }
        catch (SignatureException e)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"{path}: {e.Message}; expected a trusted_root.json", e);
        }
    }
}

/// <summary>Who has to have signed the images of some repositories.</summary>
/// <param name="Patterns">The repositories: a name; or what names begin with, and <c>*</c>.</param>
/// <param name="Signers">Whose signatures count.</param>
/// <param name="Needed">How many of them have to have signed.</param>
internal sealed record SignatureRule(IReadOnlyList<string> Patterns, IReadOnlyList<TrustedSigner> Signers, int Needed)
{
    /// <summary>All that it demands, as one line.</summary>
    internal string Text => string.Join('\t', [$"{Needed}", .. Patterns, .. Signers.Select(s =>
        s.Policy.Key?.Fingerprint ?? string.Join('|', s.Policy.Identities))]);

    /// <summary>How much of a name its closest pattern spells out; -1 when none matches.</summary>
    internal int Match(string name) => Patterns.Max(p =>
        p == name ? int.MaxValue
        : p.EndsWith('*') && name.StartsWith(p[..^1], StringComparison.Ordinal) ? p.Length - 1
        : -1);
}
