using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layers;
using Hyperkube.Publishing;
using Hyperkube.Releases;

namespace Hyperkube.Images;

/// <summary>The evidence in an image that was built before, of which another build makes the same image.</summary>
/// <param name="reference">The image.</param>
/// <param name="open">Opens its place.</param>
/// <param name="isOptional">Whether it may be missing, as a destination is before the first build.</param>
public sealed class ImageEvidence(
    ImageReference reference, Func<ImageReference, CancellationToken, Task<ImageSource>> open, bool isOptional) : IEvidenceStore
{
    /// <summary>A layer of evidence takes a few KiB; a larger one holds something else, and is not looked into.</summary>
    private const long MaxLayerBytes = 1 << 20;

    private Dictionary<(string Platform, string Name), byte[]>? _bundles;

    /// <inheritdoc/>
    public string Location => reference.ToString();

    /// <inheritdoc/>
    public async Task<byte[]?> FindAsync(string path, Digest sha256, CancellationToken cancellationToken)
    {
        // VERSION/bin/OS/ARCH/NAME; an image holds nothing about other files.
        if (path.Split('/') is not [_, "bin", var os, var architecture, var name])
        {
            return null;
        }

        _bundles ??= await ReadAsync(cancellationToken).ConfigureAwait(false); // Two at once would read it twice, and find the same.
        return _bundles.GetValueOrDefault((new Platform(os, architecture).ToString(), name));
    }

    private async Task<Dictionary<(string Platform, string Name), byte[]>> ReadAsync(CancellationToken cancellationToken)
    {
        Dictionary<(string Platform, string Name), byte[]> bundles = [];
        using var source = await OpenAsync(cancellationToken).ConfigureAwait(false);
        if (source is null || await FindAsync(source, cancellationToken).ConfigureAwait(false) is not { } root)
        {
            return bundles;
        }

        foreach (var descriptor in await ManifestsAsync(source.Content, root, cancellationToken).ConfigureAwait(false))
        {
            var document = await source.Content.ReadDocumentAsync(descriptor, cancellationToken).ConfigureAwait(false);
            var manifest = OciJson.ReadManifest(document, descriptor.Digest.ToString());
            var json = await source.Content.ReadDocumentAsync(manifest.Config, cancellationToken).ConfigureAwait(false);
            var config = OciJson.ReadConfig(json, manifest.Config.Digest.ToString());
            foreach (var (name, bundle) in await ReadAsync(source.Content, manifest, cancellationToken).ConfigureAwait(false))
            {
                bundles[(new Platform(config.Os, config.Architecture).ToString(), name)] = bundle;
            }
        }

        return bundles;
    }

    private async Task<ImageSource?> OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await open(reference, cancellationToken).ConfigureAwait(false);
        }
        catch (HyperkubeException e) when (isOptional && e.Kind is (ErrorKind.NotFound or ErrorKind.AccessDenied or ErrorKind.Usage))
        {
            return null;
        }
    }

    // Registries say of repositories that are not there that they may not be read.
    private async Task<Descriptor?> FindAsync(ImageSource source, CancellationToken cancellationToken)
    {
        try
        {
            return await source.FindAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (HyperkubeException e) when (isOptional && e.Kind is (ErrorKind.NotFound or ErrorKind.AccessDenied))
        {
            return null;
        }
    }

    private static async Task<IEnumerable<Descriptor>> ManifestsAsync(IContentSource source, Descriptor root,
        CancellationToken cancellationToken)
    {
        if (!MediaTypes.IsIndex(root.MediaType))
        {
            return [root];
        }

        var document = await source.ReadDocumentAsync(root, cancellationToken).ConfigureAwait(false);
        return OciJson.ReadIndex(document, root.Digest.ToString()).Manifests
            .Where(m => MediaTypes.IsManifest(m.MediaType) && m.Platform is not { Os: "unknown" });
    }

    // Whoever changes evidence changes nothing but that it is refused.
    private static async Task<Dictionary<string, byte[]>> ReadAsync(
        IContentSource source, ImageManifest manifest, CancellationToken cancellationToken)
    {
        var suffix = NodeImageRecipe.EvidencePath("");
        Dictionary<string, byte[]> bundles = new(StringComparer.Ordinal);
        foreach (var layer in manifest.Layers.Where(l => l.Size <= MaxLayerBytes && l.Annotation(NodeImageRecipe.FilePath) is null))
        {
            var blob = await source.OpenAsync(layer, cancellationToken).ConfigureAwait(false);
            var tar = LayerReader.OpenTar(layer.MediaType, blob);
            await using (tar.ConfigureAwait(false))
            {
                try
                {
                    UstarReader reader = new(tar);
                    while (await reader.NextAsync(cancellationToken).ConfigureAwait(false) is { } entry)
                    {
                        if (entry.Kind == TarEntryKind.File && entry.Size <= ReleaseTrust.MaxBundleBytes
                            && !entry.Path.Contains('/', StringComparison.Ordinal)
                            && entry.Path.EndsWith(suffix, StringComparison.Ordinal))
                        {
                            bundles[entry.Path[..^suffix.Length]] = await ReadAsync(reader, entry, cancellationToken).ConfigureAwait(false);
                        }
                    }
                }
                catch (InvalidDataException e)
                {
                    throw new HyperkubeException(ErrorKind.BadContent, $"layer {layer.Digest}: {e.Message}", e);
                }
            }
        }

        return bundles;
    }

    private static async Task<byte[]> ReadAsync(UstarReader reader, TarEntry entry, CancellationToken cancellationToken)
    {
        var bundle = new byte[entry.Size];
        var length = 0;
        for (int count; (count = await reader.ReadAsync(bundle.AsMemory(length), cancellationToken).ConfigureAwait(false)) > 0;)
        {
            length += count;
        }

        return bundle[..length];
    }
}
