namespace Hyperkube.Sigstore.Trust;

/// <summary>Whom to trust: the logs and the authorities that evidence is checked against.</summary>
/// <remarks>
/// Immutable, and safe for several threads. Fields that are unknown are ignored, so that a newer file still works.
/// Source: https://github.com/sigstore/protobuf-specs/blob/v0.5.0/protos/sigstore_trustroot.proto
/// </remarks>
public sealed class TrustedRoot
{
    private const int MaxBytes = 1 << 20;
    private const int MaxItems = 128;
    private const string MediaTypePrefix = "application/vnd.dev.sigstore.trustedroot";

    private static readonly string[] MediaTypes =
    [
        $"{MediaTypePrefix}+json;version=0.1", $"{MediaTypePrefix}+json;version=0.2",
        $"{MediaTypePrefix}.v0.1+json", $"{MediaTypePrefix}.v0.2+json",
    ];

    private static readonly Lazy<byte[]> Embedded = new(() => Resource.Read("trusted_root.json"));
    private static readonly Lazy<TrustedRoot> Public = new(() => Parse(Embedded.Value, isChainKnown: true));

    private TrustedRoot(JsonPart root, bool isChainKnown)
    {
        MediaType = root["mediaType"].Text();
        if (!MediaTypes.Contains(MediaType))
        {
            throw new FormatException($"'mediaType' is '{MediaType}'; expected {MediaTypes[0]} or {MediaTypes[^1]}");
        }

        SignatureLogs = root.Objects("tlogs", MaxItems).ConvertAll(TransparencyLog.Read);
        CertificateLogs = root.Objects("ctlogs", MaxItems).ConvertAll(TransparencyLog.Read);
        CertificateAuthorities = Authorities(root, "certificateAuthorities", isChainKnown);
        TimestampAuthorities = Authorities(root, "timestampAuthorities", isChainKnown);
    }

    /// <summary>The public-good instance of Sigstore, whose trusted root comes with this program.</summary>
    public static TrustedRoot PublicGood => Public.Value;

    /// <summary>The file of <see cref="PublicGood"/> as it was published.</summary>
    public static ReadOnlyMemory<byte> PublicGoodJson => Embedded.Value;

    /// <summary>What the file calls itself.</summary>
    public string MediaType { get; }

    /// <summary>The instances of Rekor.</summary>
    public IReadOnlyList<TransparencyLog> SignatureLogs { get; }

    /// <summary>The certificate logs.</summary>
    public IReadOnlyList<TransparencyLog> CertificateLogs { get; }

    /// <summary>The instances of Fulcio.</summary>
    public IReadOnlyList<CertificateAuthority> CertificateAuthorities { get; }

    /// <summary>The timestamp authorities.</summary>
    public IReadOnlyList<CertificateAuthority> TimestampAuthorities { get; }

    /// <summary>Reads a <c>trusted_root.json</c>.</summary>
    /// <param name="json">UTF-8, at most 1 MiB.</param>
    /// <exception cref="SignatureException">It is none (<see cref="SignatureFailure.BadTrust"/>).</exception>
    public static TrustedRoot Parse(ReadOnlyMemory<byte> json) => Parse(json, isChainKnown: false);

    // The embedded file's chains do not change: a test has checked their signatures, which takes longer than the rest.
    private static TrustedRoot Parse(ReadOnlyMemory<byte> json, bool isChainKnown) =>
        JsonPart.Read(json, MaxBytes, SignatureFailure.BadTrust, "trusted root", root => new TrustedRoot(root, isChainKnown));

    private static List<CertificateAuthority> Authorities(JsonPart root, string name, bool isChainKnown) =>
        root.Objects(name, MaxItems).ConvertAll(a => CertificateAuthority.Read(a, isChainKnown));
}
