using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Certificates;
using Hyperkube.Sigstore.Logs;

namespace Hyperkube.Sigstore.Signing;

/// <summary>Somebody who signs: with a key that others know, or with one that a certificate of some minutes names.</summary>
/// <remarks>What comes out carries no witness yet; <see cref="SigstoreBundle.With"/> and
/// <see cref="SigstoreBundle.WithTimestamp"/> add what logs and authorities answer. The key stays the caller's to dispose.</remarks>
public sealed class Signer
{
    private readonly SigningKey _key;
    private readonly Certificate? _certificate;

    private Signer(SigningKey key, Certificate? certificate) => (_key, _certificate) = (key, certificate);

    /// <summary>Who it is; null for a key, which has no name.</summary>
    public SignerIdentity? Identity { get; private init; }

    /// <summary>The last moment at which its signatures count, for a certificate.</summary>
    public DateTimeOffset? ValidUntil => _certificate?.NotAfter;

    /// <summary>What its signatures are checked with.</summary>
    public VerificationKey PublicKey => _key.PublicKey;

    /// <summary>Whoever verifies has to know the key.</summary>
    public static Signer WithKey(SigningKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return new Signer(key, certificate: null);
    }

    /// <summary>Takes the certificate for the key out of Fulcio's answer.</summary>
    /// <param name="key">The key that it was asked for.</param>
    /// <param name="answer">What <c>POST /api/v2/signingCert</c> answered.</param>
    /// <exception cref="SignatureException">It holds no certificate for this key, or one that may not sign.</exception>
    /// <remarks>Only the signer's own is taken: the way up comes from the trusted root of whoever verifies. Source:
    /// https://github.com/sigstore/fulcio/blob/v1.8.1/fulcio.proto (SigningCertificate)</remarks>
    public static Signer WithCertificate(SigningKey key, ReadOnlyMemory<byte> answer)
    {
        ArgumentNullException.ThrowIfNull(key);
        var certificate = JsonPart.Read(
            answer, MaxAnswerBytes, SignatureFailure.Malformed, "answer of the certificate authority", ReadAnswer);
        return certificate.Spki.Span.SequenceEqual(key.PublicKey.Spki.Span)
            ? new Signer(key, certificate) { Identity = SignerCertificate.Read(certificate) }
            : throw new SignatureException(
                SignatureFailure.UntrustedCertificate, "certificate: the authority answered with one for another key");
    }

    /// <summary>The largest answer of a certificate authority that is read: 256 KiB. One takes 5.</summary>
    public const int MaxAnswerBytes = 256 << 10;

    private const int MaxCertificates = 16;

    /// <summary>What Fulcio is asked with: the caller's token, and proof that the key is at hand.</summary>
    /// <returns>The body of <c>POST /api/v2/signingCert</c>.</returns>
    public static byte[] CertificateRequest(SigningKey key, string identityToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Json(json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("credentials");
            json.WriteString("oidcIdentityToken", identityToken);
            json.WriteEndObject();
            json.WriteBase64String("certificateSigningRequest", Encoding.ASCII.GetBytes(key.CertificateRequest()));
            json.WriteEndObject();
        });
    }

    /// <summary>Signs a document about artifacts.</summary>
    /// <param name="statement">An in-toto statement, byte for byte as it is signed.</param>
    public SigstoreBundle SignStatement(ReadOnlyMemory<byte> statement) => Bundle(DsseEnvelope.Sign(statement.ToArray(), _key));

    /// <summary>Signs a text that is kept beside its signature. Whatever the key: cosign and containers/image check this form with
    /// SHA-256.</summary>
    internal SigstoreBundle SignPayload(byte[] payload) => Bundle(new MessageSignature(
        _key.Sign(payload, HashAlgorithmName.SHA256), new MessageDigest(HashAlgorithmName.SHA256, SHA256.HashData(payload))));

    /// <summary>What Rekor's first version is sent to log a signature of this signer.</summary>
    /// <returns>The body of <c>POST /api/v1/log/entries</c>.</returns>
    /// <remarks>Source: https://github.com/sigstore/rekor/blob/v1.4.2/pkg/types/dsse/v0.0.1/dsse_v0_0_1_schema.json</remarks>
    public byte[] LogRequest(SigstoreBundle bundle)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        var pem = new SignerMaterial(_key.PublicKey, _certificate).Pem;
        if (bundle.Content is not DsseEnvelope envelope)
        {
            var digest = ((MessageSignature)bundle.Content).Digest;
            return Encoding.UTF8.GetBytes(EntryBody.HashedRekord(pem, bundle.Content.Signature, digest!));
        }

        var sent = Encoding.UTF8.GetString(Json(json => BundleWriter.Write(json, envelope)));
        return Json(json =>
        {
            json.WriteStartObject();
            json.WriteString("apiVersion", "0.0.1");
            json.WriteString("kind", "dsse");
            json.WriteStartObject("spec");
            json.WriteStartObject("proposedContent");
            json.WriteString("envelope", sent);
            json.WriteStartArray("verifiers");
            json.WriteBase64StringValue(Encoding.ASCII.GetBytes(pem));
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    private SigstoreBundle Bundle(SignedContent content) => new(
        _certificate,
        _certificate is null ? _key.Hint : null,
        content,
        entries: [],
        timestamps: []);

    private static Certificate ReadAnswer(JsonPart answer)
    {
        if (answer.Find("signedCertificateEmbeddedSct") is not { } embedded)
        {
            throw new FormatException(answer.Find("signedCertificateDetachedSct") is null
                ? "'signedCertificateEmbeddedSct' is missing"
                : "the promise of the certificate log is not in the certificate; no verifier reads it beside");
        }

        var chain = embedded.Object()["chain"].Object()["certificates"].Items(MaxCertificates);
        return chain.Count > 0
            ? Certificate.Parse(Pem.Decode(chain[0].Text(), "CERTIFICATE"))
            : throw new FormatException("an empty chain");
    }

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, BundleWriter.Options))
        {
            write(json);
        }

        return stream.ToArray();
    }
}
