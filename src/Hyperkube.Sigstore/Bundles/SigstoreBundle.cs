using Hyperkube.Sigstore.Certificates;

namespace Hyperkube.Sigstore.Bundles;

/// <summary>A signature with all the evidence about it: a Sigstore bundle of version 0.1, 0.2 or 0.3.</summary>
/// <remarks>
/// Reading one checks its form only; <see cref="Verifier"/> checks what it says. Immutable. Source:
/// https://github.com/sigstore/protobuf-specs/blob/v0.5.0/protos/sigstore_bundle.proto
/// </remarks>
public sealed class SigstoreBundle
{
    /// <summary>The media type of the bundles that are written here, version 0.3.</summary>
    public const string MediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";

    /// <summary>The largest bundle that is read: 16 MiB, room for a document with a long list of parts.</summary>
    public const int MaxBytes = 16 << 20;

    private const string OlderMediaType = "application/vnd.dev.sigstore.bundle+json;version=";

    // As many as sigstore-go allows.
    private const int MaxEntries = 32;
    private const int MaxTimestamps = 32;
    private const int MaxCertificates = 16;
    private const int MaxHintChars = 1024;

    internal SigstoreBundle(
        Certificate? certificate,
        string? keyHint,
        SignedContent content,
        IReadOnlyList<LogEntry> entries,
        IReadOnlyList<byte[]> timestamps)
    {
        Certificate = certificate;
        KeyHint = keyHint;
        Content = content;
        Entries = entries;
        Timestamps = timestamps;
    }

    /// <summary>Whether it signs a document about the artifact (DSSE) rather than the artifact itself.</summary>
    public bool IsEnvelope => Content is DsseEnvelope;

    /// <summary>Whether a certificate names the signer; else a key, which whoever verifies has to know.</summary>
    public bool HasCertificate => Certificate is not null;

    /// <summary>What the signer called the key; a hint only. Null when a certificate names the signer.</summary>
    public string? KeyHint { get; }

    internal Certificate? Certificate { get; }

    internal SignedContent Content { get; }

    internal IReadOnlyList<LogEntry> Entries { get; }

    /// <summary>Answers of timestamp authorities, in DER.</summary>
    internal IReadOnlyList<byte[]> Timestamps { get; }

    /// <summary>Reads a bundle.</summary>
    /// <param name="json">UTF-8, at most <see cref="MaxBytes"/>.</param>
    /// <exception cref="SignatureException">It is none (<see cref="SignatureFailure.Malformed"/>), or carries no signature
    /// (<see cref="SignatureFailure.NotSigned"/>).</exception>
    public static SigstoreBundle Parse(ReadOnlyMemory<byte> json) =>
        JsonPart.Read(json, MaxBytes, SignatureFailure.Malformed, "bundle", Read);

    /// <summary>The bundle with what a log answered about its signature.</summary>
    /// <exception cref="SignatureException">The answer lacks its proof (<see cref="SignatureFailure.BadInclusionProof"/>).</exception>
    public SigstoreBundle With(RekorEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return entry.Entry.Proof is not null
            ? new SigstoreBundle(Certificate, KeyHint, Content, [.. Entries, entry.Entry], Timestamps)
            : throw new SignatureException(SignatureFailure.BadInclusionProof, "log entry: the log answered without an inclusion proof");
    }

    /// <summary>The bundle with what a timestamp authority answered about its signature.</summary>
    /// <param name="answer">A <c>TimeStampResp</c> in DER.</param>
    public SigstoreBundle WithTimestamp(ReadOnlyMemory<byte> answer) =>
        new(Certificate, KeyHint, Content, Entries, [.. Timestamps, answer.ToArray()]);

    /// <summary>What a timestamp authority is asked with about the signature: a <c>TimeStampReq</c> in DER.</summary>
    public byte[] TimestampRequest() => Sigstore.Timestamps.TimestampRequest.Write(Content.Signature);

    /// <summary>Writes it as a bundle of version 0.3: UTF-8, no white space, always the same bytes.</summary>
    public byte[] ToJson() => BundleWriter.Write(this);

