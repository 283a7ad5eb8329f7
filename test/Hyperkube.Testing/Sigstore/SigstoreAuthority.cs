using System.Globalization;
using System.Text.Json.Nodes;

namespace Hyperkube.Testing.Sigstore;

/// <summary>A whole Sigstore of a test's own: Fulcio with an intermediate, a certificate log, Rekor of both versions, and a
/// timestamp authority.</summary>
public sealed class SigstoreAuthority : IDisposable
{
    /// <summary>When signatures are made here. Long enough ago that no certificate would be valid by a clock.</summary>
    public static readonly DateTimeOffset SignedAt = new(2024, 5, 17, 10, 0, 0, TimeSpan.Zero);

    /// <summary>When what is trusted begins.</summary>
    public static readonly DateTimeOffset Begin = new(2022, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The last second of the authorities' certificates.</summary>
    public static readonly DateTimeOffset End = new(2032, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <param name="issuerKey">Makes the keys of those who issue certificates: of P-384, as the public ones are, unless told.</param>
    public SigstoreAuthority(Func<TestKey>? issuerKey = null)
    {
        Root = TestIssuer.Root("test fulcio root", Begin, End, issuerKey?.Invoke());
        Intermediate = Root.Below("test fulcio intermediate", key: issuerKey?.Invoke());
        TimestampRoot = TestIssuer.Root("test timestamp root", Begin, End, issuerKey?.Invoke());
        Timestamps = new TimestampMint(TimestampRoot, Begin, End);
    }

    public TestIssuer Root { get; }

    public TestIssuer Intermediate { get; }

    public TestKey CertificateLog { get; } = TestKey.P256();

    public SignatureLog Rekor { get; } = new("rekor.example.org", TestKey.P256(), "1193050959916656506");

    public SignatureLog RekorV2 { get; } = new("log2026.rekor.example.org", TestKey.Ed25519(), "");

    public TestIssuer TimestampRoot { get; }

    public TimestampMint Timestamps { get; }

    /// <summary>What trusts all of it, as a <c>trusted_root.json</c>.</summary>
    public JsonObject TrustedRoot() => new()
    {
        ["mediaType"] = "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        ["tlogs"] = new JsonArray(
            LogOf(Rekor.Key, $"https://{Rekor.Host}", Rekor.Id),
            LogOf(RekorV2.Key, $"https://{RekorV2.Host}", RekorV2.Id)),
        ["certificateAuthorities"] = new JsonArray(AuthorityOf("https://fulcio.example.org", Intermediate.Certificate, Root.Certificate)),
        ["ctlogs"] = new JsonArray(LogOf(CertificateLog, "https://ctfe.example.org/test", CertificateLog.SpkiHash)),
        ["timestampAuthorities"] = new JsonArray(
            AuthorityOf("https://timestamp.example.org", Timestamps.Certificate, TimestampRoot.Certificate)),
    };

    /// <summary>A log as a trusted root holds it.</summary>
    public static JsonObject LogOf(TestKey key, string location, byte[] id) => new()
    {
        ["baseUrl"] = location,
        ["hashAlgorithm"] = "SHA2_256",
        ["publicKey"] = new JsonObject
        {
            ["rawBytes"] = Convert.ToBase64String(key.Spki),
            ["keyDetails"] = key.Details,
            ["validFor"] = new JsonObject { ["start"] = Time(Begin) },
        },
        ["logId"] = new JsonObject { ["keyId"] = Convert.ToBase64String(id) },
    };

    /// <summary>An authority as a trusted root holds it.</summary>
    /// <param name="location">Where it is served.</param>
    /// <param name="chain">Its certificates in DER, the topmost last.</param>
    public static JsonObject AuthorityOf(string location, params byte[][] chain) => new()
    {
        ["subject"] = new JsonObject { ["organization"] = "hyperkube tests", ["commonName"] = "test" },
        ["uri"] = location,
        ["certChain"] = new JsonObject
        {
            ["certificates"] = new JsonArray([.. chain.Select(c => (JsonNode)new JsonObject { ["rawBytes"] = Convert.ToBase64String(c) })]),
        },
        ["validFor"] = new JsonObject { ["start"] = Time(Begin) },
    };

    /// <summary>A time as a trusted root writes it.</summary>
    public static string Time(DateTimeOffset time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Signs an artifact.</summary>
    public SignedArtifact Sign(byte[] artifact, SigningRecipe? recipe = null) => SignedArtifact.Make(this, artifact, recipe ?? new SigningRecipe());

    public void Dispose()
    {
        Root.Dispose();
        Intermediate.Dispose();
        CertificateLog.Dispose();
        Rekor.Dispose();
        RekorV2.Dispose();
        TimestampRoot.Dispose();
        Timestamps.Dispose();
    }
}
