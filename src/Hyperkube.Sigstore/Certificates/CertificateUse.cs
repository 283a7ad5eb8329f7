using System.Formats.Asn1;

namespace Hyperkube.Sigstore.Certificates;

/// <summary>What a certificate says it may be used for.</summary>
/// <remarks>Source: https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1</remarks>
internal static class CertificateUse
{
    private static readonly string[] Understood =
    [
        Oids.SubjectKeyId, Oids.KeyUsage, Oids.SubjectAltName, Oids.BasicConstraints, Oids.AuthorityKeyId, Oids.ExtendedKeyUsage,
        Oids.CertificatePolicies,
    ];

    /// <summary>Whether it may issue certificates with so many authorities between it and the last one.</summary>
    internal static bool MayIssue(Certificate certificate, int authoritiesBelow)
    {
        if (certificate.Find(Oids.BasicConstraints) is not { } extension)
        {
            return false;
        }

        var reader = Open(extension);
        var isAuthority = reader.HasData && reader.PeekTag() == Asn1Tag.Boolean && reader.ReadBoolean();
        var length = int.MaxValue;
        if (reader.HasData && !reader.TryReadInt32(out length))
        {
            return false;
        }

        reader.ThrowIfNotEmpty();
        return isAuthority && authoritiesBelow <= length && Permits(certificate, X509Usage.KeyCertSign);
    }

    /// <summary>Whether it says that it is an authority.</summary>
    internal static bool IsAuthority(Certificate certificate)
    {
        if (certificate.Find(Oids.BasicConstraints) is not { } extension)
        {
            return false;
        }

        var reader = Open(extension);
        return reader.HasData && reader.PeekTag() == Asn1Tag.Boolean && reader.ReadBoolean();
    }

    /// <summary>Whether its key usage, if it has one, permits something.</summary>
    internal static bool Permits(Certificate certificate, X509Usage usage)
    {
        if (certificate.Find(Oids.KeyUsage) is not { } extension)
        {
            return true;
        }

        AsnReader reader = new(extension.Value, AsnEncodingRules.DER);
        var bits = reader.ReadNamedBitListValue<X509Usage>();
        reader.ThrowIfNotEmpty();
        return bits.HasFlag(usage);
    }

    /// <summary>The purposes of its extended key usage; null when it has none.</summary>
    internal static IReadOnlyList<string>? Purposes(Certificate certificate)
    {
        if (certificate.Find(Oids.ExtendedKeyUsage) is not { } extension)
        {
            return null;
        }

        var reader = Open(extension);
        List<string> purposes = [];
        while (reader.HasData)
        {
            purposes.Add(reader.ReadObjectIdentifier());
        }

        return purposes;
    }

    /// <summary>The identifier of an authority's key in what it issued; null when it is not said.</summary>
    internal static ReadOnlyMemory<byte>? AuthorityKeyId(Certificate certificate)
    {
        if (certificate.Find(Oids.AuthorityKeyId) is not { } extension)
        {
            return null;
        }

        Asn1Tag keyIdentifier = new(TagClass.ContextSpecific, 0);
        var reader = Open(extension);
        if (!reader.HasData || !reader.PeekTag().HasSameClassAndValue(keyIdentifier))
        {
            return null; // Not in one expression with what follows: a null array becomes an empty memory.
        }

        return reader.ReadOctetString(keyIdentifier);
    }

    /// <summary>The identifier of its own key; null when it is not said.</summary>
    internal static ReadOnlyMemory<byte>? SubjectKeyId(Certificate certificate)
    {
        if (certificate.Find(Oids.SubjectKeyId) is not { } extension)
        {
            return null;
        }

        AsnReader reader = new(extension.Value, AsnEncodingRules.DER);
        return reader.ReadOctetString();
    }

    /// <summary>A demand that this code does not know how to meet; null when there is none.</summary>
    internal static string? NotUnderstood(Certificate certificate) =>
        certificate.Extensions.FirstOrDefault(e =>
            e.Oid == Oids.NameConstraints || (e.Critical && !Understood.Contains(e.Oid)))?.Oid;

    private static AsnReader Open(CertificateExtension extension)
    {
        AsnReader outer = new(extension.Value, AsnEncodingRules.DER);
        var reader = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        return reader;
    }
}

/// <summary>The bits of a key usage, as ASN.1 numbers them.</summary>
[Flags]
internal enum X509Usage
{
    /// <summary>It may sign content.</summary>
    DigitalSignature = 1 << 0,

    /// <summary>It may sign certificates.</summary>
    KeyCertSign = 1 << 5,
}
