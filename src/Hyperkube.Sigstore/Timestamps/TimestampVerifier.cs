using System.Formats.Asn1;
using System.Security.Cryptography;
using Hyperkube.Sigstore.Certificates;
using Hyperkube.Sigstore.Trust;

namespace Hyperkube.Sigstore.Timestamps;

/// <summary>What a timestamp proves: that a signature was there at a time.</summary>
/// <param name="Authority">Who says so. Two under one topmost certificate are one witness.</param>
/// <param name="Time">When, at the latest.</param>
internal sealed record TimestampEvidence(CertificateAuthority Authority, DateTimeOffset Time);

/// <summary>Checks answers of timestamp authorities.</summary>
/// <remarks>Source: https://www.rfc-editor.org/rfc/rfc3161#section-2.3 and #section-2.4.2</remarks>
internal static class TimestampVerifier
{
    /// <summary>Checks one answer.</summary>
    /// <param name="der">The answer.</param>
    /// <param name="signature">What it has to be a timestamp of.</param>
    /// <param name="authorities">Those that are trusted.</param>
    /// <returns>Null if it is from none of them: then it proves nothing.</returns>
    internal static TimestampEvidence? Check(byte[] der, byte[] signature, IReadOnlyList<CertificateAuthority> authorities)
    {
        try
        {
            var token = TimestampToken.Parse(der);
            if (!CryptographicOperations.HashData(token.ImprintAlgorithm, signature).AsSpan().SequenceEqual(token.Imprint))
            {
                throw Failed("it is one of another signature");
            }

            return CheckAuthority(token, authorities);
        }
        catch (Exception e) when (e is FormatException or AsnContentException)
        {
            throw new SignatureException(SignatureFailure.BadTimestamp, $"timestamp: {e.Message}", e);
        }
    }

    private static TimestampEvidence? CheckAuthority(TimestampToken token, IReadOnlyList<CertificateAuthority> authorities)
    {
        List<(CertificateAuthority Authority, Certificate Signer)> candidates =
            [.. authorities.SelectMany(a => SignersOf(token, a).Select(s => (a, s)))];
        return candidates.Count == 0 ? null : FirstGood.Of(candidates, c =>
        {
            CheckSigner(token, c.Signer, c.Authority);
            return new TimestampEvidence(c.Authority, token.Time);
        });
    }

    // The trusted root usually names the signing certificate too. If it does, no other one is looked at; else one that came along and
    // says that the authority has issued it.
    private static IEnumerable<Certificate> SignersOf(TimestampToken token, CertificateAuthority authority)
    {
        var named = authority.Chain.Where(c => !CertificateUse.IsAuthority(c)).ToList();
        return (named.Count > 0 ? named : token.Certificates.Where(c => CertificatePath.IssuersOf(c, authority).Any()))
            .Where(token.Signer.IsFrom);
    }

    private static void CheckSigner(TimestampToken token, Certificate signer, CertificateAuthority authority)
    {
        if (!token.Signer.HasSigned(token.Info, signer))
        {
            throw Failed($"the signature is not that of {authority.Name}");
        }

        if (signer.Find(Oids.ExtendedKeyUsage) is not { Critical: true } || CertificateUse.Purposes(signer) is not [Oids.TimeStamping])
        {
            throw Failed($"the certificate of {authority.Name} is not for timestamps alone");
        }

        CertificatePath.Check(signer, [authority], Oids.TimeStamping, [token.Time], SignatureFailure.BadTimestamp);
    }

    private static SignatureException Failed(string what) => new(SignatureFailure.BadTimestamp, $"timestamp: {what}");
}
