using Hyperkube.Sigstore;

namespace Hyperkube.Conformance;

/// <summary>What the suite asks for.</summary>
internal sealed record Request
{
    private const string DigestPrefix = "sha256:";

    private const string Usage =
        "usage: hyperkube-conformance verify-bundle [--staging] --bundle FILE "
        + "(--certificate-identity ID --certificate-oidc-issuer URL | --key FILE) [--trusted-root FILE] FILE_OR_DIGEST";

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
            else if (words[i].StartsWith("--", StringComparison.Ordinal) && i + 1 < words.Count)
            {
                request._options.Add(words[i], words[++i]);
            }
            else
            {
                request._artifact = request._artifact.Length == 0 ? words[i] : throw new FormatException(Usage);
            }
        }

        return words is not ["verify-bundle", ..] || request._artifact.Length == 0 ? throw new FormatException(Usage)
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
            return ArtifactDigests.FromSha256(Convert.FromHexString(_artifact[DigestPrefix.Length..]));
        }

        using var stream = File.OpenRead(_artifact);
        return await ArtifactDigests.ComputeAsync(stream, CancellationToken.None).ConfigureAwait(false);
    }

    private string Required(string option) =>
        _options.GetValueOrDefault(option) ?? throw new FormatException($"{option} is missing. {Usage}");
}
