using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layers;
using Hyperkube.Oci.Layout;

namespace Hyperkube.ToolImage;

/// <summary>Makes the image of the tool, into a layout.</summary>
/// <param name="layout">Gets the image.</param>
/// <param name="recipe">What the image says of itself.</param>
/// <param name="packages">What is below the exe.</param>
/// <param name="archive">Has the packages.</param>
internal sealed class ToolImageBuilder(
    ImageLayout layout, ToolImageRecipe recipe, IReadOnlyList<PinnedPackage> packages, DebianArchive archive)
{
    /// <summary>The image is small and pulled often.</summary>
    private static readonly LayerCompression Compression = new(CompressionAlgorithm.Gzip, 9);

    /// <summary>Builds it; the tag is the caller's.</summary>
    /// <param name="exes">One for each platform.</param>
    /// <param name="own">The layer of <see cref="OwnFiles"/>.</param>
    /// <param name="work">A directory for what is unpacked; it is left there.</param>
    /// <param name="cancellationToken">Leaves finished blobs, which nothing names, in the layout.</param>
    internal async Task<Descriptor> BuildAsync(
        IReadOnlyList<ToolExe> exes, IReadOnlyList<LayerEntry> own, string work, CancellationToken cancellationToken)
    {
        List<Image> images = [];
        foreach (var exe in exes)
        {
            images.Add(await BuildAsync(exe, own, work, cancellationToken).ConfigureAwait(false));
        }

        var index = ImageBuilder.Index(images, recipe.Annotations());
        await PutAsync(index, cancellationToken).ConfigureAwait(false);
        return index.Descriptor;
    }

    private async Task<Image> BuildAsync(
        ToolExe exe, IReadOnlyList<LayerEntry> own, string work, CancellationToken cancellationToken)
    {
        List<(Layer Layer, string CreatedBy)> layers = [];
        List<LayerEntry> below = [];
        foreach (var package in packages.Where(p => p.IsFor(exe.Platform)).OrderBy(p => p.Name, StringComparer.Ordinal))
        {
            var directory = Directory.CreateDirectory(Path.Combine(work, $"{exe.Platform.Architecture}-{package.Name}")).FullName;
            var unpacked = await archive.UnpackAsync(package, directory, cancellationToken).ConfigureAwait(false);
            var entries = unpacked.Layer();
            below.AddRange(entries);
            layers.Add((
                await WriteAsync(entries, cancellationToken).ConfigureAwait(false),
                $"{package.Name} {package.Version} {package.Architecture} of Debian"));
        }

        var file = exe.Layer(below);
        if (!below.Exists(e => e.Path == CertificateBundle.Path))
        {
            throw new HyperkubeException(
                ErrorKind.BadContent, $"{exe.Platform}: no authorities; expected ca-certificates among the packages");
        }

        layers.Add((await WriteAsync(own, cancellationToken).ConfigureAwait(false), "/etc, /home, /tmp, /usr/share/doc/hyperkube"));
        var top = await WriteAsync([file], cancellationToken).ConfigureAwait(false);
        layers.Add((
            top with { Descriptor = top.Descriptor with { Annotations = Annotations.Of(ToolExe.Annotations(file)) } }, $"/{file.Path}"));

        var image = recipe.Image(exe.Platform, layers);
        await PutAsync(image.Config, cancellationToken).ConfigureAwait(false);
        await PutAsync(image.Manifest, cancellationToken).ConfigureAwait(false);
        return image;
    }

    private async Task<Layer> WriteAsync(IReadOnlyList<LayerEntry> entries, CancellationToken cancellationToken)
    {
        var staged = layout.Stage();
        await using (staged.ConfigureAwait(false))
        {
            var layer = await new LayerWriter(Compression, Environment.ProcessorCount)
                .WriteAsync(entries, staged.Content, progress: null, cancellationToken).ConfigureAwait(false);
            layout.Commit(staged, layer.Descriptor.Digest);
            return layer;
        }
    }

    private ValueTask PutAsync(Document document, CancellationToken cancellationToken) =>
        layout.PutAsync(document.Descriptor, ContentSourceExtensions.OpenerOf(document.Content.ToArray()), cancellationToken);
}
