using System.Formats.Asn1;
using System.Security.Cryptography;
using Hyperkube.Sigstore.Certificates;

namespace Hyperkube.Sigstore.Timestamps;

/// <summary>The signature of a timestamp, and the attributes that it is over.</summary>
/// <remarks>Source: https://www.rfc-editor.org/rfc/rfc5652#section-5.3</remarks>
internal sealed class TimestampSigner
{
    private const byte SetTag = 0x31;

    private static readonly Asn1Tag Zero = new(TagClass.ContextSpecific, 0);

    private readonly ReadOnlyMemory<byte> _issuer;
    private readonly ReadOnlyMemory<byte> _serial;
    private readonly ReadOnlyMemory<byte>? _keyId;
    private readonly byte[] _signedAttributes;
    private readonly Dictionary<string, ReadOnlyMemory<byte>> _attributes = [];
    private readonly SignatureScheme _scheme;
    private readonly HashAlgorithmName _hash;
    private readonly byte[] _signature;

    internal TimestampSigner(AsnReader signer)
    {
        signer.ReadIntegerBytes();
        if (signer.PeekTag().HasSameClassAndValue(Zero))
        {
            _keyId = signer.ReadOctetString(Zero);
        }
        else
        {
            var name = signer.ReadSequence();
            _issuer = name.ReadEncodedValue();
            _serial = name.ReadIntegerBytes();
        }

        var hash = signer.ReadSequence().ReadObjectIdentifier();
        _hash = HashNames.OfOid(hash) ?? throw new FormatException($"the hash {hash} is not SHA-256, SHA-384 or SHA-512");
        if (!signer.PeekTag().HasSameClassAndValue(Zero))
        {
            throw new FormatException("no signed attributes");
        }

        // Signed as the set that it is, not under the tag that it has here.
        _signedAttributes = signer.PeekEncodedValue().ToArray();
        _signedAttributes[0] = SetTag;
        ReadAttributes(signer.ReadSetOf(skipSortOrderValidation: true, Zero));
        _scheme = ReadScheme(signer.ReadEncodedValue(), _hash);
        _signature = signer.ReadOctetString();
    }

    /// <summary>Whether the certificate is the one that is named.</summary>
    internal bool IsFrom(Certificate certificate) =>
        _keyId is { } id
            ? CertificateUse.SubjectKeyId(certificate) is { } own && own.Span.SequenceEqual(id.Span)
            : certificate.Issuer.Span.SequenceEqual(_issuer.Span) && certificate.Serial.Span.SequenceEqual(_serial.Span);

    /// <summary>Whether the certificate's key signed this content.</summary>
    internal bool HasSigned(byte[] content, Certificate certificate) =>
        _attributes.TryGetValue(Oids.ContentType, out var type)
        && new AsnReader(type, AsnEncodingRules.DER).ReadObjectIdentifier() == Oids.TimestampInfo
        && _attributes.TryGetValue(Oids.MessageDigest, out var digest)
        && new AsnReader(digest, AsnEncodingRules.DER).ReadOctetString().AsSpan()
            .SequenceEqual(CryptographicOperations.HashData(_hash, content))
        && NamesCertificate(certificate)
        && certificate.Key.Verify(_signedAttributes, _signature, _scheme);

    // RFC 5816: which certificate, by its hash, so that no other one with the same key and name can stand in.
    private bool NamesCertificate(Certificate certificate)
    {
        if (!_attributes.TryGetValue(Oids.SigningCertificateV2, out var attribute))
        {
            return true; // The older form has a SHA-1; the certificate is the trusted root's anyway.
        }

        var first = new AsnReader(attribute, AsnEncodingRules.DER).ReadSequence().ReadSequence().ReadSequence();
        var algorithm = HashAlgorithmName.SHA256;
        if (first.PeekTag() == new Asn1Tag(UniversalTagNumber.Sequence, isConstructed: true))
        {
            var oid = first.ReadSequence().ReadObjectIdentifier();
            algorithm = HashNames.OfOid(oid) ?? throw new FormatException($"the hash {oid} is not SHA-256, SHA-384 or SHA-512");
        }

        return first.ReadOctetString().AsSpan().SequenceEqual(CryptographicOperations.HashData(algorithm, certificate.Der.Span));
    }

    private void ReadAttributes(AsnReader attributes)
    {
        while (attributes.HasData)
        {
            var attribute = attributes.ReadSequence();
            var oid = attribute.ReadObjectIdentifier();
            var values = attribute.ReadSetOf();
            attribute.ThrowIfNotEmpty();
            var value = values.ReadEncodedValue();
            if (!_attributes.TryAdd(oid, value) || values.HasData)
            {
                throw new FormatException($"the attribute {oid} has more than one value");
            }
        }
    }

    // CMS also lets the algorithm be that of the key alone; the hash is then the signer's.
    private static SignatureScheme ReadScheme(ReadOnlyMemory<byte> algorithm, HashAlgorithmName hash) =>
        new AsnReader(algorithm, AsnEncodingRules.DER).ReadSequence().ReadObjectIdentifier() switch
        {
            Oids.Rsa => new SignatureScheme(KeyFamily.Rsa, hash),
            Oids.EcPublicKey => new SignatureScheme(KeyFamily.Ecdsa, hash),
            Oids.Ed25519 => new SignatureScheme(KeyFamily.Ed25519, hash),
            _ => SignatureScheme.Read(algorithm),
        };
}
