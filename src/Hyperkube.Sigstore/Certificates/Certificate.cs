using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Hyperkube.Sigstore.Certificates;

/// <summary>An extension of a certificate, its value still in DER.</summary>
internal sealed record CertificateExtension(string Oid, bool Critical, ReadOnlyMemory<byte> Value);

/// <summary>An X.509 certificate, taken apart; nothing about it is trusted yet.</summary>
/// <remarks>
/// Read by our own code rather than by the runtime's chain builder, which loads the system's whole store and may ask the
/// network for issuers. Source: https://www.rfc-editor.org/rfc/rfc5280#section-4.1
/// </remarks>
internal sealed class Certificate
{
    private const int MaxBytes = 64 << 10;
    private const int MaxExtensions = 64;

    private readonly ReadOnlyMemory<byte> _signatureAlgorithm;
    private VerificationKey? _key;

    private Certificate(ReadOnlyMemory<byte> der)
    {
        AsnReader outer = new(der, AsnEncodingRules.DER);
        var certificate = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        Der = der;
        Tbs = certificate.ReadEncodedValue();
        _signatureAlgorithm = certificate.ReadEncodedValue();
        Signature = certificate.ReadBitString(out _);
        certificate.ThrowIfNotEmpty();

        var tbs = new AsnReader(Tbs, AsnEncodingRules.DER).ReadSequence();
        var version = tbs.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 0));
        if (!version.TryReadInt32(out var number) || number != 2)
        {
            throw new FormatException("the certificate is not of version 3");
        }

        Serial = tbs.ReadIntegerBytes();
        if (!tbs.ReadEncodedValue().Span.SequenceEqual(_signatureAlgorithm.Span))
        {
            throw new FormatException("the certificate names two signature algorithms");
        }

        Issuer = tbs.ReadEncodedValue();
        var validity = tbs.ReadSequence();
        NotBefore = ReadTime(validity);
        NotAfter = ReadTime(validity);
        Subject = tbs.ReadEncodedValue();
        Spki = tbs.ReadEncodedValue();
        Extensions = ReadExtensions(tbs);
    }

    /// <summary>All of it.</summary>
    internal ReadOnlyMemory<byte> Der { get; }

    /// <summary>What its issuer signed.</summary>
    internal ReadOnlyMemory<byte> Tbs { get; }

    internal ReadOnlyMemory<byte> Signature { get; }

    internal ReadOnlyMemory<byte> Serial { get; }

    internal ReadOnlyMemory<byte> Issuer { get; }

    internal ReadOnlyMemory<byte> Subject { get; }

    /// <summary>Its first valid second.</summary>
    internal DateTimeOffset NotBefore { get; }

    /// <summary>Its last valid second.</summary>
    internal DateTimeOffset NotAfter { get; }

    internal ReadOnlyMemory<byte> Spki { get; }

    internal IReadOnlyList<CertificateExtension> Extensions { get; }

    /// <summary>Its key.</summary>
    /// <exception cref="FormatException">Of a kind that is not supported.</exception>
    internal VerificationKey Key => _key ??= VerificationKey.FromSpki(Spki);

    /// <summary>The SHA-256 of all of it, in lower-case hex.</summary>
    internal string Fingerprint => Convert.ToHexStringLower(SHA256.HashData(Der.Span));

    internal bool IsSelfIssued => Issuer.Span.SequenceEqual(Subject.Span);

    /// <summary>Reads a certificate in DER.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    internal static Certificate Parse(ReadOnlyMemory<byte> der)
    {
        if (der.Length > MaxBytes)
        {
            throw new FormatException($"a certificate of {der.Length} bytes; expected at most {MaxBytes}");
        }

        try
        {
            return new Certificate(der);
        }
        catch (AsnContentException e)
        {
            throw new FormatException($"the certificate is no DER: {e.Message}", e);
        }
    }

    internal CertificateExtension? Find(string oid) => Extensions.FirstOrDefault(e => e.Oid == oid);

    /// <summary>Whether it is valid at a moment; both ends are.</summary>
    internal bool Covers(DateTimeOffset time) => NotBefore <= time && time <= NotAfter;

    /// <summary>Whether the issuer's key made its signature.</summary>
    /// <exception cref="FormatException">The key or the algorithm is of a kind that is not supported.</exception>
    internal bool IsSignedBy(Certificate issuer) =>
        issuer.Key.Verify(Tbs.Span, Signature.Span, SignatureScheme.Read(_signatureAlgorithm));

    private static DateTimeOffset ReadTime(AsnReader reader) =>
        reader.PeekTag() == new Asn1Tag(UniversalTagNumber.UtcTime) ? reader.ReadUtcTime() : reader.ReadGeneralizedTime();

    private static List<CertificateExtension> ReadExtensions(AsnReader tbs)
    {
        // RFC 5280 lets two unique identifiers stand here, which nobody uses and nothing here looks at.
        while (tbs.HasData && tbs.PeekTag().TagValue is 1 or 2)
        {
            tbs.ReadEncodedValue();
        }

        List<CertificateExtension> extensions = [];
        if (!tbs.HasData)
        {
            return extensions;
        }

        var list = tbs.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 3)).ReadSequence();
        tbs.ThrowIfNotEmpty();
        while (list.HasData)
        {
            var extension = list.ReadSequence();
            var oid = extension.ReadObjectIdentifier();
            var critical = extension.PeekTag() == Asn1Tag.Boolean && extension.ReadBoolean();
            var value = extension.ReadOctetString();
            extension.ThrowIfNotEmpty();
            if (extensions.Count == MaxExtensions || extensions.Exists(e => e.Oid == oid))
            {
                throw new FormatException($"the certificate has the extension {oid} twice, or more than {MaxExtensions}");
            }

            extensions.Add(new CertificateExtension(oid, critical, value));
        }

        return extensions;
    }
}
