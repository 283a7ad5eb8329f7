using System.Security.Cryptography;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layers;

namespace Hyperkube.Images;

/// <summary>What is in an image, ours or another's.</summary>
/// <param name="Root">What the reference stands for.</param>
/// <param name="Version">What the image says it is, or null.</param>
/// <param name="Created">When it says it was made, or null.</param>
/// <param name="Platforms">One for each platform.</param>
public sealed record ImageContents(Descriptor Root, string? Version, string? Created, IReadOnlyList<PlatformContents> Platforms);

/// <summary>What is in the image of one platform.</summary>
/// <param name="Platform">For what.</param>
/// <param name="Manifest">Its manifest.</param>
/// <param name="Config">Its config.</param>
/// <param name="Layers">Its layers, bottom first.</param>
/// <param name="Size">Compressed bytes of manifest, config and layers.</param>
/// <param name="User">Whom it runs as, or null.</param>
/// <param name="Entrypoint">What it runs.</param>
/// <param name="Files">The programs in it, in the order of the layers.</param>
public sealed record PlatformContents(
    Platform Platform, Descriptor Manifest, Descriptor Config, IReadOnlyList<Descriptor> Layers, long Size, string? User,
    IReadOnlyList<string> Entrypoint, IReadOnlyList<ImageFile> Files);

/// <summary>A file in an image.</summary>
/// <param name="Path">Absolute.</param>
/// <param name="Sha256">64 hex digits.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Layer">The layer that holds it.</param>
/// <param name="IsClaim">Whether only the layer's annotations say so; false when the layer was read.</param>
public sealed record ImageFile(string Path, string Sha256, long Size, Digest Layer, bool IsClaim);

/// <summary>Looks into images without unpacking them.</summary>
public sealed class ImageInspector(IContentSource source)
{
    /// <summary>Reads an image's documents, and those layers that do not say what is in them.</summary>
    /// <param name="root">An index or a manifest.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<ImageContents> InspectAsync(Descriptor root, CancellationToken cancellationToken)
    {
        var document = await source.ReadDocumentAsync(root, cancellationToken).ConfigureAwait(false);
        if (MediaTypes.IsManifest(root.MediaType))
        {
            var only = await InspectManifestAsync(root, document, cancellationToken).ConfigureAwait(false);
            var said = OciJson.ReadManifest(document, root.Digest.ToString()).Annotations;
            return new ImageContents(
                root, said?.GetValueOrDefault(Annotations.Version), said?.GetValueOrDefault(Annotations.Created), [only]);
        }

        if (!MediaTypes.IsIndex(root.MediaType))
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"{root.Digest}: a '{root.MediaType}'; expected an image or an index");
        }

        var index = OciJson.ReadIndex(document, root.Digest.ToString());
        List<PlatformContents> platforms = [];
        foreach (var manifest in index.Manifests.Where(m => MediaTypes.IsManifest(m.MediaType) && m.Platform is not { Os: "unknown" }))
        {
            var content = await source.ReadDocumentAsync(manifest, cancellationToken).ConfigureAwait(false);
            platforms.Add(await InspectManifestAsync(manifest, content, cancellationToken).ConfigureAwait(false));
        }

        return new ImageContents(
            root,
            index.Annotations?.GetValueOrDefault(Annotations.Version),
            index.Annotations?.GetValueOrDefault(Annotations.Created),
            platforms);
    }

    private async Task<PlatformContents> InspectManifestAsync(Descriptor descriptor, byte[] content, CancellationToken cancellationToken)
    {
        var manifest = OciJson.ReadManifest(content, descriptor.Digest.ToString());
        var json = await source.ReadDocumentAsync(manifest.Config, cancellationToken).ConfigureAwait(false);
        var config = OciJson.ReadConfig(json, manifest.Config.Digest.ToString());
        List<ImageFile> files = [];
        foreach (var layer in manifest.Layers)
        {
            files = Stack(
                files, Claimed(layer) is { } claimed ? [claimed] : await ReadFilesAsync(layer, cancellationToken).ConfigureAwait(false));
        }

        return new PlatformContents(
            new Platform(config.Os, config.Architecture, config.Variant),
            descriptor,
            manifest.Config,
            manifest.Layers,
            descriptor.Size + manifest.Config.Size + manifest.Layers.Sum(l => l.Size),
            config.Container?.User,
            [.. config.Container?.Entrypoint ?? [], .. config.Container?.Command ?? []],
            files);
    }

    // A file hides what is at its path below it; a whiteout hides that and leaves nothing. Neither touches its own layer.
    // https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts
    private static List<ImageFile> Stack(List<ImageFile> below, List<ImageFile> layer)
    {
        const string Whiteout = ".wh.", Opaque = ".wh..wh..opq";
        HashSet<string> hidden = [], emptied = [];
        Dictionary<string, ImageFile> files = [];
        foreach (var file in layer)
        {
            var (directory, name) = (DirectoryOf(file.Path), Path.GetFileName(file.Path));
            if (name == Opaque)
            {
                emptied.Add(directory);
            }
            else if (name.StartsWith(Whiteout, StringComparison.Ordinal))
            {
                hidden.Add($"{directory}/{name[Whiteout.Length..]}");
            }
            else
            {
                hidden.Add(file.Path);
                files[file.Path] = file;
            }
        }

        bool IsHidden(string path)
        {
            var isHidden = hidden.Contains(path);
            for (var parent = path; parent.Length > 0 && !isHidden;)
            {
                parent = DirectoryOf(parent);
                isHidden = hidden.Contains(parent) || emptied.Contains(parent);
            }

            return isHidden;
        }

        return [.. below.Where(f => !IsHidden(f.Path)), .. files.Values];
    }

    // Without the slash at its end: empty for the root.
    private static string DirectoryOf(string path) => path[..path.LastIndexOf('/')];

    private static ImageFile? Claimed(Descriptor layer) => ClaimedFile.Of(layer) is { } claim
        ? new ImageFile($"/{claim.Path}", claim.Sha256.Hex, claim.Size, layer.Digest, IsClaim: true)
        : null;

    private async Task<List<ImageFile>> ReadFilesAsync(Descriptor layer, CancellationToken cancellationToken)
    {
        var blob = await source.OpenAsync(layer, cancellationToken).ConfigureAwait(false);
        var tar = LayerReader.OpenTar(layer.MediaType, blob);
        await using (tar.ConfigureAwait(false))
        {
            try
            {
                List<ImageFile> files = [];
                UstarReader reader = new(tar);
                while (await reader.NextAsync(cancellationToken).ConfigureAwait(false) is { } entry)
                {
                    if (entry.Kind == TarEntryKind.File)
                    {
                        var sha256 = await HashAsync(reader, cancellationToken).ConfigureAwait(false);
                        files.Add(new ImageFile($"/{entry.Path}", sha256, entry.Size, layer.Digest, IsClaim: false));
                    }
                }

                return files;
            }
            catch (InvalidDataException e)
            {
                throw new HyperkubeException(ErrorKind.BadContent, $"layer {layer.Digest}: {e.Message}", e);
            }
        }
    }

    private static async Task<string> HashAsync(UstarReader entry, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[StreamSizes.CopyBytes];
        for (int count; (count = await entry.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
        {
            hash.AppendData(buffer.AsSpan(0, count));
        }

        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
