using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layers;
using Microsoft.Win32.SafeHandles;

namespace Hyperkube.Oci.Layout;

/// <summary>An image archive, read in place: of a blob that is not asked for no more than its header is read.</summary>
/// <remarks>Reads verify themselves. Safe for several threads.</remarks>
public sealed class ArchiveReader : IContentSource, IDisposable
{
    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly Dictionary<string, (long Offset, long Size)> _entries = new(StringComparer.Ordinal);

    private ArchiveReader(string path, SafeFileHandle file)
    {
        _path = path;
        _file = file;
    }

    /// <summary>Opens an archive; the caller disposes it.</summary>
    /// <exception cref="HyperkubeException">It is missing, or no archive of an OCI layout.</exception>
    public static async Task<ArchiveReader> OpenAsync(string path, CancellationToken cancellationToken)
    {
        ArchiveReader archive = new(path, Open(path));
        try
        {
            await archive.ReadEntriesAsync(cancellationToken).ConfigureAwait(false);
            return archive;
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }

    /// <summary>The images in it, in the order of its index.</summary>
    public async Task<IReadOnlyList<Descriptor>> ListAsync(CancellationToken cancellationToken) =>
        (await ReadIndexAsync(cancellationToken).ConfigureAwait(false)).Manifests;

    /// <inheritdoc/>
    public async ValueTask<Descriptor?> ResolveAsync(string? reference, CancellationToken cancellationToken) =>
        LayoutFiles.Resolve(await ReadIndexAsync(cancellationToken).ConfigureAwait(false), reference, _path);

    /// <inheritdoc/>
    public ValueTask<Stream> OpenAsync(Descriptor content, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        return new ValueTask<Stream>(new VerifyingStream(Open(content.Digest), content, $"{_path}: a blob"));
    }

    /// <inheritdoc/>
    public ValueTask<Stream> OpenAtAsync(Descriptor content, long offset, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        var stream = Open(content.Digest);
        stream.Position = offset;
        return new ValueTask<Stream>(stream);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Descriptor>> ReferrersAsync(Digest subject, CancellationToken cancellationToken) =>
        this.TaggedReferrersAsync(subject, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private async Task ReadEntriesAsync(CancellationToken cancellationToken)
    {
        try
        {
            var file = new HandleStream(_file, 0, RandomAccess.GetLength(_file));
            UstarReader tar = new(file);
            while (await tar.NextAsync(cancellationToken).ConfigureAwait(false) is { } entry)
            {
                if (entry.Kind == TarEntryKind.File)
                {
                    _entries[entry.Path] = (file.Position, entry.Size);
                }
            }
        }
        catch (Exception e) when (e is InvalidDataException or NotSupportedException) // The latter from a pipe.
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"{_path}: expected an image archive: {e.Message}", e);
        }

        if (!_entries.ContainsKey(LayoutFiles.Index))
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"{_path}: the archive holds no {LayoutFiles.Index}; expected an OCI layout")
            {
                Hint = "convert an archive of an old 'docker save': skopeo copy docker-archive:FILE oci-archive:NEW:TAG",
            };
        }
    }

    private HandleStream Open(Digest blob) =>
        _entries.TryGetValue(LayoutFiles.PathOf(blob), out var entry)
            ? new HandleStream(_file, entry.Offset, entry.Size)
            : throw new HyperkubeException(ErrorKind.NotFound, $"{_path}: the blob {blob} is missing");

    private static SafeFileHandle Open(string path)
    {
        if (Directory.Exists(path))
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"{path}: a directory; expected an image archive")
            {
                Hint = $"oci:{path} reads an image layout",
            };
        }

        try
        {
            return SharedFile.OpenHandle(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new HyperkubeException(ErrorKind.NotFound, $"{path}: no such file", e);
        }
    }

    private async ValueTask<ImageIndex> ReadIndexAsync(CancellationToken cancellationToken)
    {
        var (offset, size) = _entries[LayoutFiles.Index];
        if (size > OciJson.MaxDocumentBytes)
        {
            throw new HyperkubeException(ErrorKind.BadContent,
                $"{_path}: an {LayoutFiles.Index} of {size} bytes; expected at most {OciJson.MaxDocumentBytes}");
        }

        var content = new byte[size];
        await new HandleStream(_file, offset, size).ReadExactlyAsync(content, cancellationToken).ConfigureAwait(false);
        return OciJson.ReadIndex(content, _path);
    }
}
