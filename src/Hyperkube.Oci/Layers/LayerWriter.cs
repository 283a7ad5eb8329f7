using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;

namespace Hyperkube.Oci.Layers;

/// <summary>A file of a layer.</summary>
/// <param name="Path">Its path in the image, relative, with forward slashes.</param>
/// <param name="Mode">Its permission bits.</param>
/// <param name="Content">What must be in it; the writer refuses anything else.</param>
/// <param name="Open">Opens the content from its start.</param>
/// <param name="Where">Where the content comes from, for the message of a failure.</param>
public sealed record LayerFile(string Path, UnixFileMode Mode, Descriptor Content, Func<Stream> Open, string Where = "content");

/// <summary>Makes layers: tar, hash, compress, hash, in one pass.</summary>
/// <param name="compression">How.</param>
/// <param name="jobs">Threads that compress; at least 1. The bytes do not depend on it.</param>
public sealed class LayerWriter(LayerCompression compression, int jobs)
{
    /// <summary>Writes a layer.</summary>
    /// <param name="files">Written in the order of their paths' bytes.</param>
    /// <param name="destination">Where the blob goes; it stays open.</param>
    /// <param name="progress">Told the bytes of content taken in so far.</param>
    /// <param name="cancellationToken">Leaves a truncated blob.</param>
    /// <returns>The blob and its diff ID.</returns>
    /// <exception cref="DigestMismatchException">A file is not what was promised.</exception>
    public async Task<Layer> WriteAsync(
        IReadOnlyList<LayerFile> files, Stream destination, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(files);
        using var format = BlockFormat.For(compression);
        using HashingStream blob = new(destination);
        BlockCompressor compressor = new(blob, format, jobs);
        await using (compressor.ConfigureAwait(false))
        {
            using HashingStream tar = new(compressor);
            UstarWriter writer = new(tar);
            foreach (var file in files.OrderBy(f => f.Path, StringComparer.Ordinal))
            {
                var content = new VerifyingStream(file.Open(), file.Content, file.Where, progress);
                await using (content.ConfigureAwait(false))
                {
                    await writer.AddFileAsync(file.Path, file.Mode, file.Content.Size, content, cancellationToken)
                        .ConfigureAwait(false);
                }
            }

            await writer.FinishAsync(cancellationToken).ConfigureAwait(false);
            await compressor.FinishAsync(cancellationToken).ConfigureAwait(false);
            return new Layer(
                new Descriptor(compression.LayerMediaType, blob.CurrentDigest(), blob.Written), tar.CurrentDigest());
        }
    }
}
