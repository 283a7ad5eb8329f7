using System.Text.Json.Serialization;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layers;

namespace Hyperkube.Oci.Layout;

/// <summary>Writes images into one tar, index first, so that a reader decides before it reads the layers.</summary>
/// <remarks>
/// What is put is only noted; <see cref="CommitAsync"/> writes everything in one pass, in an order that follows from
/// the content alone, and replaces the file. The bytes depend on the images and their names, on nothing else.
/// </remarks>
public sealed class ArchiveWriter(string path, ArchiveFormat format) : IContentDestination
{
    private const string DockerManifest = "manifest.json";

    private readonly Lock _lock = new();
    private readonly Dictionary<Digest, (Descriptor Content, OpenContent Open)> _contents = [];
    private readonly Dictionary<Digest, ImageIndex> _attached = [];
    private readonly SortedDictionary<string, (Descriptor Manifest, RegistryReference? Name)> _tagged = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public ValueTask<bool> HasAsync(Descriptor content, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        lock (_lock)
        {
            return ValueTask.FromResult(_contents.ContainsKey(content.Digest));
        }
    }

    /// <summary>Notes content; it is opened when the archive is committed.</summary>
    public ValueTask PutAsync(Descriptor content, OpenContent open, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        lock (_lock)
        {
            _contents[content.Digest] = (content, open);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    /// <remarks>A file that is there is replaced as a whole, with its tags.</remarks>
    public ValueTask TagAsync(Descriptor manifest, string tag, bool move, CancellationToken cancellationToken) =>
        TagAsync(manifest, tag, imageName: null);

    /// <inheritdoc/>
    public ValueTask AttachAsync(Digest subject, IReadOnlyList<Descriptor> referrers, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _attached[subject] = ReferrersIndex.With(_attached.GetValueOrDefault(subject), referrers) ?? _attached[subject];
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Gives an image its tag and the full name under which an engine is to know it.</summary>
    public ValueTask TagAsync(Descriptor manifest, string tag, RegistryReference? imageName)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        SetTag(manifest, tag, imageName);
        return ValueTask.CompletedTask;
    }

    private void SetTag(Descriptor manifest, string tag, RegistryReference? imageName)
    {
        var annotations = Annotations.Of(manifest.Annotations).SetItem(Annotations.RefName, tag);
        _tagged[tag] = (manifest with
        {
            Annotations = imageName is null ? annotations : annotations.SetItem(Annotations.ContainerdImageName, imageName.ToString()),
        }, imageName);
    }

    /// <summary>Writes the file: staged beside it, then renamed.</summary>
    public async Task CommitAsync(CancellationToken cancellationToken)
    {
        var full = Path.GetFullPath(path);
        var directory = Path.GetDirectoryName(full)!;
        Directory.CreateDirectory(directory);
        StagedFile.RemoveAbandoned(directory);
        var staged = StagedFile.CreateIn(directory);
        await using (staged.ConfigureAwait(false))
        {
            await WriteAsync(staged.Content, cancellationToken).ConfigureAwait(false);
            staged.Commit(full);
        }
    }

    /// <summary>Writes the archive to a stream, which stays open.</summary>
    public async Task WriteAsync(Stream destination, CancellationToken cancellationToken)
    {
        NoteReferrers();
        UstarWriter tar = new(destination);
        await AddAsync(tar, LayoutFiles.Marker, LayoutFiles.MarkerContent.ToArray(), cancellationToken).ConfigureAwait(false);
        await AddAsync(tar, LayoutFiles.Index, OciJson.Write(new ImageIndex
        {
            MediaType = MediaTypes.Index,
            Manifests = [.. _tagged.Values.Select(t => t.Manifest)],
        }), cancellationToken).ConfigureAwait(false);
        if (format == ArchiveFormat.Docker)
        {
            await AddAsync(tar, DockerManifest, await DockerManifestAsync(cancellationToken).ConfigureAwait(false), cancellationToken)
                .ConfigureAwait(false);
        }

        // The small ones first: documents, then layers.
        foreach (var (content, open) in _contents.Values
            .OrderBy(c => Rank(c.Content)).ThenBy(c => c.Content.Digest.Hex, StringComparer.Ordinal))
        {
            var stream = VerifyingStream.Around(await open(0, cancellationToken).ConfigureAwait(false), content);
            await using (stream.ConfigureAwait(false))
            {
                await tar.AddFileAsync(LayoutFiles.PathOf(content.Digest), FileModes.Plain, content.Size, stream, cancellationToken)
                    .ConfigureAwait(false);
            }
        }

        await tar.FinishAsync(cancellationToken).ConfigureAwait(false);
    }

    private void NoteReferrers()
    {
        foreach (var (subject, index) in _attached)
        {
            var document = OciJson.Write(index);
            var descriptor = Descriptor.Of(MediaTypes.Index, document);
            _contents[descriptor.Digest] = (descriptor, ContentSourceExtensions.OpenerOf(document));
            SetTag(descriptor, ReferrersIndex.TagOf(subject), imageName: null);
        }
    }

    private static int Rank(Descriptor content) => content.MediaType switch
    {
        var type when MediaTypes.IsIndex(type) => 0,
        var type when MediaTypes.IsManifest(type) => 1,
        MediaTypes.Config => 2,
        _ => 3,
    };

    private static async Task AddAsync(UstarWriter tar, string name, byte[] content, CancellationToken cancellationToken)
    {
        using MemoryStream stream = new(content, writable: false);
        await tar.AddFileAsync(name, FileModes.Plain, content.Length, stream, cancellationToken).ConfigureAwait(false);
    }

    private async Task<byte[]> DockerManifestAsync(CancellationToken cancellationToken)
    {
        List<DockerArchiveImage> images = [];
        foreach (var (tagged, name) in _tagged.Values)
        {
            if (!MediaTypes.IsManifest(tagged.MediaType))
            {
                throw new HyperkubeException(ErrorKind.Usage,
                    $"docker-archive:{path}: {tagged.Digest} is an index; expected the image of one platform");
            }

            var source = await _contents[tagged.Digest].Open(0, cancellationToken).ConfigureAwait(false);
            await using (source.ConfigureAwait(false))
            {
                using MemoryStream json = new();
                await source.CopyToAsync(json, cancellationToken).ConfigureAwait(false);
                var manifest = OciJson.ReadManifest(json.ToArray(), tagged.Digest.ToString());
                images.Add(new DockerArchiveImage(
                    LayoutFiles.PathOf(manifest.Config.Digest),
                    name is null ? [] : [name.ToFamiliarString()],
                    [.. manifest.Layers.Select(l => LayoutFiles.PathOf(l.Digest))]));
            }
        }

        return OciJson.Write(images);
    }
}

/// <summary>One image in the <c>manifest.json</c> of a Docker archive.</summary>
/// <remarks>Source: https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md#combined-image-json--filesystem-changeset-format
/// </remarks>
internal sealed record DockerArchiveImage(
    [property: JsonPropertyName("Config")] string Config,
    [property: JsonPropertyName("RepoTags")] IReadOnlyList<string> RepoTags,
    [property: JsonPropertyName("Layers")] IReadOnlyList<string> Layers);
