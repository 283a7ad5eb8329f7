using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Certificates;
using Hyperkube.Sigstore.Trust;

namespace Hyperkube.Sigstore.Signing;

/// <summary>A signature in the older form of cosign: over a small payload that names a manifest, with the evidence beside it.</summary>
/// <remarks>Reading one checks its form only; <see cref="Verify"/> checks what it says. Source:
/// https://github.com/sigstore/cosign/blob/v2.6.3/specs/SIGNATURE_SPEC.md</remarks>
public sealed class SimpleSignature
{
    /// <summary>The media type of the payload.</summary>
    public const string MediaType = "application/vnd.dev.cosign.simplesigning.v1+json";

    /// <summary>The annotation with the signature, in base64.</summary>
    public const string SignatureAnnotation = "dev.cosignproject.cosign/signature";

    /// <summary>The annotation with the signer's certificate, in PEM.</summary>
    public const string CertificateAnnotation = "dev.sigstore.cosign/certificate";

    /// <summary>The annotation with what the log has promised.</summary>
    public const string LogAnnotation = "dev.sigstore.cosign/bundle";

    /// <summary>The annotation with the answer of a timestamp authority.</summary>
    public const string TimestampAnnotation = "dev.sigstore.cosign/rfc3161timestamp";

    /// <summary>The largest payload that is read: 64 KiB. Ours take less than one.</summary>
    public const int MaxPayloadBytes = 64 << 10;

    private const string Kind = "cosign container image signature";
    private const int MaxAnnotationChars = 256 << 10;
    private const int LogIdBytes = 32;
    private const string EntryField = "Payload"; // In the log's annotation: the entry.

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly SigstoreBundle _bundle;
    private readonly byte[] _payload;

    private SimpleSignature(byte[] payload, string manifest, SigstoreBundle bundle)
    {
        (_payload, Manifest, _bundle) = (payload, manifest, bundle);
    }

    /// <summary>What it says is signed: the digest of a manifest, as its writer spelled it.</summary>
    public string Manifest { get; }

    /// <summary>What is signed.</summary>
    public ReadOnlyMemory<byte> Payload => _payload;

    /// <summary>The signature in base64, as <see cref="SignatureAnnotation"/> holds it.</summary>
    public string Signature => Convert.ToBase64String(_bundle.Content.Signature);

    /// <summary>Signs a manifest.</summary>
    /// <param name="reference">The name that the signer knows it by.</param>
    /// <param name="manifest">Its digest, <c>sha256:</c> and 64 hex digits.</param>
    /// <param name="key">Signs; it stays the caller's.</param>
    public static SimpleSignature Sign(string reference, string manifest, SigningKey key) =>
        Sign(reference, manifest, Signer.WithKey(key));

    /// <summary>Signs a manifest as somebody whom a key or a certificate names; nobody has witnessed it yet.</summary>
    /// <param name="reference">The name that the signer knows it by.</param>
    /// <param name="manifest">Its digest, <c>sha256:</c> and 64 hex digits.</param>
    /// <param name="signer">Who signs.</param>
    public static SimpleSignature Sign(string reference, string manifest, Signer signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        var payload = Write(reference, manifest);
        return new SimpleSignature(payload, manifest, signer.SignPayload(payload));
    }

    /// <summary>The signature without its payload, for witnesses to be added to.</summary>
    public SigstoreBundle Bundle => _bundle;

    /// <summary>The same signature with the witnesses that were added to <see cref="Bundle"/>.</summary>
    public SimpleSignature With(SigstoreBundle witnessed)
    {
        ArgumentNullException.ThrowIfNull(witnessed);
        return new SimpleSignature(_payload, Manifest, witnessed);
    }

    /// <summary>What stands beside the payload: the signature and all its evidence.</summary>
    public IEnumerable<KeyValuePair<string, string>> Annotations()
    {
        yield return new(SignatureAnnotation, Signature);
        if (_bundle.Certificate is { } certificate)
        {
            yield return new(CertificateAnnotation, Pem.Encode("CERTIFICATE", certificate.Der.Span));
        }

        if (_bundle.Entries is [{ Promise: not null } entry, ..])
        {
            yield return new(LogAnnotation, Write(json =>
            {
                json.WriteBase64String("SignedEntryTimestamp", entry.Promise);
                json.WriteStartObject(EntryField);
                json.WriteBase64String("body", entry.Body);
                json.WriteNumber("integratedTime", entry.IntegratedTime);
                json.WriteNumber("logIndex", entry.LogIndex);
                json.WriteString("logID", Convert.ToHexStringLower(entry.LogId));
                json.WriteEndObject();
            }));
        }

        if (_bundle.Timestamps is [var timestamp, ..])
        {
            yield return new(TimestampAnnotation, Write(json => json.WriteBase64String("SignedRFC3161Timestamp", timestamp)));
        }
    }

