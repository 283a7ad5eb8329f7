using System.Formats.Asn1;
using System.Security.Cryptography;
using Hyperkube.Sigstore.Certificates;

namespace Hyperkube.Sigstore.Timestamps;

/// <summary>An answer of a timestamp authority, taken apart; nothing about it is checked yet.</summary>
/// <remarks>Source: https://www.rfc-editor.org/rfc/rfc3161#section-2.4.2 and https://www.rfc-editor.org/rfc/rfc5652#section-5</remarks>
internal sealed class TimestampToken
{
    private const int MaxBytes = 128 << 10;
    private const int MaxCertificates = 8;

    private static readonly Asn1Tag Zero = new(TagClass.ContextSpecific, 0);
    private static readonly Asn1Tag One = new(TagClass.ContextSpecific, 1);

    private TimestampToken(ReadOnlyMemory<byte> der)
    {
        AsnReader outer = new(der, AsnEncodingRules.DER);
        var response = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        if (!response.ReadSequence().TryReadInt32(out var status) || status != 0)
        {
            throw new FormatException("the authority did not grant a timestamp");
        }

        var token = response.ReadSequence();
        response.ThrowIfNotEmpty();
        Expect(Oids.SignedData, token.ReadObjectIdentifier());
        var signedData = token.ReadSequence(Zero).ReadSequence();
        token.ThrowIfNotEmpty();
        signedData.ReadIntegerBytes();
        signedData.ReadSetOf(skipSortOrderValidation: true);
        var content = signedData.ReadSequence();
        Expect(Oids.TimestampInfo, content.ReadObjectIdentifier());
        Info = content.ReadSequence(Zero).ReadOctetString();
        Certificates = ReadCertificates(signedData);
        if (signedData.HasData && signedData.PeekTag().HasSameClassAndValue(One))
        {
            signedData.ReadEncodedValue(); // Lists of revoked certificates, which nothing here asks.
        }

        var signers = signedData.ReadSetOf(skipSortOrderValidation: true);
        signedData.ThrowIfNotEmpty();
        Signer = new TimestampSigner(signers.ReadSequence());
        signers.ThrowIfNotEmpty();
        (ImprintAlgorithm, Imprint, Time) = ReadInfo(Info);
    }

    /// <summary>What the authority signed.</summary>
    internal byte[] Info { get; }

    /// <summary>Those that came along; they are not trusted for that.</summary>
    internal IReadOnlyList<Certificate> Certificates { get; }

    internal TimestampSigner Signer { get; }

    /// <summary>The hash of what was timestamped.</summary>
    internal byte[] Imprint { get; }

    internal HashAlgorithmName ImprintAlgorithm { get; }

    /// <summary>When.</summary>
    internal DateTimeOffset Time { get; }

    /// <summary>Reads a <c>TimeStampResp</c> in DER.</summary>
    /// <exception cref="FormatException">It is none, or the authority refused.</exception>
    internal static TimestampToken Parse(ReadOnlyMemory<byte> der)
    {
        if (der.Length > MaxBytes)
        {
            throw new FormatException($"{der.Length} bytes; expected at most {MaxBytes}");
        }

        try
        {
            return new TimestampToken(der);
        }
        catch (AsnContentException e)
        {
            throw new FormatException($"no DER: {e.Message}", e);
        }
    }

    private static List<Certificate> ReadCertificates(AsnReader signedData)
    {
        List<Certificate> certificates = [];
        if (signedData.HasData && signedData.PeekTag().HasSameClassAndValue(Zero))
        {
            var set = signedData.ReadSetOf(skipSortOrderValidation: true, Zero);
            while (set.HasData)
            {
                certificates.Add(certificates.Count < MaxCertificates
                    ? Certificate.Parse(set.ReadEncodedValue())
                    : throw new FormatException($"more than {MaxCertificates} certificates"));
            }
        }

        return certificates;
    }

    private static (HashAlgorithmName Algorithm, byte[] Imprint, DateTimeOffset Time) ReadInfo(byte[] der)
    {
        AsnReader outer = new(der, AsnEncodingRules.DER);
        var info = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        if (!info.TryReadInt32(out var version) || version != 1)
        {
            throw new FormatException("a timestamp of another version");
        }

        info.ReadObjectIdentifier(); // The authority's policy, which is its own affair.
        var imprint = info.ReadSequence();
        var oid = imprint.ReadSequence().ReadObjectIdentifier();
        var hash = imprint.ReadOctetString();
        imprint.ThrowIfNotEmpty();
        info.ReadIntegerBytes();
        var time = info.ReadGeneralizedTime();
        return (HashNames.OfOid(oid) ?? throw new FormatException($"the hash {oid} is not SHA-256, SHA-384 or SHA-512"), hash, time);
    }

    private static void Expect(string expected, string oid)
    {
        if (oid != expected)
        {
            throw new FormatException($"content of the type {oid}; expected {expected}");
        }
    }
}
