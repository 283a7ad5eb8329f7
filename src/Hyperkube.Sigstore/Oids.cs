namespace Hyperkube.Sigstore;

/// <summary>The object identifiers that evidence uses.</summary>
internal static class Oids
{
    // Keys: RFC 5480, RFC 8017, RFC 8410.
    internal const string EcPublicKey = "1.2.840.10045.2.1";
    internal const string P256 = "1.2.840.10045.3.1.7";
    internal const string P384 = "1.3.132.0.34";
    internal const string P521 = "1.3.132.0.35";
    internal const string Rsa = "1.2.840.113549.1.1.1";
    internal const string Ed25519 = "1.3.101.112";

    // Hashes: RFC 5754.
    internal const string Sha256 = "2.16.840.1.101.3.4.2.1";
    internal const string Sha384 = "2.16.840.1.101.3.4.2.2";
    internal const string Sha512 = "2.16.840.1.101.3.4.2.3";

    // Signatures: RFC 5758, RFC 8017.
    internal const string EcdsaSha256 = "1.2.840.10045.4.3.2";
    internal const string EcdsaSha384 = "1.2.840.10045.4.3.3";
    internal const string EcdsaSha512 = "1.2.840.10045.4.3.4";
    internal const string RsaPss = "1.2.840.113549.1.1.10";
    internal const string RsaSha256 = "1.2.840.113549.1.1.11";
    internal const string RsaSha384 = "1.2.840.113549.1.1.12";
    internal const string RsaSha512 = "1.2.840.113549.1.1.13";

    // Extensions of certificates: RFC 5280, RFC 6962.
    internal const string SubjectKeyId = "2.5.29.14";
    internal const string KeyUsage = "2.5.29.15";
    internal const string SubjectAltName = "2.5.29.17";
    internal const string BasicConstraints = "2.5.29.19";
    internal const string NameConstraints = "2.5.29.30";
    internal const string CertificatePolicies = "2.5.29.32";
    internal const string AuthorityKeyId = "2.5.29.35";
    internal const string ExtendedKeyUsage = "2.5.29.37";
    internal const string SctList = "1.3.6.1.4.1.11129.2.4.2";
    internal const string CodeSigning = "1.3.6.1.5.5.7.3.3";
    internal const string TimeStamping = "1.3.6.1.5.5.7.3.8";

    // Fulcio: https://github.com/sigstore/fulcio/blob/v1.8.1/docs/oid-info.md
    internal const string IssuerRaw = "1.3.6.1.4.1.57264.1.1";
    internal const string OtherName = "1.3.6.1.4.1.57264.1.7";
    internal const string Issuer = "1.3.6.1.4.1.57264.1.8";

    // Timestamps: RFC 3161, RFC 5652, RFC 5816.
    internal const string SignedData = "1.2.840.113549.1.7.2";
    internal const string ContentType = "1.2.840.113549.1.9.3";
    internal const string MessageDigest = "1.2.840.113549.1.9.4";
    internal const string TimestampInfo = "1.2.840.113549.1.9.16.1.4";
    internal const string SigningCertificateV2 = "1.2.840.113549.1.9.16.2.47";
}
