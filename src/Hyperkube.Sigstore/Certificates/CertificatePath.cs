using System.Formats.Asn1;
using Hyperkube.Sigstore.Trust;

namespace Hyperkube.Sigstore.Certificates;

/// <summary>Finds and checks the way from a certificate up to an authority of the trusted root.</summary>
/// <remarks>
/// Only the authorities' own certificates build the way; what comes along in evidence does not. All of the way has to
/// be valid at the moment that was proved, never at this host's. Source:
/// https://www.rfc-editor.org/rfc/rfc5280#section-6 and
/// https://docs.google.com/document/d/1kbhK2qyPPk8SLavHzYSDM8-Ueul9_oxIMVFuWMWKz0E (Sigstore client specification, 4.3)
/// </remarks>
internal static class CertificatePath
{
    /// <summary>Finds the authority whose way to the leaf holds at every one of the moments.</summary>
    /// <param name="leaf">What signed.</param>
    /// <param name="authorities">Those that are trusted for this purpose.</param>
    /// <param name="purpose">What the leaf and, where they restrict themselves, the authorities have to be for.</param>
    /// <param name="times">When it has to hold; at least one.</param>
    /// <param name="failure">What a way that does not hold is.</param>
    /// <returns>The certificate that issued the leaf.</returns>
    internal static Certificate Check(
        Certificate leaf,
        IReadOnlyList<CertificateAuthority> authorities,
        string purpose,
        IReadOnlyList<DateTimeOffset> times,
        SignatureFailure failure)
    {
        SignatureException? nearest = null;
        foreach (var authority in authorities)
        {
            try
            {
                return CheckOne(leaf, authority, purpose, times, failure);
            }
            catch (SignatureException e)
            {
                // The complaint of the authority that got furthest is the one worth reading.
                nearest = nearest is null || nearest.Failure == failure ? e : nearest;
            }
            catch (Exception e) when (e is FormatException or AsnContentException)
            {
                nearest ??= new SignatureException(failure, $"certificate: {e.Message}", e);
            }
        }

        throw nearest ?? new SignatureException(failure, "certificate: the trusted root has no authority for this purpose");
    }

    private static Certificate CheckOne(
        Certificate leaf, CertificateAuthority authority, string purpose, IReadOnlyList<DateTimeOffset> times, SignatureFailure failure)
    {
        CheckUnderstood(leaf, failure);
        var issuer = Climb(leaf, 0, authority, purpose, times, failure);
        CheckTimes(leaf, times, "the signer");
        foreach (var time in times.Where(time => !authority.ValidFor.Contains(time)))
        {
            throw new SignatureException(
                SignatureFailure.OutsideValidity,
                $"certificate: {authority.Name} is trusted {authority.ValidFor}, not at {Moment.Of(time)}");
        }

        return issuer;
    }

    /// <summary>Those of an authority's certificates that may have issued a certificate, by what it says.</summary>
    internal static IEnumerable<Certificate> IssuersOf(Certificate certificate, CertificateAuthority authority) =>
        authority.Chain.Where(c =>
            c != certificate && c.Subject.Span.SequenceEqual(certificate.Issuer.Span) && KeyIdsAgree(certificate, c));

    // Several certificates may have one name, and one of them the key: whichever leads to the top is good.
    private static Certificate Climb(
        Certificate current, int below, CertificateAuthority authority, string purpose, IReadOnlyList<DateTimeOffset> times,
        SignatureFailure failure)
    {
        if (below > authority.Chain.Count)
        {
            throw new SignatureException(failure, $"certificate: the chain of {authority.Name} in the trusted root is a circle");
        }

        List<Certificate> issuers = [.. IssuersOf(current, authority)];
        return issuers.Count == 0
            ? throw new SignatureException(
                failure,
                below == 0 ? $"certificate: not issued by {authority.Name}, nor by another trusted authority"
                    : $"certificate: the chain of {authority.Name} in the trusted root is broken")
            : FirstGood.Of(issuers, issuer =>
            {
                CheckIssuer(issuer, below, purpose, failure);
                if (!(authority.Chain.Contains(current) ? authority.HasSigned(issuer, current) : current.IsSignedBy(issuer)))
                {
                    throw new SignatureException(failure, $"certificate: its signature is not that of {authority.Name}");
                }

                CheckTimes(issuer, times, authority.Name);
                if (issuer != authority.Chain[^1])
                {
                    Climb(issuer, below + 1, authority, purpose, times, failure);
                }

                return issuer;
            });
    }

    private static bool KeyIdsAgree(Certificate certificate, Certificate issuer) =>
        CertificateUse.AuthorityKeyId(certificate) is not { } wanted
        || CertificateUse.SubjectKeyId(issuer) is not { } own
        || wanted.Span.SequenceEqual(own.Span);

    private static void CheckIssuer(Certificate issuer, int below, string purpose, SignatureFailure failure)
    {
        CheckUnderstood(issuer, failure);
        if (!CertificateUse.MayIssue(issuer, below))
        {
            throw new SignatureException(failure, "certificate: issued by a certificate that may not issue it");
        }

        if (CertificateUse.Purposes(issuer) is { } purposes && !purposes.Contains(purpose, StringComparer.Ordinal))
        {
            throw new SignatureException(failure, $"certificate: issued by an authority that is not for the purpose {purpose}");
        }
    }

    private static void CheckUnderstood(Certificate certificate, SignatureFailure failure)
    {
        if (CertificateUse.NotUnderstood(certificate) is { } oid)
        {
            throw new SignatureException(failure, $"certificate: demands {oid}, which is not supported");
        }
    }

    private static void CheckTimes(Certificate certificate, IReadOnlyList<DateTimeOffset> times, string whose)
    {
        foreach (var time in times.Where(time => !certificate.Covers(time)))
        {
            throw new SignatureException(
                SignatureFailure.OutsideValidity,
                $"certificate: that of {whose} is valid {Moment.Of(certificate.NotBefore)} to {Moment.Of(certificate.NotAfter)}, "
                + $"not at the proved time {Moment.Of(time)}");
        }
    }
}
