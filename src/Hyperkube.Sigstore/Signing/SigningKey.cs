using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hyperkube.Sigstore.Bundles;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;

namespace Hyperkube.Sigstore.Signing;

/// <summary>A private key that signs: ECDSA on P-256, P-384 and P-521, RSA of 2048 bits or more, and Ed25519.</summary>
/// <remarks>Not safe for several threads. Whoever reads one disposes it.</remarks>
public sealed class SigningKey : IDisposable
{
    private const int MaxPemChars = 64 << 10;
    private const int Ed25519Bytes = 32;

    private readonly ECDsa? _ecdsa;
    private readonly RSA? _rsa;
    private readonly Ed25519PrivateKeyParameters? _ed25519;

    private SigningKey(ECDsa? ecdsa = null, RSA? rsa = null, Ed25519PrivateKeyParameters? ed25519 = null)
    {
        (_ecdsa, _rsa, _ed25519) = (ecdsa, rsa, ed25519);
        PublicKey = VerificationKey.FromSpki(ecdsa?.ExportSubjectPublicKeyInfo() ?? rsa?.ExportSubjectPublicKeyInfo() ?? Spki(ed25519!));
    }

    /// <summary>What its signatures are checked with.</summary>
    public VerificationKey PublicKey { get; }

    /// <summary>What bundles call the key: the SHA-256 of its public half, in base64, as cosign writes it.</summary>
    public string Hint => Convert.ToBase64String(SHA256.HashData(PublicKey.Spki.Span));

