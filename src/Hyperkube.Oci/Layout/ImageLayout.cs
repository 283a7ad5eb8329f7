using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;

namespace Hyperkube.Oci.Layout;

/// <summary>An OCI image layout: a directory of blobs by digest, and an <c>index.json</c> of tags.</summary>
/// <remarks>
/// Several images live side by side and share blobs. Safe for several processes at once: blobs are staged and
/// renamed, <c>index.json</c> is replaced under the directory's lock. Reads verify themselves.
/// Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
/// </remarks>
public sealed class ImageLayout : IContentSource, IContentDestination
{
    /// <summary>The lock is held for one small read and write; whoever waits this long waits for a hung process.</summary>
    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(30);

    private readonly string _directory;
    private readonly string _blobs;

    private ImageLayout(string directory)
    {
        _directory = directory;
        _blobs = Path.Combine(directory, "blobs", "sha256");
    }

    /// <summary>Opens a layout that is there.</summary>
    /// <exception cref="HyperkubeException">There is none.</exception>
    public static ImageLayout Open(string directory) =>
        File.Exists(Path.Combine(directory, LayoutFiles.Index))
            ? new ImageLayout(directory)
            : throw new HyperkubeException(
                ErrorKind.NotFound, $"{directory}: no image layout; expected a directory with an index.json");

    /// <summary>Opens a layout, or makes an empty one.</summary>
    public static async Task<ImageLayout> OpenOrCreateAsync(string directory, CancellationToken cancellationToken)
    {
        ImageLayout layout = new(Path.GetFullPath(directory));
        Directory.CreateDirectory(layout._blobs);
        StagedFile.RemoveAbandoned(layout._directory);
        StagedFile.RemoveAbandoned(layout._blobs);
        PartialFile.RemoveOld(layout._blobs);
        using (await DirectoryLock.AcquireAsync(layout._directory, LockPatience, cancellationToken).ConfigureAwait(false))
        {
            var marker = Path.Combine(layout._directory, LayoutFiles.Marker);
            if (!File.Exists(marker))
            {
                await StagedFile.WriteAsync(marker, LayoutFiles.MarkerContent.ToArray(), cancellationToken).ConfigureAwait(false);
            }

            if (!File.Exists(layout.IndexPath))
            {
                await layout.WriteIndexAsync([], cancellationToken).ConfigureAwait(false);
            }
        }

        return layout;
    }

    private string IndexPath => Path.Combine(_directory, LayoutFiles.Index);

    /// <summary>The images that have a tag, or at least an entry, in the order of <c>index.json</c>.</summary>
    public async Task<IReadOnlyList<Descriptor>> ListAsync(CancellationToken cancellationToken) =>
        (await ReadIndexAsync(cancellationToken).ConfigureAwait(false)).Manifests;

    /// <inheritdoc/>
    public async ValueTask<Descriptor?> ResolveAsync(string? reference, CancellationToken cancellationToken) =>
        LayoutFiles.Resolve(await ReadIndexAsync(cancellationToken).ConfigureAwait(false), reference, _directory);

