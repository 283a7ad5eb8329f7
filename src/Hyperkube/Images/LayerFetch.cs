using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layers;

namespace Hyperkube.Images;

/// <summary>Brings one layer and hands its tar to a reader, until every byte of it was right.</summary>
/// <param name="source">Where it is.</param>
/// <param name="layer">Which.</param>
/// <param name="diffId">Of its tar.</param>
/// <param name="open">Opens what has come of it before, and what is still missing; null to fetch all of it.</param>
/// <param name="activity">Told of the bytes.</param>
/// <remarks>Three tasks work at once: one takes bytes in and hashes them, one inflates and hashes the tar, one reads the tar.</remarks>
internal sealed class LayerFetch(IContentSource source, Descriptor layer, Digest diffId, Func<KeptBlob>? open, IActivity activity)
{
    /// <summary>Reads the layer.</summary>
    /// <param name="read">Reads the tar to its end; what it gives counts only if nothing is thrown. May be called again.</param>
    /// <param name="cancellationToken">Ends the wait; what has come stays as a part.</param>
    /// <exception cref="HyperkubeException">No source has the right bytes, or the right bytes are wrong.</exception>
    internal async Task<T> RunAsync<T>(Func<Stream, CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        while (true)
        {
            var part = open?.Invoke();
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

/// <summary>A blob of which something may have come before.</summary>
internal abstract class KeptBlob : ReadOnlyStream
{
    /// <summary>Whether something had.</summary>
    internal abstract bool IsResumed { get; }

    /// <summary>Forgets what has come.</summary>
    internal abstract void Forget();
}
