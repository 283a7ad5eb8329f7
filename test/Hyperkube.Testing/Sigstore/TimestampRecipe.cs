using System.Security.Cryptography;

namespace Hyperkube.Testing.Sigstore;

/// <summary>What is put into an answer.</summary>
public sealed record TimestampRecipe
{
    public int Status { get; init; }

    public bool WithCertificate { get; init; } = true;

    /// <summary>What is hashed into the imprint of what is timestamped.</summary>
    public HashAlgorithmName Imprint { get; init; } = HashAlgorithmName.SHA256;

    /// <summary>Whether the signer is named by its key's identifier, and not by issuer and number.</summary>
    public bool ByKeyId { get; init; }

    /// <summary>Whether the signed attributes name the certificate by its hash.</summary>
    public bool NamesCertificate { get; init; } = true;

    public string ContentType { get; init; } = "1.2.840.113549.1.9.16.1.4";

    /// <summary>Changes what is timestamped.</summary>
    public Func<byte[], byte[]> AlterImprint { get; init; } = hash => hash;

    /// <summary>Changes the digest that is among the signed attributes.</summary>
    public Func<byte[], byte[]> AlterDigest { get; init; } = hash => hash;

    /// <summary>Changes the signature.</summary>
    public Func<byte[], byte[]> AlterSignature { get; init; } = signature => signature;

    /// <summary>Changes the hash of the certificate that is named.</summary>
    public Func<byte[], byte[]> AlterCertificateHash { get; init; } = hash => hash;
}