    private static SigstoreBundle Read(JsonPart bundle)
    {
        var version = ReadVersion(bundle["mediaType"].Text());
        var material = bundle["verificationMaterial"].Object();
        var (certificate, hint) = ReadSigner(material, version);
        var entries = material.Objects("tlogEntries", MaxEntries).ConvertAll(LogEntry.Read);
        CheckEntries(entries, version);
        var timestamps = (material.Find("timestampVerificationData")?.Object().Objects("rfc3161Timestamps", MaxTimestamps) ?? [])
            .ConvertAll(t => t["signedTimestamp"].SomeBytes());
        if (timestamps.Exists(t => timestamps.Exists(other => other != t && other.AsSpan().SequenceEqual(t))))
        {
            throw new FormatException("the same timestamp stands there twice");
        }

        return new SigstoreBundle(certificate, hint, ReadContent(bundle), entries, timestamps);
    }

    private static int ReadVersion(string mediaType) => mediaType switch
    {
        OlderMediaType + "0.1" => 1,
        OlderMediaType + "0.2" => 2,
        OlderMediaType + "0.3" or MediaType => 3,
        _ => throw new FormatException($"'mediaType' is '{mediaType}'; expected {MediaType}"),
    };

    private static (Certificate? Certificate, string? KeyHint) ReadSigner(JsonPart material, int version)
    {
        var chain = material.Find("x509CertificateChain");
        var single = material.Find("certificate");
        var key = material.Find("publicKey");
        if (new[] { chain, single, key }.Count(m => m is not null) != 1)
        {
            throw new FormatException("'verificationMaterial' needs exactly one of x509CertificateChain, certificate and publicKey");
        }

        if (key is { } named)
        {
            var hint = named.Object().Find("hint")?.Text() ?? "";
            return hint.Length <= MaxHintChars ? (null, hint) : throw new FormatException($"a key hint of {hint.Length} characters");
        }

        return (single is { } one ? ReadCertificate(one.Object()) : ReadChain(chain!.Value.Object(), version), null);
    }

    private static Certificate ReadCertificate(JsonPart certificate) => Certificates.Certificate.Parse(certificate["rawBytes"].SomeBytes());

    // Only the first one counts: the way up comes from the trusted root. A root in here would be a misunderstanding.
    private static Certificate ReadChain(JsonPart chain, int version)
    {
        var certificates = chain.Objects("certificates", MaxCertificates).ConvertAll(ReadCertificate);
        return version >= 3 ? throw new FormatException("a bundle of version 0.3 has one certificate, not a chain")
            : certificates.Count == 0 ? throw new FormatException("'x509CertificateChain' is empty")
            : certificates.Skip(1).Any(c => c.IsSelfIssued) ? throw new FormatException("'x509CertificateChain' holds a root certificate")
            : certificates[0];
    }

    private static void CheckEntries(List<LogEntry> entries, int version)
    {
        foreach (var entry in entries)
        {
            if (version == 1 && entry.Promise is null)
            {
                throw new FormatException("a bundle of version 0.1 needs an inclusionPromise in each log entry");
            }

            if (version > 1 && entry.Proof is null)
            {
                throw new FormatException("a bundle of version 0.2 or later needs an inclusionProof in each log entry");
            }

            if (entries.Exists(e => e != entry && e.LogId.AsSpan().SequenceEqual(entry.LogId) && e.Body.AsSpan().SequenceEqual(entry.Body)))
            {
                throw new FormatException("the same log entry stands there twice");
            }
        }
    }

    private static SignedContent ReadContent(JsonPart bundle) => (bundle.Find("messageSignature"), bundle.Find("dsseEnvelope")) switch
    {
        ({ } message, null) => MessageSignature.Read(message.Object()),
        (null, { } envelope) => DsseEnvelope.Read(envelope.Object()),
        (null, null) => throw new SignatureException(SignatureFailure.NotSigned, "bundle: no messageSignature and no dsseEnvelope"),
        _ => throw new FormatException("both a messageSignature and a dsseEnvelope"),
    };
}
