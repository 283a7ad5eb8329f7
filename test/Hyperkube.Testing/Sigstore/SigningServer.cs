using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Hyperkube.Testing.Sigstore;

/// <summary>What signs without a key, on loopback: Fulcio, Rekor's first version, a timestamp authority, and GitHub's tokens.</summary>
/// <remarks>Sources: https://github.com/sigstore/fulcio/blob/v1.8.1/fulcio.proto, https://github.com/sigstore/rekor/blob/v1.4.2/openapi.yaml,
/// https://www.rfc-editor.org/rfc/rfc3161#section-3.4</remarks>
public sealed class SigningServer(SigstoreAuthority authority) : LoopbackServer(certificate: null)
{
    public const string Certify = "/api/v2/signingCert";
    public const string Entries = "/api/v1/log/entries";
    public const string Timestamp = "/api/v1/timestamp";
    public const string Token = "/token";
    public const string Bearer = "only for the token";

    private readonly ConcurrentDictionary<string, JsonObject> _entries = new(StringComparer.Ordinal);

    /// <summary>Answers instead where it does not answer null.</summary>
    public Func<RegistryCall, SiteAnswer?> Intercept { get; set; } = _ => null;

    /// <summary>Changes what a certificate says before it is issued.</summary>
    public Func<CertificateRecipe, CertificateRecipe> AlterCertificate { get; set; } = recipe => recipe;

    /// <summary>Changes an entry before it is logged.</summary>
    public Func<string, string> AlterBody { get; set; } = body => body;

    /// <summary>How often something was asked for.</summary>
    public int Count(string path) => Calls.Count(c => c.Path == path);

