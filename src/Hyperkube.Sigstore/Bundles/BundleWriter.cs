using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Hyperkube.Sigstore.Bundles;

/// <summary>Writes bundles of version 0.3 in the JSON form of protocol buffers, fields in the order of their numbers.</summary>
internal static class BundleWriter
{
    /// <summary>How all JSON of bundles is written: nothing is escaped that need not be.</summary>
    internal static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static byte[] Write(SigstoreBundle bundle)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, Options))
        {
            json.WriteStartObject();
            json.WriteString("mediaType", SigstoreBundle.MediaType);
            json.WriteStartObject("verificationMaterial");
            WriteSigner(json, bundle);
            WriteEntries(json, bundle.Entries);
            WriteTimestamps(json, bundle.Timestamps);
            json.WriteEndObject();
            WriteContent(json, bundle.Content);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void WriteSigner(Utf8JsonWriter json, SigstoreBundle bundle)
    {
        if (bundle.Certificate is { } certificate)
        {
            json.WriteStartObject("certificate");
            json.WriteBase64String("rawBytes", certificate.Der.Span);
        }
        else
        {
            json.WriteStartObject("publicKey");
            json.WriteString("hint", bundle.KeyHint);
        }

        json.WriteEndObject();
    }

    private static void WriteEntries(Utf8JsonWriter json, IReadOnlyList<LogEntry> entries)
    {
        if (entries.Count == 0)
        {
            return; // As protocol buffers write an empty list.
        }

        json.WriteStartArray("tlogEntries");
        foreach (var entry in entries)
        {
            Write(json, entry);
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, LogEntry entry)
    {
        json.WriteStartObject();
        json.WriteString("logIndex", Number(entry.LogIndex));
        json.WriteStartObject("logId");
        json.WriteBase64String("keyId", entry.LogId);
        json.WriteEndObject();
        json.WriteStartObject("kindVersion");
        json.WriteString("kind", entry.Kind);
        json.WriteString("version", entry.Version);
        json.WriteEndObject();
        if (entry.IntegratedTime != 0)
        {
            json.WriteString("integratedTime", Number(entry.IntegratedTime));
        }

        if (entry.Promise is { } promise)
        {
            json.WriteStartObject("inclusionPromise");
            json.WriteBase64String("signedEntryTimestamp", promise);
            json.WriteEndObject();
        }

        if (entry.Proof is { } proof)
        {
            Write(json, proof);
        }

        json.WriteBase64String("canonicalizedBody", entry.Body);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, InclusionProof proof)
    {
        json.WriteStartObject("inclusionProof");
        json.WriteString("logIndex", Number(proof.LogIndex));
        json.WriteBase64String("rootHash", proof.RootHash);
        json.WriteString("treeSize", Number(proof.TreeSize));
        json.WriteStartArray("hashes");
        foreach (var hash in proof.Hashes)
        {
            json.WriteBase64StringValue(hash);
        }

        json.WriteEndArray();
        json.WriteStartObject("checkpoint");
        json.WriteString("envelope", proof.Checkpoint);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteTimestamps(Utf8JsonWriter json, IReadOnlyList<byte[]> timestamps)
    {
        if (timestamps.Count == 0)
        {
            return;
        }

        json.WriteStartObject("timestampVerificationData");
        json.WriteStartArray("rfc3161Timestamps");
        foreach (var timestamp in timestamps)
        {
            json.WriteStartObject();
            json.WriteBase64String("signedTimestamp", timestamp);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteContent(Utf8JsonWriter json, SignedContent content)
    {
        switch (content)
        {
            case MessageSignature message:
                json.WriteStartObject("messageSignature");
                if (message.Digest is { } digest)
                {
                    json.WriteStartObject("messageDigest");
                    json.WriteString("algorithm", HashNames.Protobuf(digest.Algorithm));
                    json.WriteBase64String("digest", digest.Value);
                    json.WriteEndObject();
                }

                json.WriteBase64String("signature", message.Signature);
                json.WriteEndObject();
                break;

            case DsseEnvelope envelope:
                json.WritePropertyName("dsseEnvelope");
                Write(json, envelope);
                break;
        }
    }

    /// <summary>Writes an envelope by itself.</summary>
    internal static void Write(Utf8JsonWriter json, DsseEnvelope envelope)
    {
        json.WriteStartObject();
        json.WriteBase64String("payload", envelope.Payload);
        json.WriteString("payloadType", envelope.PayloadType);
        json.WriteStartArray("signatures");
        json.WriteStartObject();
        json.WriteBase64String("sig", envelope.Signature);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
