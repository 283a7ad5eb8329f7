using System.Security.Cryptography;
using System.Text;
using Hyperkube.Sigstore.Bundles;

namespace Hyperkube.Sigstore.Logs;

/// <summary>Compares an entry's body with the signature that it has to be about.</summary>
/// <remarks>
/// The body is built again, with its fields in the order of RFC 8785, and compared byte for byte: a validly logged entry
/// of another signature proves nothing here. What only the log knows, the digest of an envelope as it was sent, is taken
/// from the body. Source: https://github.com/sigstore/rekor/tree/v1.4.2/pkg/types and
/// https://github.com/sigstore/rekor-tiles/blob/v2.0.1/api/proto/rekor/v2/entry.proto
/// </remarks>
internal static class EntryBody
{
    /// <summary>Checks that the entry is about this signature, by this signer, over this artifact.</summary>
    /// <param name="entry">What the log has.</param>
    /// <param name="content">The signature.</param>
    /// <param name="signer">Whose it is.</param>
    /// <param name="digest">What a signature over the artifact itself is over; of an envelope, nothing.</param>
    internal static void Check(LogEntry entry, SignedContent content, SignerMaterial signer, MessageDigest? digest)
    {
        switch ((entry.Kind, entry.Version, content))
        {
            case ("hashedrekord", "0.0.1", MessageSignature message):
                CheckSame(entry, HashedRekord(signer.Pem, message.Signature, digest!));
                break;

            case ("hashedrekord", "0.0.2", MessageSignature message):
                CheckSame(entry, HashedRekordV2(entry, signer, message.Signature, digest!));
                break;

            case ("hashedrekord", "0.0.2", DsseEnvelope envelope):
                CheckSame(entry, HashedRekordV2(entry, signer, envelope.Signature, EncodingDigest(entry, envelope)));
                break;

            case ("dsse", "0.0.1", DsseEnvelope envelope):
                CheckSame(entry, Dsse(entry, signer, envelope));
                break;

            case ("dsse", "0.0.2", DsseEnvelope envelope):
                CheckSame(entry, DsseV2(entry, signer, envelope));
                break;

            case ("intoto", "0.0.2", DsseEnvelope envelope):
                InTotoBody.Check(entry, signer, envelope);
                break;

            default:
                throw new SignatureException(
                    SignatureFailure.BadLogEntry,
                    $"log entry: one of the kind {entry.Kind} {entry.Version} says nothing about a signature of this kind");
        }
    }

    /// <summary>The body of an entry about a signature over an artifact, as the first version of Rekor writes it.</summary>
    internal static string HashedRekord(string pem, byte[] signature, MessageDigest digest) =>
        Entry("0.0.1", "hashedrekord", Object(
            ("data", Object(("hash", Hash(HashNames.Lower(digest.Algorithm), digest.Value)))),
            ("signature", Object(
                ("content", Base64(signature)),
                ("publicKey", Object(("content", Base64(Encoding.UTF8.GetBytes(pem)))))))));

    private static string HashedRekordV2(LogEntry entry, SignerMaterial signer, byte[] signature, MessageDigest digest)
    {
        var details = Read(entry, spec =>
            spec["hashedRekordV002"].Object()["signature"].Object()["verifier"].Object()["keyDetails"].Text());
        return Entry("0.0.2", "hashedrekord", Object(("hashedRekordV002", Object(
            ("data", Object(("algorithm", Text(HashNames.Protobuf(digest.Algorithm))), ("digest", Base64(digest.Value)))),
            ("signature", Object(("content", Base64(signature)), ("verifier", Verifier(signer, details))))))));
    }

    private static string Dsse(LogEntry entry, SignerMaterial signer, DsseEnvelope envelope)
    {
        var sent = Read(entry, spec => spec["envelopeHash"].Object()["value"].HexBytes(SHA256.HashSizeInBytes));
        var signature = Object(
            ("signature", Base64(envelope.Signature)),
            ("verifier", Base64(Encoding.UTF8.GetBytes(signer.Pem))));
        return Entry("0.0.1", "dsse", Object(
            ("envelopeHash", Hash("sha256", sent)),
            ("payloadHash", Hash("sha256", SHA256.HashData(envelope.Payload))),
            ("signatures", $"[{signature}]")));
    }

    private static string DsseV2(LogEntry entry, SignerMaterial signer, DsseEnvelope envelope)
    {
        var details = Read(entry, spec =>
            spec["dsseV002"].Object().Objects("signatures", 1) is [var one]
                ? one["verifier"].Object()["keyDetails"].Text()
                : throw new FormatException("expected one signature"));
        var signature = Object(("content", Base64(envelope.Signature)), ("verifier", Verifier(signer, details)));
        return Entry("0.0.2", "dsse", Object(("dsseV002", Object(
            ("payloadHash", Object(("algorithm", Text("SHA2_256")), ("digest", Base64(SHA256.HashData(envelope.Payload))))),
            ("signatures", $"[{signature}]")))));
    }

    // The log chose the name of the key's kind; it has to be one of this key's.
    private static string Verifier(SignerMaterial signer, string details) =>
        SignatureScheme.OfKeyDetails(details) is not { } scheme || scheme.Family != signer.Key.Family
            ? throw new SignatureException(SignatureFailure.BadLogEntry, $"log entry: the key of the signer is no '{details}'")
        : signer.Certificate is { } certificate
            ? Object(("keyDetails", Text(details)), ("x509Certificate", Object(("rawBytes", Base64(certificate.Der.Span)))))
            : Object(("keyDetails", Text(details)), ("publicKey", Object(("rawBytes", Base64(signer.Key.Spki.Span)))));

    // An envelope is logged by the digest of what its signature is over.
    private static MessageDigest EncodingDigest(LogEntry entry, DsseEnvelope envelope)
    {
        var name = Read(entry, spec => spec["hashedRekordV002"].Object()["data"].Object()["algorithm"].Text());
        var algorithm = HashNames.OfProtobuf(name)
            ?? throw new SignatureException(SignatureFailure.BadLogEntry, $"log entry: the hash '{name}' is not supported");
        return new MessageDigest(algorithm, CryptographicOperations.HashData(algorithm, envelope.PreAuthenticationEncoding()));
    }

    // In the canonical form; nothing that is written here has a character that would have to be escaped.
    private static string Entry(string version, string kind, string spec) =>
        Object(("apiVersion", Text(version)), ("kind", Text(kind)), ("spec", spec));

    private static string Object(params ReadOnlySpan<(string Name, string Value)> fields)
    {
        StringBuilder json = new("{");
        foreach (var (name, value) in fields)
        {
            json.Append(json.Length == 1 ? "" : ",").Append('"').Append(name).Append("\":").Append(value);
        }

        return json.Append('}').ToString();
    }

    private static string Hash(string algorithm, byte[] value) =>
        Object(("algorithm", Text(algorithm)), ("value", Text(Convert.ToHexStringLower(value))));

    private static string Base64(ReadOnlySpan<byte> bytes) => Text(Convert.ToBase64String(bytes));

    private static string Text(string text) => $"\"{text}\"";

    private static T Read<T>(LogEntry entry, Func<JsonPart, T> read) =>
        JsonPart.Read(entry.Body, int.MaxValue, SignatureFailure.BadLogEntry, "log entry", body => read(body["spec"].Object()));

    private static void CheckSame(LogEntry entry, string expected)
    {
        if (!entry.Body.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(expected)))
        {
            throw new SignatureException(
                SignatureFailure.BadLogEntry, "log entry: it is about another signature, another artifact or another signer");
        }
    }
}