    /// <summary>A token that says who somebody is; nobody has signed it, which is Fulcio's to check.</summary>
    public static string TokenOf(string subject, string issuer, string audience = "sigstore")
    {
        JsonObject claims = new() { ["iss"] = issuer, ["sub"] = subject, ["aud"] = audience };
        return $"{Base64Url("""{"alg":"none"}""")}.{Base64Url(claims.ToJsonString())}.c2lnbmF0dXJl";
    }

    protected override SiteAnswer Answer(RegistryCall asked)
    {
        ArgumentNullException.ThrowIfNull(asked);
        return Intercept(asked) ?? (asked.Method, asked.Path) switch
        {
            ("POST", Certify) => IssueCertificate(asked),
            ("POST", Entries) => Log(asked),
            ("GET", _) when asked.Path.StartsWith($"{Entries}/", StringComparison.Ordinal) =>
                _entries.TryGetValue(asked.Path[(Entries.Length + 1)..], out var entry) ? Json(entry) : SiteAnswer.Of(404),
            ("POST", Timestamp) => Stamp(asked),
            ("GET", Token) => asked.Header("Authorization") == $"Bearer {Bearer}"
                ? Json(new JsonObject { ["value"] = TokenOf("https://github.com/o/r/.github/workflows/w.yaml@refs/heads/main", "https://token.actions.githubusercontent.com") })
                : SiteAnswer.Of(401),
            _ => SiteAnswer.Of(404),
        };
    }

    protected override void TakePart(RegistryCall asked)
    {
        // Half a question is none.
    }

    private SiteAnswer IssueCertificate(RegistryCall asked)
    {
        var question = JsonNode.Parse(asked.Body.Span)!;
        var claims = Claims((string)question["credentials"]!["oidcIdentityToken"]!);
        if ((string?)claims["aud"] != "sigstore")
        {
            return Json(new JsonObject { ["code"] = 16, ["message"] = "There was an error processing the identity token" }) with { Status = 401 };
        }

        var pem = Encoding.ASCII.GetString(Convert.FromBase64String((string)question["certificateSigningRequest"]!));
        var request = CertificateRequest.LoadSigningRequestPem(pem, HashAlgorithmName.SHA256); // Checks that the key is at hand.
        using var key = TestKey.Of(request.PublicKey.ExportSubjectPublicKeyInfo());
        var subject = (string)claims["sub"]!;
        var recipe = AlterCertificate(new CertificateRecipe
        {
            Subject = subject,
            SubjectKind = subject.Contains("://", StringComparison.Ordinal) ? 6 : 1,
            Issuer = (string)claims["iss"]!,
            OldIssuer = (string)claims["iss"]!,
        });
        byte[][] chain = [recipe.Issue(recipe.IssuedBy ?? authority.Intermediate, key, authority.CertificateLog), authority.Intermediate.Certificate, authority.Root.Certificate];
        return Json(new JsonObject
        {
            ["signedCertificateEmbeddedSct"] = new JsonObject
            {
                ["chain"] = new JsonObject { ["certificates"] = new JsonArray([.. chain.Select(c => (JsonNode)SignedArtifact.Pem("CERTIFICATE", c))]) },
            },
        });
    }

    private SiteAnswer Log(RegistryCall asked)
    {
        var proposal = JsonNode.Parse(asked.Body.Span)!;
        var kind = (string)proposal["kind"]!;
        var body = AlterBody(kind == "dsse" ? DsseBody(proposal["spec"]!["proposedContent"]!) : HashedRekordBody(proposal["spec"]!));
        var answer = authority.Rekor.Answer(authority.Rekor.Log(kind, "0.0.1", body, SigstoreAuthority.SignedAt));
        _entries[answer.First().Key] = answer.DeepClone().AsObject();
        return (Json(answer) with { Status = 201 }).With("Location", $"{Entries}/{answer.First().Key}").With("ETag", answer.First().Key);
    }

    // As Rekor writes it down, with the fields in the order of the canonical form.
    private static string HashedRekordBody(JsonNode proposed) => SignatureLog.Plain(new JsonObject
    {
        ["apiVersion"] = "0.0.1",
        ["kind"] = "hashedrekord",
        ["spec"] = new JsonObject
        {
            ["data"] = new JsonObject
            {
                ["hash"] = new JsonObject
                {
                    ["algorithm"] = (string)proposed["data"]!["hash"]!["algorithm"]!,
                    ["value"] = (string)proposed["data"]!["hash"]!["value"]!,
                },
            },
            ["signature"] = new JsonObject
            {
                ["content"] = (string)proposed["signature"]!["content"]!,
                ["publicKey"] = new JsonObject { ["content"] = (string)proposed["signature"]!["publicKey"]!["content"]! },
            },
        },
    });

    private static string DsseBody(JsonNode proposed)
    {
        var sent = (string)proposed["envelope"]!;
        var envelope = JsonNode.Parse(sent)!;
        return SignatureLog.Plain(new JsonObject
        {
            ["apiVersion"] = "0.0.1",
            ["kind"] = "dsse",
            ["spec"] = new JsonObject
            {
                ["envelopeHash"] = Hash(Encoding.UTF8.GetBytes(sent)),
                ["payloadHash"] = Hash(Convert.FromBase64String((string)envelope["payload"]!)),
                ["signatures"] = new JsonArray(new JsonObject
                {
                    ["signature"] = (string)envelope["signatures"]![0]!["sig"]!,
                    ["verifier"] = (string)proposed["verifiers"]![0]!,
                }),
            },
        });
    }

    private SiteAnswer Stamp(RegistryCall asked)
    {
        if (asked.Header("Content-Type") != "application/timestamp-query")
        {
            return SiteAnswer.Of(415);
        }

        var request = new AsnReader(asked.Body, AsnEncodingRules.DER).ReadSequence();
        Assertable(request.ReadInteger() == 1);
        var imprint = request.ReadSequence();
        Assertable(imprint.ReadSequence().ReadObjectIdentifier() == "2.16.840.1.101.3.4.2.1");
        var hash = imprint.ReadOctetString();
        Assertable(request.ReadIntegerBytes().Length >= 8 && request.ReadBoolean());
        return new SiteAnswer
        {
            Status = 201,
            Body = authority.Timestamps.Stamp([], SigstoreAuthority.SignedAt, new TimestampRecipe { AlterImprint = _ => hash }),
            Headers = ImmutableDictionary<string, string>.Empty.Add("Content-Type", "application/timestamp-reply"),
        };
    }

    private static void Assertable(bool holds)
    {
        if (!holds)
        {
            throw new InvalidDataException("not what RFC 3161 asks for");
        }
    }

    private static JsonObject Hash(byte[] content) =>
        new() { ["algorithm"] = "sha256", ["value"] = Convert.ToHexStringLower(SHA256.HashData(content)) };

    private static JsonNode Claims(string token)
    {
        var part = token.Split('.')[1].Replace('-', '+').Replace('_', '/');
        return JsonNode.Parse(Convert.FromBase64String(part.PadRight((part.Length + 3) / 4 * 4, '=')))!;
    }

    private static string Base64Url(string text) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes(text)).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private static SiteAnswer Json(JsonNode answer) =>
        SiteAnswer.Text(answer.ToJsonString()) with { Headers = ImmutableDictionary<string, string>.Empty.Add("Content-Type", "application/json") };
}
