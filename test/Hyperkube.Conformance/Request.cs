using System.Security.Cryptography;
using Hyperkube.Sigstore;

namespace Hyperkube.Conformance;

/// <summary>What the suite asks for. What is not of its protocol is refused: a word that is passed over might have been a demand.</summary>
internal sealed record Request
{
    private const string DigestPrefix = "sha256:";

    private const string Usage =
        "usage: hyperkube-conformance verify-bundle [--staging] --bundle FILE "
        + "(--certificate-identity ID --certificate-oidc-issuer URL | --key FILE) [--trusted-root FILE] FILE_OR_DIGEST";

    private static readonly string[] Options = ["--bundle", "--certificate-identity", "--certificate-oidc-issuer", "--key", "--trusted-root"];

    private readonly Dictionary<string, string> _options = new(StringComparer.Ordinal);
    private string _artifact = "";
    private bool _isStaging;

    internal string Bundle => Required("--bundle");

    internal string? TrustedRoot => _options.GetValueOrDefault("--trusted-root");

    /// <summary>Reads the command line.</summary>
    /// <exception cref="FormatException">It is not of this protocol.</exception>
    internal static Request Parse(IReadOnlyList<string> words)
    {
        Request request = new();
        for (var i = 1; i < words.Count; i++)
        {
            if (words[i] == "--staging")
            {
                request._isStaging = true;
            }
            else if (!words[i].StartsWith('-') && request._artifact.Length == 0)
            {
                request._artifact = words[i];
            }
            else if (!Options.Contains(words[i]) || i + 1 == words.Count || !request._options.TryAdd(words[i], words[++i]))
            {
                throw new FormatException($"'{words[i]}' is unknown, twice, or without a value. {Usage}");
            }
        }

        var isKey = request._options.ContainsKey("--key");
        return words is not ["verify-bundle", ..] || request._artifact.Length == 0
            || (isKey && request._options.Keys.Any(k => k.StartsWith("--certificate-", StringComparison.Ordinal)))
                ? throw new FormatException(Usage)
            : request._isStaging && request.TrustedRoot is null
                ? throw new FormatException("The trusted root of the staging instance is not here; name it with --trusted-root.")
            : request;
    }

    /// <summary>Who has to have signed.</summary>
    internal async Task<VerificationPolicy> PolicyAsync() =>
        _options.GetValueOrDefault("--key") is { } key
            ? VerificationPolicy.SignedBy(VerificationKey.FromPem(await File.ReadAllTextAsync(key).ConfigureAwait(false)))
            : VerificationPolicy.SignedBy(new SignerIdentity(Required("--certificate-identity"), Required("--certificate-oidc-issuer")));

    /// <summary>What has to be signed: a file, or a digest that names no file.</summary>
    internal async Task<ArtifactDigests> ArtifactAsync()
    {
        if (!File.Exists(_artifact) && _artifact.StartsWith(DigestPrefix, StringComparison.Ordinal))
        {
            var hex = _artifact[DigestPrefix.Length..];
            return hex.Length == 2 * SHA256.HashSizeInBytes && hex.All(char.IsAsciiHexDigitLower)
                ? ArtifactDigests.FromSha256(Convert.FromHexString(hex))
                : throw new FormatException($"'{_artifact}' is neither a file nor sha256: with 64 lower-case hex digits.");
        }

        using var stream = File.OpenRead(_artifact);
        return await ArtifactDigests.ComputeAsync(stream, CancellationToken.None).ConfigureAwait(false);
    }

    private string Required(string option) =>
        _options.GetValueOrDefault(option) ?? throw new FormatException($"{option} is missing. {Usage}");
}
