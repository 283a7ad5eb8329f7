using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Macs;
using Org.BouncyCastle.Crypto.Parameters;

namespace Hyperkube.Sigstore.Signing;

/// <summary>The key file that <c>cosign generate-key-pair</c> writes: a PKCS #8 key in a NaCl secret box, whose key is made of the
/// password by scrypt.</summary>
/// <remarks>Source: https://github.com/sigstore/cosign/blob/v3.0.2/pkg/cosign/keys.go and
/// https://github.com/secure-systems-lab/go-securesystemslib/blob/v0.9.1/encrypted/encrypted.go</remarks>
internal static class CosignKeyFile
{
    private const int MaxBytes = 64 << 10;
    private const int KeyBytes = 32;
    private const int NonceBytes = 24;
    private const int TagBytes = 16;

    /// <summary>What scrypt may take: cosign's 2^16 blocks of 8 take 64 MiB.</summary>
    private const long MaxMemory = 256 << 20;
    private const int MaxParallel = 16;

    /// <summary>Opens a key file.</summary>
    /// <returns>The key in PKCS #8.</returns>
    /// <exception cref="FormatException">It is none, or the password does not open it.</exception>
    internal static byte[] Decrypt(byte[] json, string password)
    {
        try
        {
            return JsonPart.Read(json, MaxBytes, SignatureFailure.BadTrust, "key file", file => Open(file, password));
        }
        catch (SignatureException e) when (e.InnerException is FormatException inner)
        {
            throw new FormatException($"key file: {inner.Message}", inner);
        }
    }

    private static byte[] Open(JsonPart file, string password)
    {
        var kdf = file["kdf"].Object();
        var cipher = file["cipher"].Object();
        Expect(kdf["name"], "scrypt");
        Expect(cipher["name"], "nacl/secretbox");
        var parameters = kdf["params"].Object();
        var (n, r, p) = (parameters["N"].Count(), parameters["r"].Count(), parameters["p"].Count());
        if (n < 2 || n > MaxMemory || !BitOperations.IsPow2(n) || r is < 1 or > 64 || p is < 1 or > MaxParallel || 128 * n * r > MaxMemory)
        {
            throw new FormatException($"scrypt with N {n}, r {r}, p {p}; expected what takes {MaxMemory >> 20} MiB or less");
        }

        var nonce = cipher["nonce"].SomeBytes();
        var box = file["ciphertext"].SomeBytes();
        if (nonce.Length != NonceBytes || box.Length <= TagBytes)
        {
            throw new FormatException($"a nonce of {nonce.Length} bytes and a box of {box.Length}");
        }

        var key = SCrypt.Generate(Encoding.UTF8.GetBytes(password), kdf["salt"].SomeBytes(), (int)n, (int)r, (int)p, KeyBytes);
        return OpenBox(box, nonce, key) ?? throw new FormatException("the password does not open it");
    }

    // Source: https://nacl.cr.yp.to/secretbox.html: the first 32 bytes of the stream authenticate, the rest encrypts.
    private static byte[]? OpenBox(byte[] box, byte[] nonce, byte[] key)
    {
        XSalsa20Engine stream = new();
        stream.Init(forEncryption: false, new ParametersWithIV(new KeyParameter(key), nonce));
        var oneTimeKey = new byte[KeyBytes];
        stream.ProcessBytes(oneTimeKey, 0, KeyBytes, oneTimeKey, 0);
        Poly1305 mac = new();
        mac.Init(new KeyParameter(oneTimeKey));
        mac.BlockUpdate(box, TagBytes, box.Length - TagBytes);
        var tag = new byte[TagBytes];
        mac.DoFinal(tag, 0);
        if (!CryptographicOperations.FixedTimeEquals(tag, box.AsSpan(0, TagBytes)))
        {
            return null;
        }

        var content = new byte[box.Length - TagBytes];
        stream.ProcessBytes(box, TagBytes, content.Length, content, 0);
        return content;
    }

    private static void Expect(JsonPart name, string expected)
    {
        if (name.Text() != expected)
        {
            throw new FormatException($"'{name.Path}' is '{name.Text()}'; expected {expected}");
        }
    }
}
