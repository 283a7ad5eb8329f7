using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Hyperkube.Sigstore.Timestamps;

/// <summary>What a timestamp authority is asked with.</summary>
/// <remarks>Source: https://www.rfc-editor.org/rfc/rfc3161#section-2.4.1</remarks>
internal static class TimestampRequest
{
    private const int NonceBytes = 8;

    /// <summary>Asks for the time of some bytes, of which only the hash is told, and for the authority's certificate.</summary>
    /// <returns>A <c>TimeStampReq</c> in DER.</returns>
    internal static byte[] Write(ReadOnlySpan<byte> content)
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(1);
            using (writer.PushSequence())
            {
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier(Oids.Sha256);
                    writer.WriteNull();
                }

                writer.WriteOctetString(SHA256.HashData(content));
            }

            writer.WriteIntegerUnsigned(RandomNumberGenerator.GetBytes(NonceBytes) is var nonce && nonce[0] == 0 ? [1, .. nonce] : nonce);
            writer.WriteBoolean(true);
        }

        return writer.Encode();
    }
}
