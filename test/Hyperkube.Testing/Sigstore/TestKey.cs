using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Security;

namespace Hyperkube.Testing.Sigstore;

/// <summary>A key of a test's own, of any kind that evidence uses.</summary>
public sealed class TestKey : IDisposable
{
    private readonly ECDsa? _ecdsa;
    private readonly RSA? _rsa;
    private readonly Ed25519PrivateKeyParameters? _ed25519;

    private TestKey(string details, HashAlgorithmName hash, ECDsa? ecdsa = null, RSA? rsa = null, Ed25519PrivateKeyParameters? ed25519 = null)
    {
        Details = details;
        Hash = hash;
        _ecdsa = ecdsa;
        _rsa = rsa;
        _ed25519 = ed25519;
        Spki = ecdsa?.ExportSubjectPublicKeyInfo() ?? rsa?.ExportSubjectPublicKeyInfo()
            ?? [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, .. ed25519!.GeneratePublicKey().GetEncoded()];
    }

    /// <summary>Its kind, as a trusted root names it.</summary>
    public string Details { get; }

    public HashAlgorithmName Hash { get; }

    public byte[] Spki { get; }

    public byte[] SpkiHash => SHA256.HashData(Spki);

    public string Pem => PemEncoding.WriteString("PUBLIC KEY", Spki) + "\n";

    /// <summary>The 32 bytes of an Ed25519 key.</summary>
    public byte[] RawEd25519 => _ed25519!.GeneratePublicKey().GetEncoded();

    public static TestKey P256() => new("PKIX_ECDSA_P256_SHA_256", HashAlgorithmName.SHA256, ecdsa: ECDsa.Create(ECCurve.NamedCurves.nistP256));

    public static TestKey P384() => new("PKIX_ECDSA_P384_SHA_384", HashAlgorithmName.SHA384, ecdsa: ECDsa.Create(ECCurve.NamedCurves.nistP384));

    public static TestKey P521() => new("PKIX_ECDSA_P521_SHA_512", HashAlgorithmName.SHA512, ecdsa: ECDsa.Create(ECCurve.NamedCurves.nistP521));

    public static TestKey Rsa() => new("PKIX_RSA_PKCS1V15_2048_SHA256", HashAlgorithmName.SHA256, rsa: RSA.Create(2048));

    public static TestKey Ed25519() => new("PKIX_ED25519", HashAlgorithmName.SHA512, ed25519: new Ed25519PrivateKeyParameters(new SecureRandom()));

    /// <summary>Somebody else's key on P-256, of which only the public half is at hand.</summary>
    public static TestKey Of(byte[] spki)
    {
        var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(spki, out _);
        return new("PKIX_ECDSA_P256_SHA_256", HashAlgorithmName.SHA256, ecdsa: key);
    }

    public byte[] Sign(byte[] data, HashAlgorithmName? hash = null, bool pss = false) =>
        _ecdsa is not null ? _ecdsa.SignData(data, hash ?? Hash, DSASignatureFormat.Rfc3279DerSequence)
        : _rsa is not null ? _rsa.SignData(data, hash ?? Hash, pss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1)
        : SignEd25519(data);

    /// <summary>Signs a file: as everything, but with Ed25519 by the file's hash (RFC 8032's Ed25519ph).</summary>
    public byte[] SignFile(byte[] content)
    {
        if (_ed25519 is null)
        {
            return Sign(content);
        }

        Org.BouncyCastle.Crypto.Signers.Ed25519phSigner signer = new([]);
        signer.Init(forSigning: true, _ed25519);
        signer.BlockUpdate(content, 0, content.Length);
        return signer.GenerateSignature();
    }

    /// <summary>What a certificate is requested with.</summary>
    public CertificateRequest Request(X500DistinguishedName subject) =>
        _ecdsa is not null ? new CertificateRequest(subject, _ecdsa, Hash) : new CertificateRequest(subject, _rsa!, Hash, RSASignaturePadding.Pkcs1);

    /// <summary>What signs certificates.</summary>
    public X509SignatureGenerator Generator() =>
        _ecdsa is not null ? X509SignatureGenerator.CreateForECDsa(_ecdsa) : X509SignatureGenerator.CreateForRSA(_rsa!, RSASignaturePadding.Pkcs1);

    /// <summary>As PEM, PKCS #8.</summary>
    public string PrivatePem => _ecdsa is not null ? _ecdsa.ExportPkcs8PrivateKeyPem() : _rsa!.ExportPkcs8PrivateKeyPem();

    public byte[] Pkcs1 => _rsa!.ExportRSAPublicKey();

    public void Dispose()
    {
        _ecdsa?.Dispose();
        _rsa?.Dispose();
    }

    private byte[] SignEd25519(byte[] data)
    {
        Org.BouncyCastle.Crypto.Signers.Ed25519Signer signer = new();
        signer.Init(forSigning: true, _ed25519);
        signer.BlockUpdate(data, 0, data.Length);
        return signer.GenerateSignature();
    }
}
