using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layers;
using Hyperkube.Oci.Layout;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Images;

/// <summary>A release of stand-ins, checked, and a layout to build in. What is in it never changes: golden digests depend on
/// it.</summary>
internal sealed class TinyRelease : IDisposable
{
    internal static readonly KubernetesVersion Version = KubernetesVersion.Parse("v1.36.4");

    private readonly TempDirectory _directory = new();
    private readonly List<VerifiedBinary> _binaries = [];

    internal TinyRelease() => ReleaseTree.Write(Tree, Version.ToString());

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    internal string Tree => _directory["tree"];

    internal string LayoutPath => _directory["layout"];

    /// <summary>Files in the layout, relative.</summary>
    internal IEnumerable<string> LayoutFiles => _directory.Files().Where(f => f.StartsWith("layout/", StringComparison.Ordinal));

    internal string PathOf(Platform platform, string name) => ReleaseTree.PathOf(Tree, Version.ToString(), platform, name);

    /// <summary>Checks all binaries of all platforms, or those that are named.</summary>
    internal async Task<IReadOnlyList<VerifiedBinary>> VerifyAsync(params IReadOnlyList<string> names)
    {
        ReleaseVerifier verifier = new([new DirectorySource(Tree)], evidence: null, NoActivityLog.Instance);
        var release = await verifier.FetchAsync(
            [
                .. from platform in ReleaseTree.Platforms
                   from name in names.Count > 0 ? names : ["kubelet", "kubectl"]
                   select new ReleaseFile(Version, platform, BinaryName.Parse(name, null)),
            ],
            jobs: 2, Ct);
        _binaries.AddRange(release.Binaries);
        return release.Binaries;
    }

    internal Task<ImageLayout> LayoutAsync() => ImageLayout.OpenOrCreateAsync(LayoutPath, Ct);

    /// <summary>Builds the image, dated 1970, into the layout.</summary>
    internal async Task<NodeImage> BuildAsync(
        IReadOnlyList<VerifiedBinary>? binaries = null, LayerCompression? compression = null, int jobs = 2,
        DateTimeOffset? created = null) =>
        await new NodeImageBuilder(await LayoutAsync(), compression ?? LayerCompression.Gzip, jobs, NoActivityLog.Instance)
            .BuildAsync(Version, binaries ?? await VerifyAsync(), created ?? DateTimeOffset.UnixEpoch, Ct);

    /// <summary>Reads a document from the layout.</summary>
    internal async Task<byte[]> DocumentAsync(Descriptor document) => await (await LayoutAsync()).ReadDocumentAsync(document, Ct);

    /// <summary>Reads a manifest from the layout.</summary>
    internal async Task<ImageManifest> ManifestAsync(Descriptor manifest) =>
        OciJson.ReadManifest(await DocumentAsync(manifest), "manifest");

    /// <summary>Reads the config of a manifest from the layout.</summary>
    internal async Task<ImageConfig> ConfigAsync(ImageManifest manifest) =>
        OciJson.ReadConfig(await DocumentAsync(manifest.Config), "config");

    /// <summary>Reads the tar in a layer.</summary>
    internal async Task<byte[]> TarAsync(Descriptor layer)
    {
        await using var tar = LayerReader.OpenTar(layer.MediaType, await (await LayoutAsync()).OpenAsync(layer, Ct));
        using MemoryStream content = new();
        await tar.CopyToAsync(content, Ct);
        return content.ToArray();
    }

    public void Dispose()
    {
        _binaries.ForEach(b => b.Dispose());
        _directory.Dispose();
    }
}
