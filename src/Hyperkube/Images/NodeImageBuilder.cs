using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layers;
using Hyperkube.Oci.Layout;
using Hyperkube.Releases;

namespace Hyperkube.Images;

/// <summary>A built node image: its index, and each platform's part.</summary>
/// <param name="Version">Of which release.</param>
/// <param name="Index">The multi-platform image, as it lies in the layout.</param>
/// <param name="Size">Compressed bytes of everything together.</param>
/// <param name="Platforms">In the order of the index.</param>
public sealed record NodeImage(KubernetesVersion Version, Descriptor Index, long Size, IReadOnlyList<NodePlatform> Platforms)
{
    /// <summary>The digest of the release's signed list of files, which has proved the version; null if there was none.</summary>
    public Digest? ReleaseList { get; init; }
}

/// <summary>The image of one platform.</summary>
/// <param name="Manifest">Its descriptor, with the platform.</param>
/// <param name="Size">Compressed bytes of manifest, config and layers.</param>
/// <param name="Binaries">What is in it, in the order of its layers.</param>
public sealed record NodePlatform(Descriptor Manifest, long Size, IReadOnlyList<VerifiedBinary> Binaries);

/// <summary>Makes node images from verified binaries, into a layout.</summary>
/// <param name="layout">Gets the blobs; tags are the caller's.</param>
/// <param name="compression">How the layers are compressed.</param>
/// <param name="jobs">Threads that compress.</param>
/// <param name="log">Told what happens.</param>
public sealed class NodeImageBuilder(ImageLayout layout, LayerCompression compression, int jobs, IActivityLog log)
{
    /// <summary>Builds the image of a release.</summary>
    /// <param name="version">Of which release.</param>
    /// <param name="binaries">Every binary of every platform; each platform has the same names.</param>
    /// <param name="created">The time that the image carries if nothing in it is signed.</param>
    /// <param name="cancellationToken">Leaves finished blobs, which nothing names, in the layout.</param>
    public async Task<NodeImage> BuildAsync(
        KubernetesVersion version, IReadOnlyList<VerifiedBinary> binaries, DateTimeOffset created, CancellationToken cancellationToken)
    {
        List<(Image Image, NodePlatform Platform)> built = [];
        foreach (var platform in binaries.GroupBy(b => b.File.Platform).OrderBy(g => g.Key))
        {
            built.Add(await BuildAsync(version, platform.Key, [.. platform.OrderBy(b => b.File.Name)], created, cancellationToken)
                .ConfigureAwait(false));
        }

        var names = binaries.Select(b => b.File.Name).Distinct();
        var index = ImageBuilder.Index(built.Select(b => b.Image), NodeImageRecipe.ImageAnnotations(
            version, NodeImageRecipe.Created(binaries, created), names));
        await PutAsync(index, cancellationToken).ConfigureAwait(false);
        return new NodeImage(
            version,
            index.Descriptor,
            index.Descriptor.Size + built.Sum(b => b.Platform.Size),
            [.. built.Select(b => b.Platform)]);
    }

    private async Task<(Image Image, NodePlatform Platform)> BuildAsync(
        KubernetesVersion version, Platform platform, IReadOnlyList<VerifiedBinary> binaries, DateTimeOffset created,
        CancellationToken cancellationToken)
    {
        var first = await WriteAsync(NodeImageRecipe.FirstLayer(platform, binaries), activity: null, cancellationToken)
            .ConfigureAwait(false);
        List<(BinaryName Name, Layer Layer)> layers = [];
        foreach (var binary in binaries)
        {
            layers.Add((binary.File.Name, await WriteAsync(binary, cancellationToken).ConfigureAwait(false)));
        }

        var image = NodeImageRecipe.Image(version, platform, NodeImageRecipe.Created(binaries, created), first, layers);
        await PutAsync(image.Config, cancellationToken).ConfigureAwait(false);
        await PutAsync(image.Manifest, cancellationToken).ConfigureAwait(false);
        var size = image.Manifest.Descriptor.Size + image.Config.Descriptor.Size
            + first.Descriptor.Size + layers.Sum(l => l.Layer.Descriptor.Size);
        return (image, new NodePlatform(image.Manifest.Descriptor, size, binaries));
    }

    private async Task<Layer> WriteAsync(VerifiedBinary binary, CancellationToken cancellationToken)
    {
        using var activity = log.Begin($"pack {binary.File}", binary.Size);
        var layer = await WriteAsync(NodeImageRecipe.BinaryLayer(binary), activity, cancellationToken).ConfigureAwait(false);
        activity.Complete($"{Sizes.Text(binary.Size)} -> {Sizes.Text(layer.Descriptor.Size)}, {compression}");
        return layer with { Descriptor = layer.Descriptor with { Annotations = NodeImageRecipe.BinaryAnnotations(binary) } };
    }

    private async Task<Layer> WriteAsync(IReadOnlyList<LayerFile> files, IActivity? activity, CancellationToken cancellationToken)
    {
        var staged = layout.Stage();
        await using (staged.ConfigureAwait(false))
        {
            var layer = await new LayerWriter(compression, jobs)
                .WriteAsync(files, staged.Content, activity, cancellationToken).ConfigureAwait(false);
            layout.Commit(staged, layer.Descriptor.Digest);
            return layer;
        }
    }

    private ValueTask PutAsync(Document document, CancellationToken cancellationToken) =>
        layout.PutAsync(
            document.Descriptor,
            ContentSourceExtensions.OpenerOf(document.Content.ToArray()),
            cancellationToken);
}
