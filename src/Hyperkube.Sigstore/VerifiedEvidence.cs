namespace Hyperkube.Sigstore;

/// <summary>What was proved about an artifact. Only <see cref="Verifier"/> makes one, so whoever holds one need not check,
/// and cannot forget to.</summary>
public sealed record VerifiedEvidence
{
    internal VerifiedEvidence()
    {
    }

    /// <summary>Who signed; null when a key did that has no name.</summary>
    public SignerIdentity? Signer { get; internal init; }

    /// <summary>When the signature was there, at the latest: the earliest time that a log or a timestamp authority has
    /// signed. Null only for a key's signature that nobody has put a time on.</summary>
    public DateTimeOffset? SignedAt { get; internal init; }

    /// <summary>The number of the log entry; null when it is in no log, which only an unsafe policy takes.</summary>
    public long? LogIndex { get; internal init; }

    /// <summary>Where the log is served, or its id; null without an entry.</summary>
    public string? Log { get; internal init; }

    /// <summary>The SHA-256 of the certificate, in lower-case hex; null when a key signed.</summary>
    public string? CertificateFingerprint { get; internal init; }

    /// <summary>The SHA-256 of the key that signed, as SubjectPublicKeyInfo, in lower-case hex.</summary>
    public string KeyFingerprint { get; internal init; } = "";

    /// <summary>The document that was signed, when it is about the artifact; null when the artifact itself was signed.</summary>
    public ReadOnlyMemory<byte>? Statement { get; internal init; }

    /// <summary>What the document says: the type of its predicate; null when the artifact itself was signed.</summary>
    public string? PredicateType { get; internal init; }
}
