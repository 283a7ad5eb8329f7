using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layers;

namespace Hyperkube.Host;

/// <summary>Brings one layer and hands its tar to a reader, until every byte of it was right.</summary>
/// <remarks>Three tasks work at once: one takes bytes in and hashes them, one inflates and hashes the tar, one reads the tar.</remarks>
internal sealed class LayerFetch(IContentSource source, Descriptor layer, Digest diffId, HostDirectory? parts, IActivity activity)
{
    /// <summary>Reads the layer.</summary>
    /// <param name="read">Reads the tar to its end; what it gives counts only if nothing is thrown. May be called again.</param>
    /// <param name="cancellationToken">Ends the wait; what has come stays as a part.</param>
    /// <exception cref="HyperkubeException">No source has the right bytes, or the right bytes are wrong.</exception>
    internal async Task<T> RunAsync<T>(Func<Stream, CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        while (true)
        {
            var part = parts is not null && layer.Size >= PartialBlob.WorthKeepingBytes ? PartialBlob.Open(parts, source, layer) : null;
            var bytes = part ?? await source.OpenAtAsync(layer, 0, cancellationToken).ConfigureAwait(false);
            ReadAheadStream blob = new(new VerifyingStream(bytes, layer, $"layer {layer.Digest}", activity));
            await using (blob.ConfigureAwait(false))
            {
                try
                {
                    return await ReadAsync(blob, read, cancellationToken).ConfigureAwait(false);
                }
                catch (DigestMismatchException)
                {
                    part?.Forget();
                    if (part?.IsResumed != true && !source.Distrust(layer))
                    {
                        throw;
                    }

                    // The beginning may have been damaged where it lay; or the next mirror may be right.
                }
            }
        }
    }

    private async Task<T> ReadAsync<T>(
        ReadAheadStream blob, Func<Stream, CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        ReadAheadStream tar = new(new LayerTar(
            LayerReader.OpenTar(layer.MediaType, new LeftOpen(blob)), diffId, LayerTar.MaxBytesOf(layer.Size)));
        await using (tar.ConfigureAwait(false))
        {
            try
            {
                return await read(tar, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is InvalidDataException or HyperkubeException { Kind: ErrorKind.BadContent })
            {
                // Wrong, or damaged on the way? The blob's last byte tells.
                await tar.StopAsync().ConfigureAwait(false);
                await blob.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
                throw e is HyperkubeException ? e
                    : new HyperkubeException(ErrorKind.BadContent, $"layer {layer.Digest}: {e.Message}", e);
            }
        }
    }

    /// <summary>The blob outlives the reader that inflates it.</summary>
    private sealed class LeftOpen(Stream source) : ReadOnlyStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            source.ReadAsync(buffer, cancellationToken);

        public override int Read(Span<byte> buffer) => source.Read(buffer);
    }
}
