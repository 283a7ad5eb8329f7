using System.Security.Cryptography;
using System.Text;
using Hyperkube.Sigstore.Bundles;

namespace Hyperkube.Sigstore.Logs;

/// <summary>An entry of the kind <c>intoto</c>, in which older signers logged envelopes.</summary>
/// <remarks>It is compared field by field: parts of it (key ids, the envelope's digest) only the log knows. Source:
/// https://github.com/sigstore/rekor/blob/v1.4.2/pkg/types/intoto/v0.0.2/intoto_v0_0_2_schema.json</remarks>
internal static class InTotoBody
{
    internal static void Check(LogEntry entry, SignerMaterial signer, DsseEnvelope envelope)
    {
        var isSame = JsonPart.Read(entry.Body, int.MaxValue, SignatureFailure.BadLogEntry, "log entry", body =>
        {
            var content = body["spec"].Object()["content"].Object();
            var logged = content["envelope"].Object();
            var payload = content["payloadHash"].Object();
            return body["kind"].Text() == entry.Kind
                && body["apiVersion"].Text() == entry.Version
                && payload["algorithm"].Text() == "sha256"
                && payload["value"].HexBytes(SHA256.HashSizeInBytes).AsSpan().SequenceEqual(SHA256.HashData(envelope.Payload))
                && logged["payloadType"].Text() == envelope.PayloadType
                && logged.Objects("signatures", 1) is [var signature]
                && IsSame(signature, signer, envelope);
        });
        if (!isSame)
        {
            throw new SignatureException(
                SignatureFailure.BadLogEntry, "log entry: it is about another signature, another document or another signer");
        }
    }

    // The signature's base64 stands there in base64 again; the certificate or key in PEM, as the client wrote it.
    private static bool IsSame(JsonPart logged, SignerMaterial signer, DsseEnvelope envelope)
    {
        var pem = Encoding.ASCII.GetString(logged["publicKey"].SomeBytes());
        var expected = signer.Certificate?.Der ?? signer.Key.Spki;
        return Encoding.ASCII.GetString(logged["sig"].SomeBytes()) == Convert.ToBase64String(envelope.Signature)
            && Pem.Decode(pem, signer.Certificate is null ? "PUBLIC KEY" : "CERTIFICATE").AsSpan().SequenceEqual(expected.Span);
    }
}
