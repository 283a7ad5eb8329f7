using System.Formats.Asn1;
using System.Text;

namespace Hyperkube.Sigstore.Certificates;

/// <summary>What a certificate of Fulcio says about the signer.</summary>
/// <remarks>Source: https://github.com/sigstore/fulcio/blob/v1.8.1/docs/certificate-specification.md and
/// https://github.com/sigstore/fulcio/blob/v1.8.1/docs/oid-info.md</remarks>
internal static class SignerCertificate
{
    private static readonly Encoding StrictUtf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Checks that it may sign content, and reads who signed.</summary>
    /// <exception cref="SignatureException">It may not, or does not say.</exception>
    internal static SignerIdentity Read(Certificate leaf)
    {
        try
        {
            if (CertificateUse.IsAuthority(leaf))
            {
                throw Untrusted("that of the signer is one of an authority");
            }

            if (leaf.Find(Oids.KeyUsage) is null || !CertificateUse.Permits(leaf, X509Usage.DigitalSignature))
            {
                throw Untrusted("that of the signer is not for digital signatures");
            }

            if (CertificateUse.Purposes(leaf)?.Contains(Oids.CodeSigning, StringComparer.Ordinal) != true)
            {
                throw Untrusted("that of the signer is not for code signing");
            }

            return new SignerIdentity(ReadSubject(leaf), ReadIssuer(leaf));
        }
        catch (Exception e) when (e is AsnContentException or FormatException or DecoderFallbackException)
        {
            throw new SignatureException(SignatureFailure.Malformed, $"certificate: {e.Message}", e);
        }
    }

    private static string ReadSubject(Certificate leaf)
    {
        var extension = leaf.Find(Oids.SubjectAltName) ?? throw Untrusted("that of the signer has no subject alternative name");
        AsnReader outer = new(extension.Value, AsnEncodingRules.DER);
        var names = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var name = names.PeekTag() switch
        {
            { TagClass: TagClass.ContextSpecific, TagValue: 0 } tag => ReadOtherName(names.ReadSequence(tag)),
            { TagClass: TagClass.ContextSpecific, TagValue: 1 or 6 } tag => names.ReadCharacterString(UniversalTagNumber.IA5String, tag),
            _ => throw new FormatException("the subject alternative name is no e-mail address, URI or other name of Fulcio"),
        };

        return names.HasData ? throw new FormatException("more than one subject alternative name")
            : name.Length == 0 ? throw new FormatException("an empty subject alternative name")
            : name;
    }

    private static string ReadOtherName(AsnReader name)
    {
        var oid = name.ReadObjectIdentifier();
        var value = name.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 0));
        name.ThrowIfNotEmpty();
        var text = value.ReadCharacterString(UniversalTagNumber.UTF8String);
        value.ThrowIfNotEmpty();
        return oid == Oids.OtherName ? text : throw new FormatException($"the other name {oid} is not Fulcio's");
    }

    private static string ReadIssuer(Certificate leaf)
    {
        if (leaf.Find(Oids.Issuer) is { } current)
        {
            AsnReader reader = new(current.Value, AsnEncodingRules.DER);
            var issuer = reader.ReadCharacterString(UniversalTagNumber.UTF8String);
            reader.ThrowIfNotEmpty();
            return issuer;
        }

        // The older extension holds the text as it is.
        return leaf.Find(Oids.IssuerRaw) is { } older
            ? StrictUtf8.GetString(older.Value.Span)
            : throw Untrusted("that of the signer does not say who vouched for the signer (no issuer extension)");
    }

    private static SignatureException Untrusted(string what) => new(SignatureFailure.UntrustedCertificate, $"certificate: {what}");
}
