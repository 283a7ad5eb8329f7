using System.Security.Cryptography;

namespace Hyperkube.Sigstore.Tuf;

/// <summary>A key of a repository: ECDSA on P-256, or Ed25519.</summary>
/// <remarks>Source: https://theupdateframework.github.io/specification/v1.0.33/#file-formats-keys</remarks>
internal sealed class TufKey
{
    private const int Ed25519HexChars = 64;

    // A SubjectPublicKeyInfo up to the key itself: https://www.rfc-editor.org/rfc/rfc8410#section-4
    private static readonly byte[] Ed25519Prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

    private readonly VerificationKey _key;
    private readonly SignatureScheme _scheme;

    private TufKey(VerificationKey key)
    {
        _key = key;
        _scheme = new SignatureScheme(key.Family, key.Hash);
    }

    /// <summary>The same for the same key, whatever a document calls it: one key that is listed under two names signs once.</summary>
    internal string Fingerprint => _key.Fingerprint;

    /// <summary>Reads a key.</summary>
    /// <returns>Null for one that cannot be used, which must not make the keys beside it useless.</returns>
    /// <exception cref="FormatException">It is no key at all.</exception>
    internal static TufKey? Read(JsonPart key)
    {
        var (type, scheme, text) = (key["keytype"].Text(), key["scheme"].Text(), key["keyval"].Object().Find("public")?.Text());
        try
        {
            return (type, scheme, text) switch
            {
                (_, _, null) => null,
                ("ecdsa" or "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", _) =>
                    VerificationKey.FromPem(text) is { Family: KeyFamily.Ecdsa } p256 && p256.Hash == HashAlgorithmName.SHA256
                        ? new TufKey(p256) : null,
                ("ed25519", "ed25519", { Length: Ed25519HexChars }) =>
                    new TufKey(VerificationKey.FromSpki((byte[])[.. Ed25519Prefix, .. Convert.FromHexString(text)])),
                _ => null,
            };
        }
        catch (Exception e) when (e is FormatException or SignatureException)
        {
            return null;
        }
    }

    /// <summary>Whether it signed these bytes.</summary>
    internal bool HasSigned(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> signature) => _key.Verify(payload, signature, _scheme);
}
