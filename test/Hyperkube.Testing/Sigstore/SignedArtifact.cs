using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Hyperkube.Testing.Sigstore;

/// <summary>A bundle as a tree, so that a test can change any part of it, and what it is about.</summary>
/// <param name="Bundle">The bundle.</param>
/// <param name="Artifact">What was signed.</param>
/// <param name="Certificate">The signer's, in DER; empty for a managed key.</param>
/// <param name="Signature">The signature.</param>
public sealed record SignedArtifact(JsonObject Bundle, byte[] Artifact, byte[] Certificate, byte[] Signature)
{
    /// <summary>The first log entry.</summary>
    public JsonObject Entry => Bundle["verificationMaterial"]!["tlogEntries"]![0]!.AsObject();

    /// <summary>The inclusion proof of the first log entry.</summary>
    public JsonObject Proof => Entry["inclusionProof"]!.AsObject();

    public JsonObject Material => Bundle["verificationMaterial"]!.AsObject();

    /// <summary>Nothing is escaped that need not be: <c>\u002B</c> and <c>\u002b</c> would be one bit apart, and the same.</summary>
    public byte[] Json => Encoding.UTF8.GetBytes(SignatureLog.Plain(Bundle));

    /// <summary>The <c>.sig</c> that Kubernetes publishes.</summary>
    public string SignatureFile => Convert.ToBase64String(Signature);

    /// <summary>The <c>.cert</c> that Kubernetes publishes.</summary>
    public string CertificateFile => Convert.ToBase64String(Encoding.ASCII.GetBytes(Pem("CERTIFICATE", Certificate)));

    internal static SignedArtifact Make(SigstoreAuthority authority, byte[] artifact, SigningRecipe recipe)
    {
        using var ephemeral = recipe.ManagedKey is null && recipe.CertificateKey is null ? TestKey.P256() : null;
        var key = recipe.ManagedKey ?? recipe.CertificateKey ?? ephemeral!;
        var certificate = recipe.ManagedKey is null
            ? recipe.Certificate.Issue(recipe.Certificate.IssuedBy ?? authority.Intermediate, key, authority.CertificateLog)
            : (byte[])[];
        Signing signing = new(key, certificate, artifact, recipe);
        JsonObject material = new()
        {
            ["tlogEntries"] = recipe.IsLogged ? new JsonArray(signing.Log(authority)) : new JsonArray(),
        };
        if (certificate.Length == 0)
        {
            material["publicKey"] = new JsonObject { ["hint"] = Convert.ToBase64String(key.SpkiHash) };
        }
        else if (recipe.Version == 3)
        {
            material["certificate"] = new JsonObject { ["rawBytes"] = Convert.ToBase64String(certificate) };
        }
        else
        {
            material["x509CertificateChain"] = SigstoreAuthority.AuthorityOf("", certificate)["certChain"]!.DeepClone();
        }

        if (recipe.IsTimestamped ?? recipe.SecondVersion)
        {
            var stamp = authority.Timestamps.Stamp(signing.Signature, recipe.Time, recipe.Timestamp);
            material["timestampVerificationData"] = new JsonObject
            {
                ["rfc3161Timestamps"] = new JsonArray(new JsonObject { ["signedTimestamp"] = Convert.ToBase64String(stamp) }),
            };
        }

        JsonObject bundle = new()
        {
            ["mediaType"] = recipe.Version == 3
                ? "application/vnd.dev.sigstore.bundle.v0.3+json"
                : $"application/vnd.dev.sigstore.bundle+json;version=0.{recipe.Version}",
            ["verificationMaterial"] = material,
        };
        signing.AddContent(bundle);
        return new SignedArtifact(bundle, artifact, certificate, signing.Signature);
    }

    internal static string Pem(string label, byte[] der) => PemEncoding.WriteString(label, der) + "\n";
}