    /// <inheritdoc/>
    public ValueTask<Stream> OpenAsync(Descriptor content, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        var path = PathOf(content.Digest);
        try
        {
            return new ValueTask<Stream>(new VerifyingStream(SharedFile.OpenRead(path), content, path));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new HyperkubeException(ErrorKind.NotFound, $"{_directory}: the blob {content.Digest} is missing", e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Stream> OpenAtAsync(Descriptor content, long offset, CancellationToken cancellationToken)
    {
        var whole = await OpenAsync(content, cancellationToken).ConfigureAwait(false);
        await whole.DisposeAsync().ConfigureAwait(false); // Only its error was wanted.
        var file = SharedFile.OpenRead(PathOf(content.Digest));
        file.Position = offset;
        return file;
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Descriptor>> ReferrersAsync(Digest subject, CancellationToken cancellationToken) =>
        this.TaggedReferrersAsync(subject, cancellationToken);

    /// <inheritdoc/>
    /// <remarks>It is read: after a power failure a file may have its size and not its content, and would never be mended.</remarks>
    public async ValueTask<bool> HasAsync(Descriptor content, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        FileInfo file = new(PathOf(content.Digest));
        if (!file.Exists || file.Length != content.Size)
        {
            return false;
        }

        try
        {
            var stream = await OpenAsync(content, cancellationToken).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                await stream.CopyToAsync(Stream.Null, StreamSizes.CopyBytes, cancellationToken).ConfigureAwait(false);
                return true;
            }
        }
        catch (DigestMismatchException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    /// <remarks>What has come of a large blob stays for the next time when this ends early.</remarks>
    public async ValueTask PutAsync(Descriptor content, OpenContent open, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(open);
        var part = content.Size >= PartialFile.WorthKeepingBytes ? PartialFile.TryOpen(_blobs, content.Digest.Hex) : null;
        if (part is not null)
        {
            await using (part.ConfigureAwait(false))
            {
                await part.FillAsync(content, open, cancellationToken).ConfigureAwait(false);
                part.Commit(PathOf(content.Digest));
                return;
            }
        }

        var staged = Stage();
        await using (staged.ConfigureAwait(false))
        {
            var source = VerifyingStream.Around(await open(0, cancellationToken).ConfigureAwait(false), content);
            await using (source.ConfigureAwait(false))
            {
                await source.CopyToAsync(staged.Content, StreamSizes.CopyBytes, cancellationToken).ConfigureAwait(false);
            }

            Commit(staged, content.Digest);
        }
    }

    /// <summary>Begins a blob whose digest is not known yet; the caller disposes it.</summary>
    public StagedFile Stage() => StagedFile.CreateIn(_blobs);

    /// <summary>Puts a staged blob in place under the digest of what was written; a damaged one there is replaced.</summary>
    public void Commit(StagedFile staged, Digest digest)
    {
        ArgumentNullException.ThrowIfNull(staged);
        staged.Commit(PathOf(digest));
    }

    /// <inheritdoc/>
    public async ValueTask AttachAsync(Digest subject, IReadOnlyList<Descriptor> referrers, CancellationToken cancellationToken)
    {
        var tag = ReferrersIndex.TagOf(subject);
        using (await DirectoryLock.AcquireAsync(_directory, LockPatience, cancellationToken).ConfigureAwait(false))
        {
            var present = LayoutFiles.Resolve(await ReadIndexAsync(cancellationToken).ConfigureAwait(false), tag, _directory);
            var former = present is null ? null
                : OciJson.ReadIndex(await this.ReadDocumentAsync(present, cancellationToken).ConfigureAwait(false), tag);
            if (ReferrersIndex.With(former, referrers) is not { } index)
            {
                return;
            }

            var document = OciJson.Write(index);
            var descriptor = Descriptor.Of(MediaTypes.Index, document);
            await PutAsync(descriptor, ContentSourceExtensions.OpenerOf(document), cancellationToken).ConfigureAwait(false);
            var images = await ReadIndexAsync(cancellationToken).ConfigureAwait(false);
            await SetTagAsync(descriptor, tag, images, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async ValueTask TagAsync(Descriptor manifest, string tag, bool move, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        using (await DirectoryLock.AcquireAsync(_directory, LockPatience, cancellationToken).ConfigureAwait(false))
        {
            var index = await ReadIndexAsync(cancellationToken).ConfigureAwait(false);
            if (!move && index.Manifests.FirstOrDefault(m => LayoutFiles.Tag(m) == tag) is { } present && present.Digest != manifest.Digest)
            {
                throw new HyperkubeException(ErrorKind.TagConflict,
                    $"oci:{_directory}:{tag}: the tag stands for {present.Digest}; it was to stand for {manifest.Digest}")
                {
                    Hint = "add --move-tag, or write to another tag or directory",
                };
            }

            await SetTagAsync(manifest, tag, index, cancellationToken).ConfigureAwait(false);
        }
    }

    // Under the lock.
    private Task SetTagAsync(Descriptor manifest, string tag, ImageIndex index, CancellationToken cancellationToken)
    {
        var tagged = manifest with
        {
            Annotations = Annotations.Of(manifest.Annotations).SetItem(Annotations.RefName, tag),
        };
        return WriteIndexAsync([.. index.Manifests.Where(m => LayoutFiles.Tag(m) != tag), tagged], cancellationToken, index);
    }

    private string PathOf(Digest digest) => Path.Combine(_directory, LayoutFiles.PathOf(digest));

    private async Task<ImageIndex> ReadIndexAsync(CancellationToken cancellationToken)
    {
        var file = SharedFile.OpenRead(IndexPath);
        await using (file.ConfigureAwait(false))
        {
            if (file.Length > OciJson.MaxDocumentBytes)
            {
                throw new HyperkubeException(ErrorKind.BadContent,
                    $"{IndexPath}: {file.Length} bytes; expected at most {OciJson.MaxDocumentBytes}");
            }

            var content = new byte[file.Length];
            await file.ReadExactlyAsync(content, cancellationToken).ConfigureAwait(false);
            return OciJson.ReadIndex(content, IndexPath);
        }
    }

    // Sorted by tag, so that the order of builds leaves no trace.
    private Task WriteIndexAsync(
        IReadOnlyList<Descriptor> manifests, CancellationToken cancellationToken, ImageIndex? former = null) =>
        StagedFile.WriteAsync(
            IndexPath,
            OciJson.Write((former ?? new ImageIndex { MediaType = MediaTypes.Index, Manifests = [] }) with
            {
                Manifests = [.. manifests.OrderBy(LayoutFiles.Tag, StringComparer.Ordinal)],
            }),
            cancellationToken);
}