    /// <summary>Makes a key on P-256, for one signature or for a test.</summary>
    public static SigningKey Generate() => new(ecdsa: ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>Reads a key: PKCS #8, encrypted or not, the older forms of EC and RSA keys, or a key file of cosign.</summary>
    /// <param name="pem">One PEM object, and nothing else but the parameters that OpenSSL puts before an EC key.</param>
    /// <param name="password">Asked once, when the key is encrypted; null when there is none to be had.</param>
    /// <exception cref="SignatureException">It is no such key, or the password does not open it
    /// (<see cref="SignatureFailure.BadTrust"/>).</exception>
    public static SigningKey FromPem(string pem, Func<string?> password)
    {
        ArgumentNullException.ThrowIfNull(pem);
        ArgumentNullException.ThrowIfNull(password);
        try
        {
            return pem.Length <= MaxPemChars
                ? Read(WithoutParameters(pem), password)
                : throw new FormatException($"{pem.Length} characters; expected at most {MaxPemChars}");
        }
        catch (Exception e) when (e is FormatException or CryptographicException or AsnContentException)
        {
            throw new SignatureException(SignatureFailure.BadTrust, $"private key: {e.Message}", e);
        }
    }

    /// <summary>Signs an in-toto statement. Nobody witnesses it: whoever verifies has to know the key.</summary>
    /// <param name="statement">The document, byte for byte as it is signed.</param>
    public SigstoreBundle SignStatement(ReadOnlyMemory<byte> statement) =>
        new(certificate: null, Hint, DsseEnvelope.Sign(statement.ToArray(), this), [], []);

    /// <summary>Signs.</summary>
    /// <param name="data">What is hashed and signed.</param>
    /// <param name="hash">By which hash; null for the one that belongs to the key. Ed25519 hashes by itself.</param>
    internal byte[] Sign(ReadOnlySpan<byte> data, HashAlgorithmName? hash = null) =>
        _ecdsa is not null ? _ecdsa.SignData(data, hash ?? PublicKey.Hash, DSASignatureFormat.Rfc3279DerSequence)
        : _rsa is not null ? _rsa.SignData(data, hash ?? PublicKey.Hash, RSASignaturePadding.Pkcs1)
        : SignEd25519(data);

    /// <summary>Asks for a certificate in the form of PKCS #10, which proves that the key is at hand. It names nobody: the
    /// authority knows from elsewhere who asks.</summary>
    /// <returns>PEM.</returns>
    /// <remarks>Source: https://www.rfc-editor.org/rfc/rfc2986</remarks>
    internal string CertificateRequest()
    {
        var request = _ecdsa is { } ecdsa ? new CertificateRequest("", ecdsa, PublicKey.Hash)
            : _rsa is { } rsa ? new CertificateRequest("", rsa, PublicKey.Hash, RSASignaturePadding.Pkcs1)
            : throw new NotSupportedException("An Ed25519 key asks for no certificate here.");
        return request.CreateSigningRequestPem();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ecdsa?.Dispose();
        _rsa?.Dispose();
    }

    private static SigningKey Read(string pem, Func<string?> password)
    {
        var label = PemEncoding.TryFind(pem, out var fields) ? pem[fields.Label] : "";
        var der = Pem.Decode(pem, label);
        switch (label)
        {
            case "PRIVATE KEY":
                return FromPkcs8(der);
            case "EC PRIVATE KEY":
                return FromEc(k => k.ImportECPrivateKey(der, out _));
            case "RSA PRIVATE KEY":
                return FromRsa(k => k.ImportRSAPrivateKey(der, out _));
            case "ENCRYPTED PRIVATE KEY":
                return FromEncryptedPkcs8(der, Ask(password));
            case "ENCRYPTED SIGSTORE PRIVATE KEY" or "ENCRYPTED COSIGN PRIVATE KEY":
                return FromPkcs8(CosignKeyFile.Decrypt(der, Ask(password)));
            default:
                throw new FormatException(
                    $"the PEM object is '{label}'; expected PRIVATE KEY, ENCRYPTED PRIVATE KEY, EC PRIVATE KEY, RSA PRIVATE KEY "
                    + "or cosign's ENCRYPTED SIGSTORE PRIVATE KEY");
        }
    }

    private static string WithoutParameters(string pem) =>
        PemEncoding.TryFind(pem, out var first) && pem.AsSpan()[first.Label].SequenceEqual("EC PARAMETERS")
            ? pem[first.Location.End.Value..]
            : pem;

    private static string Ask(Func<string?> password) =>
        password() ?? throw new FormatException("it is encrypted, and no password was given");

    private static SigningKey FromPkcs8(byte[] der)
    {
        AsnReader outer = new(der, AsnEncodingRules.DER);
        var key = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        key.ReadInteger();
        var algorithm = key.ReadSequence().ReadObjectIdentifier();
        switch (algorithm)
        {
            case Oids.EcPublicKey:
                return FromEc(k => k.ImportPkcs8PrivateKey(der, out _));
            case Oids.Rsa:
                return FromRsa(k => k.ImportPkcs8PrivateKey(der, out _));
            case Oids.Ed25519:
                var seed = new AsnReader(key.ReadOctetString(), AsnEncodingRules.DER).ReadOctetString();
                return seed.Length == Ed25519Bytes
                    ? new SigningKey(ed25519: new Ed25519PrivateKeyParameters(seed))
                    : throw new FormatException($"an Ed25519 key of {seed.Length} bytes; expected {Ed25519Bytes}");
            default:
                throw new FormatException($"the key algorithm {algorithm} is not one of those that are supported");
        }
    }

    // What kind of key it is stands inside of what is encrypted.
    private static SigningKey FromEncryptedPkcs8(byte[] der, string password)
    {
        try
        {
            return FromEc(k => k.ImportEncryptedPkcs8PrivateKey(password, der, out _));
        }
        catch (CryptographicException)
        {
            try
            {
                return FromRsa(k => k.ImportEncryptedPkcs8PrivateKey(password, der, out _));
            }
            catch (CryptographicException e)
            {
                throw new FormatException("the password does not open it, or it is neither an EC nor an RSA key", e);
            }
        }
    }

    private static SigningKey FromEc(Action<ECDsa> import)
    {
        var ecdsa = ECDsa.Create();
        try
        {
            import(ecdsa);
            return new SigningKey(ecdsa: ecdsa);
        }
        catch
        {
            ecdsa.Dispose();
            throw;
        }
    }

    [SuppressMessage("Security", "CA5385", Justification = "Smaller keys are refused a few lines below.")]
    private static SigningKey FromRsa(Action<RSA> import)
    {
        var rsa = RSA.Create();
        try
        {
            import(rsa);
            return rsa.KeySize is >= VerificationKey.MinRsaBits and <= VerificationKey.MaxRsaBits
                ? new SigningKey(rsa: rsa)
                : throw new FormatException(
                    $"an RSA key of {rsa.KeySize} bits; expected {VerificationKey.MinRsaBits} to {VerificationKey.MaxRsaBits}");
        }
        catch
        {
            rsa.Dispose();
            throw;
        }
    }

    private byte[] SignEd25519(ReadOnlySpan<byte> data)
    {
        Ed25519Signer signer = new();
        signer.Init(forSigning: true, _ed25519!);
        signer.BlockUpdate(data);
        return signer.GenerateSignature();
    }

    private static byte[] Spki(Ed25519PrivateKeyParameters key)
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(Oids.Ed25519);
            }

            writer.WriteBitString(key.GeneratePublicKey().GetEncoded());
        }

        return writer.Encode();
    }
}
