using Hyperkube.E2E.Programs;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.E2E.Peers;

/// <summary>Other people's verifiers of Sigstore evidence: cosign, and the Sigstore project's own in JavaScript.</summary>
internal sealed class SigstoreJudges : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Dictionary<string, string> _environment;

    internal SigstoreJudges(SigstoreAuthority authority)
    {
        File.WriteAllText(this["root.json"], authority.TrustedRoot().ToJsonString());
        File.WriteAllText(this["signing.json"], """{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}""");
        _environment = new Dictionary<string, string> { ["HOME"] = _directory.Path, ["TUF_ROOT"] = this["tuf"], ["COSIGN_PASSWORD"] = "" };
    }

    /// <summary>A file for the judges.</summary>
    internal string this[string name] => _directory[name];

    /// <summary>What cosign says; it has to be named where the bundle is a document.</summary>
    internal Task<Ended> CosignAsync(byte[] bundle, byte[] artifact, bool isDocument, string subject)
    {
        Write(bundle, artifact);
        string[] verb = isDocument ? ["verify-blob-attestation", "--type", "https://example.org/p"] : ["verify-blob"];
        return RunCosignAsync(
        [
            .. verb, "--bundle", this["bundle.json"], "--trusted-root", this["root.json"],
            "--certificate-identity", subject, "--certificate-oidc-issuer", CertificateRecipe.Google, this["artifact"],
        ]);
    }

    /// <summary>Runs cosign, which finds no network.</summary>
    internal Task<Ended> RunCosignAsync(params IReadOnlyList<string> arguments) => Run.ProgramAsync(Machine.Sid("cosign"), arguments, _environment);

    /// <summary>What the verifier in JavaScript says.</summary>
    internal Task<Ended> JavaScriptAsync(byte[] bundle, byte[] artifact, string subject)
    {
        Write(bundle, artifact);
        Machine.Needs("node");
        var packages = Machine.Judges();
        return Run.ProgramAsync(
            "node",
            [
                Path.Combine(Machine.Repository, "test/Hyperkube.E2E/judges/verify.mjs"),
                this["bundle.json"], this["root.json"], this["artifact"], subject, CertificateRecipe.Google,
            ],
            new Dictionary<string, string> { ["HYPERKUBE_JUDGES"] = packages });
    }

    public void Dispose() => _directory.Dispose();

    private void Write(byte[] bundle, byte[] artifact)
    {
        File.WriteAllBytes(this["bundle.json"], bundle);
        File.WriteAllBytes(this["artifact"], artifact);
    }
}
