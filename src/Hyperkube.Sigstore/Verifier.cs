using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Certificates;
using Hyperkube.Sigstore.Logs;
using Hyperkube.Sigstore.Timestamps;
using Hyperkube.Sigstore.Trust;

namespace Hyperkube.Sigstore;

/// <summary>Checks a bundle, offline, against a policy and a trusted root.</summary>
/// <remarks>
/// All that a bundle carries has to be right, not just as much as is needed. Only what logs and authorities say that the trusted root does
/// not know counts for nothing, so that an older trusted root still reads what newer witnesses have signed too. Times come from what
/// logs and timestamp authorities have signed; this host's clock is not asked. Safe for several threads. Source:
/// https://docs.google.com/document/d/1kbhK2qyPPk8SLavHzYSDM8-Ueul9_oxIMVFuWMWKz0E (Sigstore client specification, 4)
/// </remarks>
public static class Verifier
{
    /// <summary>Proves that the bundle's signature is of the artifact and from the policy's signer.</summary>
    /// <param name="bundle">The evidence.</param>
    /// <param name="artifact">What was signed.</param>
    /// <param name="policy">What has to be proved.</param>
    /// <param name="trust">Whom to believe.</param>
    /// <exception cref="SignatureException">It proves less; <see cref="SignatureException.Failure"/> says which check failed.
    /// </exception>
    public static VerifiedEvidence Verify(SigstoreBundle bundle, ArtifactDigests artifact, VerificationPolicy policy, TrustedRoot trust)
    {
        ArgumentNullException.ThrowIfNull(artifact);
        return Verify(
            bundle,
            (content, key) => content is DsseEnvelope envelope
                ? (null, InTotoStatement.Check(envelope, artifact))
                : (SignatureCheck.CheckArtifact((MessageSignature)content, key, artifact), null),
            policy,
            trust);
    }

