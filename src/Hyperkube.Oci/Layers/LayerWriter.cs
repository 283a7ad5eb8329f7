using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;

namespace Hyperkube.Oci.Layers;

/// <summary>Something in a layer.</summary>
/// <param name="Path">Its path in the image, relative, with forward slashes.</param>
public abstract record LayerEntry(string Path);

/// <summary>A file of a layer.</summary>
/// <param name="Path">Its path in the image, relative, with forward slashes.</param>
/// <param name="Mode">Its permission bits.</param>
/// <param name="Content">What must be in it; the writer refuses anything else.</param>
/// <param name="Open">Opens the content from its start.</param>
/// <param name="Where">Where the content comes from, for the message of a failure.</param>
public sealed record LayerFile(string Path, UnixFileMode Mode, Descriptor Content, Func<Stream> Open, string Where = "content")
    : LayerEntry(Path);

/// <summary>A directory of a layer that is not just on the way to a file.</summary>
/// <param name="Path">Its path in the image, relative, with forward slashes.</param>
/// <param name="Mode">Its permission bits.</param>
/// <param name="Owner">The number of its user and of its group.</param>
public sealed record LayerDirectory(string Path, UnixFileMode Mode, int Owner = 0) : LayerEntry(Path);

/// <summary>A symbolic link of a layer.</summary>
/// <param name="Path">Its path in the image, relative, with forward slashes.</param>
/// <param name="Target">What it says.</param>
public sealed record LayerLink(string Path, string Target) : LayerEntry(Path);

/// <summary>Makes layers: tar, hash, compress, hash, in one pass.</summary>
/// <param name="compression">How.</param>
/// <param name="jobs">Threads that compress; at least 1. The bytes do not depend on it.</param>
public sealed class LayerWriter(LayerCompression compression, int jobs)
{
    /// <summary>Writes a layer.</summary>
    /// <param name="entries">Written in the order of their paths' bytes; no two have the same path.</param>
    /// <param name="destination">Where the blob goes; it stays open.</param>
    /// <param name="progress">Told the bytes of content taken in so far.</param>
    /// <param name="cancellationToken">Leaves a truncated blob.</param>
    /// <returns>The blob and its diff ID.</returns>
    /// <exception cref="DigestMismatchException">A file is not what was promised.</exception>
    public async Task<Layer> WriteAsync(
        IReadOnlyList<LayerEntry> entries, Stream destination, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(entries);
        using var format = BlockFormat.For(compression);
        using HashingStream blob = new(destination);
        BlockCompressor compressor = new(blob, format, jobs);
        await using (compressor.ConfigureAwait(false))
        {
            using HashingStream tar = new(compressor);
            UstarWriter writer = new(tar);
            foreach (var entry in entries.OrderBy(e => e.Path, StringComparer.Ordinal))
            {
                await AddAsync(writer, entry, progress, cancellationToken).ConfigureAwait(false);
            }

            await writer.FinishAsync(cancellationToken).ConfigureAwait(false);
            await compressor.FinishAsync(cancellationToken).ConfigureAwait(false);
            return new Layer(
                new Descriptor(compression.LayerMediaType, blob.CurrentDigest(), blob.Written), tar.CurrentDigest());
        }
    }

    private static async ValueTask AddAsync(
        UstarWriter writer, LayerEntry entry, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        switch (entry)
        {
            case LayerFile file:
                var content = new VerifyingStream(file.Open(), file.Content, file.Where, progress);
                await using (content.ConfigureAwait(false))
                {
                    await writer.AddFileAsync(file.Path, file.Mode, file.Content.Size, content, cancellationToken).ConfigureAwait(false);
                }

                break;
            case LayerDirectory directory:
                await writer.AddDirectoryAsync($"{directory.Path}/", directory.Mode, directory.Owner, cancellationToken)
                    .ConfigureAwait(false);
                break;
            case LayerLink link:
                await writer.AddLinkAsync(link.Path, link.Target, cancellationToken).ConfigureAwait(false);
                break;
            default:
                throw new InvalidOperationException($"'{entry.Path}' is no known kind of entry.");
        }
    }
}
