namespace Hyperkube.Sigstore;

/// <summary>What has to be proved about a signature: who made it, and how many witnesses there are.</summary>
/// <remarks>
/// There is no policy without a signer, and none that takes any signer. Each starts strict: one log entry, for
/// certificates also one certificate log and one proved time. Immutable.
/// </remarks>
public sealed record VerificationPolicy
{
    private const int MaxWitnesses = 8;

    private VerificationPolicy(IReadOnlyList<SignerIdentity> identities, VerificationKey? key)
    {
        Identities = identities;
        Key = key;
    }

    /// <summary>Those who may have signed; none when it has to be a key.</summary>
    public IReadOnlyList<SignerIdentity> Identities { get; }

    /// <summary>The key that has to have signed; null when it has to be an identity.</summary>
    public VerificationKey? Key { get; }

    /// <summary>In how many logs the signature has to be; 1 to 8, 1 unless told.</summary>
    public int LogEntries { get; init => field = Between(1, value); } = 1;

    /// <summary>How many timestamp authorities have to have seen the signature; 0 to 8, 0 unless told. Without one, the
    /// time has to come from a log's own promise.</summary>
    public int Timestamps { get; init => field = Between(0, value); }

    /// <summary>In how many certificate logs the certificate has to be; 1 to 8, 1 unless told.</summary>
    public int CertificateLogs { get; init => field = Between(1, value); } = 1;

    /// <summary>Whether a signature that nobody logged is good enough.</summary>
    public bool IsUnloggedAllowed { get; private init; }

    /// <summary>Whether a certificate that nobody logged is good enough.</summary>
    public bool IsUnloggedCertificateAllowed { get; private init; }

    internal int NeededLogEntries => IsUnloggedAllowed ? 0 : LogEntries;

    internal int NeededCertificateLogs => IsUnloggedCertificateAllowed ? 0 : CertificateLogs;

    /// <summary>Demands that this identity signed.</summary>
    public static VerificationPolicy SignedBy(SignerIdentity identity) => SignedByOneOf([identity]);

    /// <summary>Demands that one of these identities signed.</summary>
    /// <exception cref="ArgumentException">None is given, or one without a name.</exception>
    public static VerificationPolicy SignedByOneOf(IReadOnlyList<SignerIdentity> identities)
    {
        ArgumentNullException.ThrowIfNull(identities);
        if (identities.Count == 0 || identities.Any(i => string.IsNullOrWhiteSpace(i?.Subject) || string.IsNullOrWhiteSpace(i.Issuer)))
        {
            throw new ArgumentException("A policy needs a signer: a subject and an issuer, neither of them empty.", nameof(identities));
        }

        return new VerificationPolicy([.. identities], key: null);
    }

    /// <summary>Demands that this key signed.</summary>
    public static VerificationPolicy SignedBy(VerificationKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return new VerificationPolicy([], key);
    }

    /// <summary>Takes a signature that is in no log. Whoever steals the key, or deceives the authority, then leaves no
    /// trace; and a certificate's time has to come from a timestamp authority.</summary>
    public VerificationPolicy UnsafeWithoutLog() => this with { IsUnloggedAllowed = true };

    /// <summary>Takes a certificate that is in no certificate log. An authority that certifies somebody else under the
    /// signer's name then leaves no trace.</summary>
    public VerificationPolicy UnsafeWithoutCertificateLog() => this with { IsUnloggedCertificateAllowed = true };

    private static int Between(int min, int value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, min);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MaxWitnesses);
        return value;
    }
}
