using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Hyperkube.Sigstore;

/// <summary>The families of keys that evidence may use.</summary>
internal enum KeyFamily
{
    /// <summary>On P-256, P-384 or P-521.</summary>
    Ecdsa,

    /// <summary>Of 2048 bits or more.</summary>
    Rsa,

    /// <summary>RFC 8032.</summary>
    Ed25519,
}

/// <summary>How a signature is made.</summary>
/// <param name="Family">The key's.</param>
/// <param name="Hash">What is signed; Ed25519 hashes by itself.</param>
/// <param name="Pss">The padding of RSA: PSS, else PKCS #1 v1.5.</param>
internal readonly record struct SignatureScheme(KeyFamily Family, HashAlgorithmName Hash, bool Pss = false)
{
    /// <summary>Reads an <c>AlgorithmIdentifier</c>.</summary>
    /// <exception cref="FormatException">It is none that evidence may use.</exception>
    /// <exception cref="AsnContentException">It is no DER.</exception>
    internal static SignatureScheme Read(ReadOnlyMemory<byte> algorithm)
    {
        var reader = new AsnReader(algorithm, AsnEncodingRules.DER).ReadSequence();
        var oid = reader.ReadObjectIdentifier();
        return oid switch
        {
            Oids.EcdsaSha256 => new(KeyFamily.Ecdsa, HashAlgorithmName.SHA256),
            Oids.EcdsaSha384 => new(KeyFamily.Ecdsa, HashAlgorithmName.SHA384),
            Oids.EcdsaSha512 => new(KeyFamily.Ecdsa, HashAlgorithmName.SHA512),
            Oids.RsaSha256 => new(KeyFamily.Rsa, HashAlgorithmName.SHA256),
            Oids.RsaSha384 => new(KeyFamily.Rsa, HashAlgorithmName.SHA384),
            Oids.RsaSha512 => new(KeyFamily.Rsa, HashAlgorithmName.SHA512),
            Oids.RsaPss => new(KeyFamily.Rsa, PssHash(reader), Pss: true),
            Oids.Ed25519 => new(KeyFamily.Ed25519, HashAlgorithmName.SHA512),
            _ => throw new FormatException($"the signature algorithm {oid} is not one of those that are supported"),
        };
    }

    /// <summary>What a log or a managed key is called in a trusted root and in entries of Rekor's second version.</summary>
    /// <returns>Null for a kind that is unknown.</returns>
    internal static SignatureScheme? OfKeyDetails(string name) => name switch
    {
        "PKIX_ECDSA_P256_SHA_256" or "PKIX_ECDSA_P256_HMAC_SHA_256" => new(KeyFamily.Ecdsa, HashAlgorithmName.SHA256),
        "PKIX_ECDSA_P384_SHA_256" or "PKIX_ECDSA_P521_SHA_256" => new(KeyFamily.Ecdsa, HashAlgorithmName.SHA256),
        "PKIX_ECDSA_P384_SHA_384" => new(KeyFamily.Ecdsa, HashAlgorithmName.SHA384),
        "PKIX_ECDSA_P521_SHA_512" => new(KeyFamily.Ecdsa, HashAlgorithmName.SHA512),
        "PKIX_ED25519" or "PKIX_ED25519_PH" => new(KeyFamily.Ed25519, HashAlgorithmName.SHA512),
        "PKCS1_RSA_PKCS1V5" or "PKIX_RSA_PKCS1V5" => new(KeyFamily.Rsa, HashAlgorithmName.SHA256),
        _ when name.StartsWith("PKIX_RSA_PKCS1V15_", StringComparison.Ordinal) => new(KeyFamily.Rsa, HashAlgorithmName.SHA256),
        "PKCS1_RSA_PSS" or "PKIX_RSA_PSS" => new(KeyFamily.Rsa, HashAlgorithmName.SHA256, Pss: true),
        _ when name.StartsWith("PKIX_RSA_PSS_", StringComparison.Ordinal) => new(KeyFamily.Rsa, HashAlgorithmName.SHA256, Pss: true),
        _ => null,
    };

    // The salt's length is not compared: .NET and everybody in this field use that of the hash.
    private static HashAlgorithmName PssHash(AsnReader parameters)
    {
        Asn1Tag hash = new(TagClass.ContextSpecific, 0);
        var oid = parameters.ReadSequence().ReadSequence(hash).ReadSequence().ReadObjectIdentifier();
        return HashNames.OfOid(oid) ?? throw new FormatException($"the hash {oid} is not SHA-256, SHA-384 or SHA-512");
    }
}
