namespace Hyperkube.Testing.Sigstore;

/// <summary>How something is signed; as Kubernetes does, unless told.</summary>
public sealed record SigningRecipe
{
    /// <summary>Of the bundle: 1, 2 or 3 for 0.1, 0.2 or 0.3.</summary>
    public int Version { get; init; } = 3;

    public CertificateRecipe Certificate { get; init; } = new();

    /// <summary>A key that signs instead of a certificate's.</summary>
    public TestKey? ManagedKey { get; init; }

    /// <summary>The key of the certificate; null for one of P-256.</summary>
    public TestKey? CertificateKey { get; init; }

    /// <summary>A document that is signed instead of the artifact itself; null for the artifact.</summary>
    public string? Statement { get; init; }

    public string PayloadType { get; init; } = "application/vnd.in-toto+json";

    /// <summary>The kind of the log entry; null for the usual one.</summary>
    public string? Kind { get; init; }

    /// <summary>In Rekor of the second version, with a timestamp.</summary>
    public bool SecondVersion { get; init; }

    public bool IsLogged { get; init; } = true;

    /// <summary>With a timestamp; null for only where it is needed.</summary>
    public bool? IsTimestamped { get; init; }

    /// <summary>When it is logged and timestamped.</summary>
    public DateTimeOffset Time { get; init; } = SigstoreAuthority.SignedAt;

    public TimestampRecipe Timestamp { get; init; } = new();

    /// <summary>Changes the body before it is logged.</summary>
    public Func<string, string> AlterBody { get; init; } = body => body;
}
