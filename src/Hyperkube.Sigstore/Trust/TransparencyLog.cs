namespace Hyperkube.Sigstore.Trust;

/// <summary>A log of the trusted root: Rekor, which logs signatures, or a certificate log.</summary>
public sealed class TransparencyLog
{
    private const int MaxKeyBytes = 8 << 10;
    private const int MaxIdBytes = 64;

    private readonly byte[] _rawKey;

    private TransparencyLog(JsonPart log)
    {
        Location = log.Find("baseUrl")?.Text() ?? "";
        var key = log["publicKey"].Object();
        _rawKey = Limited(key["rawBytes"].SomeBytes(), MaxKeyBytes, key.Path);
        KeyDetails = key.Find("keyDetails")?.Text() ?? "";
        ValidFor = ValidityPeriod.Read(key["validFor"].Object());
        if (ValidFor.Start is null)
        {
            throw new FormatException($"'{key.Path}.validFor.start' is missing"); // A log without it would be trusted for all time.
        }

        KeyId = Limited(log["logId"].Object()["keyId"].SomeBytes(), MaxIdBytes, log.Path);
        var checkpointId = log.Find("checkpointKeyId")?.Object().Find("keyId")?.SomeBytes();
        CheckpointKeyId = checkpointId is null ? KeyId : Limited(checkpointId, MaxIdBytes, log.Path);
    }

    /// <summary>Where it is served, as the trusted root writes it; empty when it does not say.</summary>
    public string Location { get; }

    /// <summary>The kind of its key, such as <c>PKIX_ED25519</c>. One that is not known makes the log unusable, and the
    /// rest of the trusted root stays good.</summary>
    public string KeyDetails { get; }

    /// <summary>When what it signs is trusted.</summary>
    public ValidityPeriod ValidFor { get; }

    /// <summary>What evidence calls it: usually the SHA-256 of its key.</summary>
    public ReadOnlyMemory<byte> KeyId { get; }

    /// <summary>What its signed tree heads call it; their hint is the first four bytes.</summary>
    public ReadOnlyMemory<byte> CheckpointKeyId { get; }

    /// <summary>How messages call it.</summary>
    internal string Name => Location.Length > 0 ? Location : Convert.ToHexStringLower(KeyId.Span);

    /// <summary>The names under which it may sign tree heads: its host, with the port or the path or without; none when
    /// the trusted root does not say where it is served.</summary>
    internal IReadOnlyList<string> Hosts =>
        Uri.TryCreate(Location, UriKind.Absolute, out var uri) && uri.Host.Length > 0
            ? [uri.Host, uri.Authority, (uri.Authority + uri.AbsolutePath).TrimEnd('/'), (uri.Host + uri.AbsolutePath).TrimEnd('/')]
            : Location.Length > 0 ? [Location] : [];

    internal static TransparencyLog Read(JsonPart log) => new(log);

    /// <summary>Its key, and how it signs.</summary>
    /// <exception cref="SignatureException">The key is of a kind that is not supported.</exception>
    internal (VerificationKey Key, SignatureScheme Scheme) Open(SignatureFailure failure)
    {
        try
        {
            var key = KeyDetails.StartsWith("PKCS1_", StringComparison.Ordinal) ? ReadPkcs1() : VerificationKey.FromSpki(_rawKey);
            return SignatureScheme.OfKeyDetails(KeyDetails) is { } scheme && scheme.Family == key.Family
                ? (key, scheme)
                : throw new FormatException($"its kind '{KeyDetails}' is not supported, or not that of the key");
        }
        catch (FormatException e)
        {
            throw new SignatureException(failure, $"the key of {Name} in the trusted root: {e.Message}", e);
        }
    }

    // Some trusted roots say PKCS1 and hold a SubjectPublicKeyInfo.
    private VerificationKey ReadPkcs1()
    {
        try
        {
            return VerificationKey.FromSpki(_rawKey);
        }
        catch (FormatException)
        {
            return VerificationKey.FromPkcs1(_rawKey);
        }
    }

    private static byte[] Limited(byte[] bytes, int max, string path) =>
        bytes.Length <= max ? bytes : throw new FormatException($"'{path}': {bytes.Length} bytes; expected at most {max}");
}