    /// <summary>Proves that the bundle's signature is of a statement, byte for byte, and from the policy's signer.</summary>
    /// <param name="bundle">The evidence.</param>
    /// <param name="statement">What was signed.</param>
    /// <param name="policy">What has to be proved.</param>
    /// <param name="trust">Whom to believe.</param>
    /// <exception cref="SignatureException">It proves less.</exception>
    public static VerifiedEvidence VerifyStatement(
        SigstoreBundle bundle, ReadOnlyMemory<byte> statement, VerificationPolicy policy, TrustedRoot trust)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        return bundle.Content is DsseEnvelope envelope && statement.Span.SequenceEqual(envelope.Payload)
            ? Verify(bundle, (_, _) => (null, InTotoStatement.Check(envelope, artifact: null)), policy, trust)
            : throw new SignatureException(SignatureFailure.WrongArtifact, "statement: it is another one than was signed");
    }

    /// <param name="bundle">The evidence.</param>
    /// <param name="check">Checks what was signed: tells what a signature has to be over, or what a statement says.</param>
    /// <param name="policy">What has to be proved.</param>
    /// <param name="trust">Whom to believe.</param>
    private static VerifiedEvidence Verify(
        SigstoreBundle bundle, Func<SignedContent, VerificationKey, (MessageDigest? Digest, string? PredicateType)> check,
        VerificationPolicy policy, TrustedRoot trust)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(trust);

        var signer = OpenSigner(bundle, policy);
        var (digest, predicateType) = check(bundle.Content, signer.Key);
        var timestamps = bundle.Timestamps
            .Select(t => TimestampVerifier.Check(t, bundle.Content.Signature, trust.TimestampAuthorities))
            .OfType<TimestampEvidence>().ToList();
        List<DateTimeOffset> stamped = [.. timestamps.Select(t => t.Time)];
        var entries = bundle.Entries
            .Select(e => LogEvidence.Check(e, trust.SignatureLogs, stamped)).OfType<LogEvidence>().ToList();
        CheckWitnesses(bundle, entries, timestamps, policy);
        List<DateTimeOffset> times = [.. entries.Select(e => e.Time).OfType<DateTimeOffset>(), .. stamped];
        var identity = signer.Certificate is { } certificate ? CheckCertificate(certificate, times, policy, trust) : null;
        entries.ForEach(e => EntryBody.Check(e.Entry, bundle.Content, signer, digest));
        SignatureCheck.CheckSignature(bundle.Content, signer.Key, digest);
        return new VerifiedEvidence
        {
            Signer = identity,
            SignedAt = times.Count > 0 ? times.Min() : null,
            LogIndex = entries.FirstOrDefault()?.Index,
            Log = entries.FirstOrDefault()?.Log.Name,
            CertificateFingerprint = signer.Certificate?.Fingerprint,
            KeyFingerprint = signer.Key.Fingerprint,
            Statement = bundle.Content is DsseEnvelope envelope ? envelope.Payload : default(ReadOnlyMemory<byte>?),
            PredicateType = predicateType,
        };
    }

    private static SignerMaterial OpenSigner(SigstoreBundle bundle, VerificationPolicy policy)
    {
        try
        {
            return (bundle.Certificate, policy.Key) switch
            {
                ({ } certificate, null) => new SignerMaterial(certificate.Key, certificate),
                (null, { } key) => new SignerMaterial(key, Certificate: null),
                (null, null) => throw new SignatureException(
                    SignatureFailure.WrongSigner, $"signer: the bundle is signed with a key; expected one of {Names(policy)}"),
                _ => throw new SignatureException(
                    SignatureFailure.WrongSigner, "signer: the bundle is signed with a certificate; expected the key of the policy"),
            };
        }
        catch (FormatException e)
        {
            throw new SignatureException(SignatureFailure.UntrustedCertificate, $"certificate: {e.Message}", e);
        }
    }

    // What is wrong has failed by now; what counts for nothing, because a newer witness is not known here, has not.
    private static void CheckWitnesses(
        SigstoreBundle bundle, List<LogEvidence> entries, List<TimestampEvidence> timestamps, VerificationPolicy policy)
    {
        var logs = entries.DistinctBy(e => Convert.ToHexString(e.Log.KeyId.Span), StringComparer.Ordinal).Count();
        if (logs < policy.NeededLogEntries)
        {
            throw bundle.Entries.FirstOrDefault(e => !entries.Exists(known => known.Entry == e)) is { } unknown
                ? new SignatureException(
                    SignatureFailure.BadLogEntry,
                    $"log entry: its log {Convert.ToHexStringLower(unknown.LogId)} is not in the trusted root")
                : new SignatureException(
                    SignatureFailure.MissingEvidence,
                    $"log entry: the signature is in {logs} trusted logs; expected {policy.NeededLogEntries}");
        }

        // A certificate is valid, and a log is trusted, for a while only: somebody has to say that it was then.
        var isTimeMissing = timestamps.Count == 0
            && ((entries.Exists(e => e.Time is null) && !policy.IsUnloggedAllowed)
                || (bundle.HasCertificate && entries.TrueForAll(e => e.Time is null)));
        var authorities = timestamps.DistinctBy(t => t.Authority.Fingerprint, StringComparer.Ordinal).Count();
        if (timestamps.Count < bundle.Timestamps.Count && (authorities < policy.Timestamps || isTimeMissing))
        {
            throw new SignatureException(SignatureFailure.BadTimestamp, "timestamp: it is from no authority of the trusted root");
        }

        if (isTimeMissing)
        {
            throw new SignatureException(
                SignatureFailure.MissingEvidence, "time: neither a log's promise nor a timestamp says when the signature was made");
        }

        if (authorities < policy.Timestamps)
        {
            throw new SignatureException(
                SignatureFailure.MissingEvidence,
                $"timestamp: {authorities} trusted authorities have seen the signature; expected {policy.Timestamps}");
        }
    }

    private static SignerIdentity CheckCertificate(
        Certificate certificate, List<DateTimeOffset> times, VerificationPolicy policy, TrustedRoot trust)
    {
        var issuer = CertificatePath.Check(
            certificate, trust.CertificateAuthorities, Oids.CodeSigning, times, SignatureFailure.UntrustedCertificate);
        SctList.Check(certificate, issuer, trust.CertificateLogs, policy.NeededCertificateLogs);
        var identity = SignerCertificate.Read(certificate);
        return policy.Identities.Contains(identity)
            ? identity
            : throw new SignatureException(
                SignatureFailure.WrongSigner, $"signer: {identity}; expected {Names(policy)}");
    }

    private static string Names(VerificationPolicy policy) => string.Join(" or ", policy.Identities);
}
