using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Hyperkube.Testing.Sigstore;

/// <summary>One signature, and the log entries that may be made about it.</summary>
internal sealed class Signing
{
    private readonly TestKey _key;
    private readonly byte[] _certificate;
    private readonly SigningRecipe _recipe;
    private readonly byte[] _signed;

    internal Signing(TestKey key, byte[] certificate, byte[] artifact, SigningRecipe recipe)
    {
        _key = key;
        _certificate = certificate;
        _recipe = recipe;
        _signed = recipe.Statement is null
            ? artifact
            : [.. Encoding.UTF8.GetBytes($"DSSEv1 {recipe.PayloadType.Length} {recipe.PayloadType} {Payload.Length} "), .. Payload];
        Signature = recipe.Statement is null ? key.SignFile(_signed) : key.Sign(_signed);
    }

    internal byte[] Signature { get; }

    private byte[] Payload => Encoding.UTF8.GetBytes(_recipe.Statement!);

    private string HashName => _key.Hash == HashAlgorithmName.SHA256 ? "256" : _key.Hash == HashAlgorithmName.SHA384 ? "384" : "512";

    private byte[] Digest => CryptographicOperations.HashData(_key.Hash, _signed);

    private string Pem => _certificate.Length > 0 ? SignedArtifact.Pem("CERTIFICATE", _certificate) : _key.Pem;

    internal JsonObject Log(SigstoreAuthority authority)
    {
        var kind = _recipe.Kind ?? (_recipe.Statement is null || _recipe.SecondVersion ? "hashedrekord" : "dsse");
        var log = _recipe.SecondVersion ? authority.RekorV2 : authority.Rekor;
        var (body, version) = (kind, _recipe.SecondVersion) switch
        {
            ("hashedrekord", false) => (HashedRekord(), "0.0.1"),
            ("hashedrekord", true) => (HashedRekordV2(), "0.0.2"),
            ("dsse", false) => (Dsse(), "0.0.1"),
            ("dsse", true) => (DsseV2(), "0.0.2"),
            _ => (InToto(), "0.0.2"),
        };
        return log.Log(kind, version, _recipe.AlterBody(body), _recipe.Time);
    }

    internal void AddContent(JsonObject bundle)
    {
        if (_recipe.Statement is null)
        {
            bundle["messageSignature"] = new JsonObject
            {
                ["messageDigest"] = new JsonObject { ["algorithm"] = $"SHA2_{HashName}", ["digest"] = Base64(Digest) },
                ["signature"] = Base64(Signature),
            };
        }
        else
        {
            bundle["dsseEnvelope"] = new JsonObject
            {
                ["payload"] = Base64(Payload),
                ["payloadType"] = _recipe.PayloadType,
                ["signatures"] = new JsonArray(new JsonObject { ["sig"] = Base64(Signature) }),
            };
        }
    }

    // The fields stand in the order of the canonical form.
    private string HashedRekord() => Body("0.0.1", "hashedrekord", new JsonObject
    {
        ["data"] = new JsonObject { ["hash"] = Hash($"sha{HashName}", Digest) },
        ["signature"] = new JsonObject
        {
            ["content"] = Base64(Signature),
            ["publicKey"] = new JsonObject { ["content"] = Base64(Pem) },
        },
    });

    private string HashedRekordV2() => Body("0.0.2", "hashedrekord", new JsonObject
    {
        ["hashedRekordV002"] = new JsonObject
        {
            ["data"] = new JsonObject { ["algorithm"] = $"SHA2_{HashName}", ["digest"] = Base64(Digest) },
            ["signature"] = new JsonObject { ["content"] = Base64(Signature), ["verifier"] = Verifier() },
        },
    });

    private string Dsse() => Body("0.0.1", "dsse", new JsonObject
    {
        ["envelopeHash"] = Hash("sha256", SHA256.HashData(Encoding.UTF8.GetBytes("the envelope as it was sent"))),
        ["payloadHash"] = Hash("sha256", SHA256.HashData(Payload)),
        ["signatures"] = new JsonArray(new JsonObject { ["signature"] = Base64(Signature), ["verifier"] = Base64(Pem) }),
    });

    private string DsseV2() => Body("0.0.2", "dsse", new JsonObject
    {
        ["dsseV002"] = new JsonObject
        {
            ["payloadHash"] = new JsonObject { ["algorithm"] = "SHA2_256", ["digest"] = Base64(SHA256.HashData(Payload)) },
            ["signatures"] = new JsonArray(new JsonObject { ["content"] = Base64(Signature), ["verifier"] = Verifier() }),
        },
    });

    // The signature's base64 is in base64 again, as it was with this kind.
    private string InToto() => Body("0.0.2", "intoto", new JsonObject
    {
        ["content"] = new JsonObject
        {
            ["envelope"] = new JsonObject
            {
                ["payloadType"] = _recipe.PayloadType,
                ["signatures"] = new JsonArray(new JsonObject { ["publicKey"] = Base64(Pem), ["sig"] = Base64(Base64(Signature)) }),
            },
            ["hash"] = Hash("sha256", SHA256.HashData([])),
            ["payloadHash"] = Hash("sha256", SHA256.HashData(Payload)),
        },
    });

    private JsonObject Verifier() => new()
    {
        ["keyDetails"] = _key.Details,
        [_certificate.Length > 0 ? "x509Certificate" : "publicKey"] =
            new JsonObject { ["rawBytes"] = Base64(_certificate.Length > 0 ? _certificate : _key.Spki) },
    };

    private static string Body(string version, string kind, JsonObject spec) =>
        SignatureLog.Plain(new JsonObject { ["apiVersion"] = version, ["kind"] = kind, ["spec"] = spec });

    private static JsonObject Hash(string algorithm, byte[] value) => new() { ["algorithm"] = algorithm, ["value"] = Convert.ToHexStringLower(value) };

    private static string Base64(byte[] bytes) => Convert.ToBase64String(bytes);

    private static string Base64(string text) => Base64(Encoding.UTF8.GetBytes(text));
}
