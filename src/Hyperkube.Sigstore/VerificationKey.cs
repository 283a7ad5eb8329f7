using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Curves;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;

namespace Hyperkube.Sigstore;

/// <summary>A public key: of a signer, a log or an authority. ECDSA on P-256, P-384 and P-521, RSA of 2048 bits or more,
/// and Ed25519.</summary>
public sealed class VerificationKey
{
    internal const int MinRsaBits = 2048;
    internal const int MaxRsaBits = 8192; // What an attacker's key may cost to check.
    private const int MaxPemChars = 16 << 10;

    private readonly byte[] _spki;
    private readonly byte[] _key; // What is inside the SPKI: a point, or an Ed25519 key as it is.

    private VerificationKey(byte[] spki, KeyFamily family, HashAlgorithmName hash, byte[] key)
    {
        _spki = spki;
        _key = key;
        Family = family;
        Hash = hash;
    }

    /// <summary>Its DER form, a SubjectPublicKeyInfo.</summary>
    public ReadOnlyMemory<byte> Spki => _spki;

    /// <summary>The SHA-256 of <see cref="Spki"/>, 64 lower-case hex digits.</summary>
    public string Fingerprint => Convert.ToHexStringLower(SHA256.HashData(_spki));

    internal KeyFamily Family { get; }

    /// <summary>The hash that its signatures are over, unless something else is said.</summary>
    internal HashAlgorithmName Hash { get; }

    /// <summary>Reads a key in PEM, <c>PUBLIC KEY</c>, and nothing else beside it.</summary>
    /// <exception cref="SignatureException">It is none (<see cref="SignatureFailure.BadTrust"/>).</exception>
    public static VerificationKey FromPem(string pem)
    {
        try
        {
            return pem.Length <= MaxPemChars
                ? Checked(FromSpki(Pem.Decode(pem, "PUBLIC KEY")))
                : throw new FormatException($"{pem.Length} characters; expected at most {MaxPemChars}");
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            throw new SignatureException(SignatureFailure.BadTrust, $"public key: {e.Message}", e);
        }
    }

