using Org.BouncyCastle.Asn1.Sec;
using Org.BouncyCastle.Crypto.EC;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Math;

namespace Hyperkube.Sigstore;

/// <summary>ECDSA on P-384, which Fulcio's authorities use.</summary>
/// <remarks>
/// Done by Bouncy Castle: OpenSSL 3.0 has no fast code for this curve and, through .NET, multiplies three more times to look
/// at a key. Measured on one machine, for one signature: 7.0 ms, here 1.8 ms; two of them stand in each chain.
/// Only public values pass through, so the time that it takes tells nothing.
/// </remarks>
internal static class P384
{
    private const int CoordinateBytes = 48;
    private const byte Uncompressed = 4;

    private static readonly Lazy<ECDomainParameters> Domain =
        new(() => new ECDomainParameters(CustomNamedCurves.GetByOid(SecObjectIdentifiers.SecP384r1)));

    /// <summary>Whether the key made the signature; anything that is none is a no.</summary>
    /// <param name="point">The key: an uncompressed point.</param>
    /// <param name="hash">What is signed.</param>
    /// <param name="signature">In DER.</param>
    internal static bool Verify(byte[] point, ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature)
    {
        if (!IsKey(point) || !EcdsaSignature.TryRead(signature, out var pair))
        {
            return false;
        }

        try
        {
            ECDsaSigner signer = new();
            signer.Init(forSigning: false, new ECPublicKeyParameters(Domain.Value.Curve.DecodePoint(point), Domain.Value));
            return signer.VerifySignature(hash.ToArray(), new BigInteger(1, pair.R.Span), new BigInteger(1, pair.S.Span));
        }
        catch (ArgumentException)
        {
            return false; // A point that is not on the curve.
        }
    }

    private static bool IsKey(byte[] point) => point.Length == 1 + (2 * CoordinateBytes) && point[0] == Uncompressed;
}