    /// <summary>Reads one.</summary>
    /// <param name="payload">What is signed, at most <see cref="MaxPayloadBytes"/>.</param>
    /// <param name="annotation">Finds an annotation of the payload's descriptor; null for one that is not there.</param>
    /// <exception cref="SignatureException">It is none.</exception>
    public static SimpleSignature Parse(ReadOnlyMemory<byte> payload, Func<string, string?> annotation)
    {
        ArgumentNullException.ThrowIfNull(annotation);
        var manifest = JsonPart.Read(payload, MaxPayloadBytes, SignatureFailure.Malformed, "payload", ReadManifest);
        if (Bounded(annotation, SignatureAnnotation) is not { } text)
        {
            throw new SignatureException(SignatureFailure.NotSigned, $"signature: no annotation {SignatureAnnotation}");
        }

        try
        {
            var signature = CanonicalBase64.TryDecode(text, out var bytes) && bytes.Length > 0
                ? bytes : throw new FormatException($"{SignatureAnnotation} is not base64");
            var certificate = Bounded(annotation, CertificateAnnotation) is { } pem
                ? Certificate.Parse(Pem.Decode(pem, "CERTIFICATE")) : null;
            var content = payload.ToArray();
            return new SimpleSignature(content, manifest, BundleOf(
                content, signature, certificate,
                Bounded(annotation, LogAnnotation) is { } log ? [Read(log, "log entry", ReadEntry)] : [],
                Bounded(annotation, TimestampAnnotation) is { } stamp
                    ? [Read(stamp, "timestamp", t => t["SignedRFC3161Timestamp"].SomeBytes())] : []));
        }
        catch (FormatException e)
        {
            throw new SignatureException(SignatureFailure.Malformed, $"signature: {e.Message}", e);
        }
    }

    /// <summary>Proves that the policy's signer has signed this manifest.</summary>
    /// <param name="manifest">The digest of the manifest, <c>sha256:</c> and 64 hex digits.</param>
    /// <param name="policy">What has to be proved.</param>
    /// <param name="trust">Whom to believe.</param>
    /// <exception cref="SignatureException">It proves less.</exception>
    public VerifiedEvidence Verify(string manifest, VerificationPolicy policy, TrustedRoot trust)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (manifest != Manifest)
        {
            throw new SignatureException(SignatureFailure.WrongArtifact, $"payload: it signs {Shown(Manifest)}, not {manifest}");
        }

        // This form is signed by Ed25519 itself, not by its variant for hashes, which a bundle of a file has.
        if (policy.Key is { Family: KeyFamily.Ed25519 } key && _bundle.Certificate is null && policy.IsUnloggedAllowed)
        {
            return key.Verify(_payload, _bundle.Content.Signature, new SignatureScheme(key.Family, key.Hash))
                ? new VerifiedEvidence { KeyFingerprint = key.Fingerprint }
                : throw new SignatureException(
                    SignatureFailure.BadSignature, "signature: it is not that of the signer's key over this payload");
        }

        return Verifier.Verify(_bundle, ArtifactDigests.Of(_payload), policy, trust);
    }

    private static SigstoreBundle BundleOf(
        byte[] payload, byte[] signature, Certificate? certificate = null, LogEntry[]? entries = null, byte[][]? timestamps = null) =>
        new(
            certificate,
            keyHint: certificate is null ? "" : null,
            new MessageSignature(signature, new MessageDigest(HashAlgorithmName.SHA256, SHA256.HashData(payload))),
            entries ?? [],
            timestamps ?? []);

    private static string Write(Action<Utf8JsonWriter> write)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, Options))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    private static byte[] Write(string reference, string manifest)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, Options))
        {
            json.WriteStartObject();
            json.WriteStartObject("critical");
            json.WriteStartObject("identity");
            json.WriteString("docker-reference", reference);
            json.WriteEndObject();
            json.WriteStartObject("image");
            json.WriteString("docker-manifest-digest", manifest);
            json.WriteEndObject();
            json.WriteString("type", Kind);
            json.WriteEndObject();
            json.WriteNull("optional");
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static string ReadManifest(JsonPart payload)
    {
        var critical = payload["critical"].Object();
        var type = critical["type"].Text();
        return type == Kind
            ? critical["image"].Object()["docker-manifest-digest"].Text()
            : throw new FormatException($"'critical.type' is '{Shown(type)}'; expected {Kind}");
    }

    private static LogEntry ReadEntry(JsonPart log)
    {
        var said = log[EntryField].Object();
        var body = said["body"].SomeBytes();
        var (kind, version) = JsonPart.Read(
            body, MaxAnnotationChars, SignatureFailure.Malformed, "log entry", b => (b["kind"].Text(), b["apiVersion"].Text()));
        return new LogEntry(
            said["logIndex"].Count(), said["logID"].HexBytes(LogIdBytes), kind, version, said["integratedTime"].Count(),
            log["SignedEntryTimestamp"].SomeBytes(), Proof: null, body);
    }

    private static T Read<T>(string json, string what, Func<JsonPart, T> read) =>
        JsonPart.Read(System.Text.Encoding.UTF8.GetBytes(json), MaxAnnotationChars, SignatureFailure.Malformed, what, read);

    // An annotation that is empty is none.
    private static string? Bounded(Func<string, string?> annotation, string name) => annotation(name) switch
    {
        null or "" => null,
        { Length: <= MaxAnnotationChars } text => text,
        { Length: var length } => throw new SignatureException(
            SignatureFailure.Malformed, $"signature: {name} has {length} characters; expected at most {MaxAnnotationChars}"),
    };

    private static string Shown(string text) => text.Length <= 100 ? text : $"{text[..100]}...";
}