    /// <summary>Whether a bundle is this key's signature of a statement, whatever the statement says.</summary>
    /// <param name="bundle">The bundle; who witnessed it is not asked.</param>
    /// <param name="statement">The statement, byte for byte.</param>
    public bool HasSigned(SigstoreBundle bundle, ReadOnlySpan<byte> statement)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        return bundle is { HasCertificate: false, Content: DsseEnvelope { PayloadType: InTotoStatement.PayloadType } envelope }
            && statement.SequenceEqual(envelope.Payload)
            && SignatureCheck.IsSigned(envelope, this);
    }

    /// <summary>Reads a SubjectPublicKeyInfo.</summary>
    /// <exception cref="FormatException">It is none, or of a kind that is not supported.</exception>
    internal static VerificationKey FromSpki(ReadOnlyMemory<byte> der)
    {
        try
        {
            AsnReader outer = new(der, AsnEncodingRules.DER);
            var reader = outer.ReadSequence();
            outer.ThrowIfNotEmpty();
            var algorithm = reader.ReadSequence();
            var key = reader.ReadBitString(out var unused);
            reader.ThrowIfNotEmpty();
            var oid = algorithm.ReadObjectIdentifier();
            var (family, hash) = oid switch
            {
                Oids.EcPublicKey => (KeyFamily.Ecdsa, HashOf(algorithm.ReadObjectIdentifier())),
                Oids.Rsa => (KeyFamily.Rsa, HashAlgorithmName.SHA256),
                Oids.Ed25519 when unused == 0 && IsEd25519(key) => (KeyFamily.Ed25519, HashAlgorithmName.SHA512),
                Oids.Ed25519 => throw new FormatException("the Ed25519 key is no point of the curve"),
                _ => throw new FormatException($"the key algorithm {oid} is not one of those that are supported"),
            };

            return new VerificationKey(der.ToArray(), family, hash, key);
        }
        catch (AsnContentException e)
        {
            throw new FormatException($"the public key is no DER: {e.Message}", e);
        }
    }

    /// <summary>Reads an RSA key without its algorithm, the form that PKCS #1 gave it.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    internal static VerificationKey FromPkcs1(ReadOnlyMemory<byte> der)
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(Oids.Rsa);
                writer.WriteNull();
            }

            writer.WriteBitString(der.Span);
        }

        return FromSpki(writer.Encode());
    }

    /// <summary>Whether this key signed the data. Anything that is no signature is a no.</summary>
    internal bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature, SignatureScheme scheme)
    {
        if (scheme.Family != Family)
        {
            return false;
        }

        return Family == KeyFamily.Ed25519
            ? VerifyEd25519(data, signature)
            : VerifyHash(CryptographicOperations.HashData(scheme.Hash, data), signature, scheme);
    }

    /// <summary>Whether this key signed what has this hash; Ed25519 keys sign a SHA-512, in the form of RFC 8032's
    /// Ed25519ph.</summary>
    internal bool VerifyHash(ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature, SignatureScheme scheme)
    {
        try
        {
            return Family switch
            {
                KeyFamily.Ecdsa when Hash == HashAlgorithmName.SHA384 => P384.Verify(_key, hash, signature),
                KeyFamily.Ecdsa => VerifyEcdsa(hash, signature),
                KeyFamily.Rsa => VerifyRsa(hash, signature, scheme),
                _ => VerifyEd25519Hash(hash, signature),
            };
        }
        catch (CryptographicException)
        {
            return false; // A point that is not on the curve, a signature that is no DER.
        }
    }

    // Looked at here, because whoever verifies with what is no point gets an exception of another kind.
    private static bool IsEd25519(byte[] key)
    {
        try
        {
            return key.Length == Ed25519PublicKeyParameters.KeySize && new Ed25519PublicKeyParameters(key) is not null;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static HashAlgorithmName HashOf(string curve) => curve switch
    {
        Oids.P256 => HashAlgorithmName.SHA256,
        Oids.P384 => HashAlgorithmName.SHA384,
        Oids.P521 => HashAlgorithmName.SHA512,
        _ => throw new FormatException($"the curve {curve} is not P-256, P-384 or P-521"),
    };

    // What the caller gives is looked at at once; keys of documents when they are used.
    private static VerificationKey Checked(VerificationKey key)
    {
        switch (key.Family)
        {
            case KeyFamily.Ecdsa:
                using (ECDsa.Create(key.Ecdsa().ExportParameters(includePrivateParameters: false)))
                {
                    return key;
                }

            case KeyFamily.Rsa:
                using (key.Rsa())
                {
                    return key;
                }

            default:
                return key;
        }
    }

    private bool VerifyEcdsa(ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature)
    {
        if (!EcdsaSignature.TryRead(signature, out _))
        {
            return false;
        }

        using var ecdsa = Ecdsa();
        return ecdsa.VerifyHash(hash, signature, DSASignatureFormat.Rfc3279DerSequence);
    }

    private bool VerifyRsa(ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature, SignatureScheme scheme)
    {
        using var rsa = Rsa();
        return rsa.VerifyHash(hash, signature, scheme.Hash, scheme.Pss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
    }

    private bool VerifyEd25519(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        Ed25519Signer signer = new();
        signer.Init(forSigning: false, new Ed25519PublicKeyParameters(_key));
        signer.BlockUpdate(data);
        return signer.VerifySignature(signature.ToArray());
    }

    private bool VerifyEd25519Hash(ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature) =>
        hash.Length == SHA512.HashSizeInBytes
        && signature.Length == Ed25519PrivateKeyParameters.SignatureSize
        && Org.BouncyCastle.Math.EC.Rfc8032.Ed25519.VerifyPrehash(signature.ToArray(), 0, _key, 0, [], hash.ToArray(), 0);

    private ECDsa Ecdsa()
    {
        var ecdsa = ECDsa.Create();
        ecdsa.ImportSubjectPublicKeyInfo(_spki, out _);
        return ecdsa;
    }

    [SuppressMessage("Security", "CA5385", Justification = "Smaller keys are refused two lines below.")]
    private RSA Rsa()
    {
        var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(_spki, out _);
        return rsa.KeySize is >= MinRsaBits and <= MaxRsaBits
            ? rsa
            : throw new CryptographicException($"an RSA key of {rsa.KeySize} bits; expected {MinRsaBits} to {MaxRsaBits}");
    }
}
