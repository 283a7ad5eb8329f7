using System.Security.Cryptography;
using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Layers;

/// <summary>The tar inside a layer, which must be the one that the image's config names, and no larger than it may be.</summary>
/// <remarks>A reader that sees the end may trust all it has read. Disposing disposes the source.</remarks>
/// <param name="source">The tar's bytes.</param>
/// <param name="diffId">What they must be.</param>
/// <param name="maxBytes">How many there may be.</param>
public sealed class LayerTar(Stream source, Digest diffId, long maxBytes) : ReadOnlyStream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _read;

    /// <summary>No layer is larger, however it is compressed: 16 GiB.</summary>
    public const long MaxBytes = 16L << 30;

    /// <summary>How much a layer may inflate to: enough for the emptiest file system, too little for a bomb.</summary>
    /// <param name="compressed">Its size in bytes.</param>
    public static long MaxBytesOf(long compressed)
    {
        const long Least = 64 << 20, Sparse = 2L << 30;
        const int SparseRatio = 200, Ratio = 20; // Programs inflate to four times their size, rarely to ten.
        return compressed >= MaxBytes / Ratio ? MaxBytes
            : Math.Max(Ratio * compressed, Math.Clamp(SparseRatio * compressed, Least, Sparse));
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">It is another tar, or too large.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        return Account(buffer.Span, count);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">It is another tar, or too large.</exception>
    public override int Read(Span<byte> buffer) => Account(buffer, source.Read(buffer));

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
            source.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Account(ReadOnlySpan<byte> buffer, int count)
    {
        _hash.AppendData(buffer[..count]);
        _read += count;
        if (_read > maxBytes)
        {
            throw new InvalidDataException($"the layer inflates to more than {maxBytes} bytes");
        }

        if (count == 0 && buffer.Length > 0)
        {
            var actual = Digest.FromHash(_hash.GetCurrentHash());
            if (actual != diffId)
            {
                throw new InvalidDataException($"the layer's tar has the digest {actual}; its config says {diffId}");
            }
        }

        return count;
    }
}
