using System.Security.Cryptography;
using System.Text;
using Hyperkube.Oci;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Testing;

/// <summary>A download site's directory as the Kubernetes release team fills it: stand-ins with Go's build information, checksums, <c>.sig</c>
/// and <c>.cert</c>, and the signed list of it all; and the log that knows the signatures.</summary>
public sealed class SignedRelease : IAsyncDisposable
{
    private readonly string _directory;

    /// <param name="directory">The root of the tree.</param>
    public SignedRelease(string directory)
    {
        _directory = directory;
        Rekor = new RekorServer(Authority);
    }

    public SigstoreAuthority Authority { get; } = new();

    public RekorServer Rekor { get; }

    /// <summary>What was signed so far, by its path below the root.</summary>
    public IDictionary<string, SignedArtifact> Artifacts { get; } = new Dictionary<string, SignedArtifact>(StringComparer.Ordinal);

    /// <summary>The words that make a command believe the authority and ask its log.</summary>
    public IReadOnlyList<string> BuildWords => ["--trusted-root", TrustedRoot, "--rekor-url", Rekor.Url.ToString().TrimEnd('/')];

    /// <summary>A file that holds the authority's keys.</summary>
    public string TrustedRoot
    {
        get
        {
            var path = Path.Combine(_directory, "trusted_root.json");
            Directory.CreateDirectory(_directory);
            File.WriteAllText(path, Authority.TrustedRoot().ToJsonString());
            return path;
        }
    }

    /// <summary>Writes kubelet and kubectl of a version for amd64 and arm64, and the list.</summary>
    /// <param name="version">For example <c>v1.36.4</c>.</param>
    /// <param name="padTo">The least length of each file.</param>
    public void Write(string version, int padTo = 0)
    {
        foreach (var platform in ReleaseTree.Platforms)
        {
            foreach (var name in (string[])["kubelet", "kubectl"])
            {
                WriteFile(version, platform, name, StandInProgram.Kubernetes(platform, name, version, padTo));
            }
        }

        WriteList(version);
    }

    /// <summary>Writes one binary, signed.</summary>
    public void WriteFile(string version, Platform platform, string name, byte[] content, SigningRecipe? recipe = null)
    {
        ArgumentNullException.ThrowIfNull(content);
        Sign(ReleaseTree.WriteFile(_directory, version, platform, name, content), content, recipe);
    }

    /// <summary>Writes the list of what is there of a version, signed.</summary>
    /// <param name="version">Of which.</param>
    /// <param name="about">What it says that it is about; the version unless told.</param>
    public void WriteList(string version, string? about = null)
    {
        var root = Path.Combine(_directory, version);
        StringBuilder text = new(
            $"SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: Kubernetes Release {about ?? version}\n"
            + $"DocumentNamespace: https://sbom.k8s.io/{about ?? version}/release\nCreator: Tool: sigs.k8s.io/bom/pkg/spdx\n\n");
        foreach (var path in Directory.EnumerateFiles(Path.Combine(root, "bin"), "*", SearchOption.AllDirectories)
                     .Where(p => !Path.GetFileName(p).Contains('.', StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            var content = File.ReadAllBytes(path);
            text.Append($"FileName: {Path.GetRelativePath(root, path)}\nSPDXID: SPDXRef-File-{Path.GetFileName(path)}\n"
                + $"FileChecksum: SHA256: {Convert.ToHexStringLower(SHA256.HashData(content))}\n"
                + $"FileChecksum: SHA512: {Convert.ToHexStringLower(SHA512.HashData(content))}\nLicenseConcluded: Apache-2.0\n\n");
        }

        var list = Path.Combine(root, "kubernetes-release.spdx");
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        File.WriteAllBytes(list, bytes);
        File.WriteAllText($"{list}.sha256", Convert.ToHexStringLower(SHA256.HashData(bytes)));
        Sign(list, bytes, recipe: null);
    }

    public async ValueTask DisposeAsync()
    {
        await Rekor.DisposeAsync();
        Authority.Dispose();
        GC.SuppressFinalize(this);
    }

    private void Sign(string path, byte[] content, SigningRecipe? recipe)
    {
        var signed = Authority.Sign(content, recipe);
        File.WriteAllText($"{path}.sig", signed.SignatureFile);
        File.WriteAllText($"{path}.cert", signed.CertificateFile);
        Artifacts[Path.GetRelativePath(_directory, path)] = signed;
        if (recipe?.IsLogged != false)
        {
            Rekor.Add(signed);
        }
    }
}
