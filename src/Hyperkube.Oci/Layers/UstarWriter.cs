using System.Buffers;
using System.Text;
using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Layers;

/// <summary>Writes a tar whose every byte follows from its entries: no clock, no user, no process.</summary>
/// <remarks>
/// Entries belong to root and are dated 1970-01-01. Names are ASCII of at most 100 bytes, sizes below 8 GiB: a node
/// image needs no more, and within these bounds ustar needs no extended headers.
/// Source: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06 (ustar)
/// </remarks>
public sealed class UstarWriter(Stream destination)
{
    private const int BlockBytes = 512;
    private const long MaxSize = (8L << 30) - 1; // 11 octal digits

    private static readonly byte[] Zeros = new byte[2 * BlockBytes];

    /// <summary>Appends a directory.</summary>
    public ValueTask AddDirectoryAsync(string name, UnixFileMode mode, CancellationToken cancellationToken) =>
        WriteHeaderAsync(name, mode, size: 0, typeFlag: (byte)'5', cancellationToken);

    /// <summary>Appends a file.</summary>
    /// <param name="name">Its path in the image, relative, with forward slashes.</param>
    /// <param name="mode">Its permission bits.</param>
    /// <param name="size">How many bytes <paramref name="content"/> holds.</param>
    /// <param name="content">Read to its end; it need not seek.</param>
    /// <param name="cancellationToken">Leaves the tar half written.</param>
    /// <exception cref="InvalidDataException">The content is shorter or longer than promised.</exception>
    public async ValueTask AddFileAsync(
        string name, UnixFileMode mode, long size, Stream content, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        await WriteHeaderAsync(name, mode, size, typeFlag: (byte)'0', cancellationToken).ConfigureAwait(false);

        var copied = await CopyAsync(content, cancellationToken).ConfigureAwait(false);
        if (copied != size)
        {
            throw new InvalidDataException($"'{name}' was to hold {size} bytes and held {copied}.");
        }

        var padding = (int)(-size & (BlockBytes - 1));
        await destination.WriteAsync(Zeros.AsMemory(0, padding), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends the archive; call it once, last. The destination stays open.</summary>
    public ValueTask FinishAsync(CancellationToken cancellationToken) => destination.WriteAsync(Zeros, cancellationToken);

    private async ValueTask WriteHeaderAsync(
        string name, UnixFileMode mode, long size, byte typeFlag, CancellationToken cancellationToken)
    {
        var block = new byte[BlockBytes];
        FillHeader(block, name, mode, size, typeFlag);
        await destination.WriteAsync(block, cancellationToken).ConfigureAwait(false);
    }

    private static void FillHeader(Span<byte> block, string name, UnixFileMode mode, long size, byte typeFlag)
    {
        if (name.Length is 0 or > 100 || !Ascii.IsValid(name) || name.Any(char.IsControl)
            || name.StartsWith('/') || name.Split('/').Contains("..", StringComparer.Ordinal))
        {
            throw new ArgumentException($"'{name}' is no relative, printable ASCII path of at most 100 bytes.", nameof(name));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(size);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, MaxSize);

        Encoding.ASCII.GetBytes(name, block);
        Octal(block.Slice(100, 8), (long)mode);
        Octal(block.Slice(108, 8), 0); // uid
        Octal(block.Slice(116, 8), 0); // gid
        Octal(block.Slice(124, 12), size);
        Octal(block.Slice(136, 12), 0); // mtime
        block[156] = typeFlag;
        "ustar\000"u8.CopyTo(block[257..]);

        // The sum is taken with its own field read as spaces.
        block.Slice(148, 8).Fill((byte)' ');
        var sum = 0;
        foreach (var b in block)
        {
            sum += b;
        }

        Octal(block.Slice(148, 7), sum);
    }

    private async Task<long> CopyAsync(Stream content, CancellationToken cancellationToken)
    {
        var copied = 0L;
        var buffer = ArrayPool<byte>.Shared.Rent(StreamSizes.CopyBytes);
        try
        {
            for (int read; (read = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0; copied += read)
            {
                await destination.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return copied;
    }

    // Zero-filled octal digits, then NUL.
    private static void Octal(Span<byte> field, long value)
    {
        field[^1] = 0;
        for (var i = field.Length - 2; i >= 0; i--)
        {
            field[i] = (byte)('0' + (value & 7));
            value >>= 3;
        }
    }
}
