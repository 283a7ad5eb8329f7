using System.Security.Cryptography;

namespace Hyperkube.Sigstore;

/// <summary>The three hashes that evidence may use, by the names that documents give them.</summary>
internal static class HashNames
{
    /// <summary>As bundles and trusted roots write it.</summary>
    internal static HashAlgorithmName? OfProtobuf(string name) => name switch
    {
        "SHA2_256" => HashAlgorithmName.SHA256,
        "SHA2_384" => HashAlgorithmName.SHA384,
        "SHA2_512" => HashAlgorithmName.SHA512,
        _ => null,
    };

    /// <summary>As bundles and entries of Rekor's second version write it.</summary>
    internal static string Protobuf(HashAlgorithmName hash) =>
        hash == HashAlgorithmName.SHA256 ? "SHA2_256" : hash == HashAlgorithmName.SHA384 ? "SHA2_384" : "SHA2_512";

    /// <summary>As entries of Rekor's first version and in-toto statements write it.</summary>
    internal static string Lower(HashAlgorithmName hash) =>
        hash == HashAlgorithmName.SHA256 ? "sha256" : hash == HashAlgorithmName.SHA384 ? "sha384" : "sha512";

    /// <summary>As ASN.1 names it.</summary>
    internal static HashAlgorithmName? OfOid(string oid) => oid switch
    {
        Oids.Sha256 => HashAlgorithmName.SHA256,
        Oids.Sha384 => HashAlgorithmName.SHA384,
        Oids.Sha512 => HashAlgorithmName.SHA512,
        _ => null,
    };
}
