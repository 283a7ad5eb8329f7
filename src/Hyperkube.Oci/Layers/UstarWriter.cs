using System.Buffers;
using System.Text;
using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Layers;

/// <summary>Writes a tar whose every byte follows from its entries: no clock, no user, no process.</summary>
/// <remarks>
/// Entries are dated 1970-01-01 and belong to root, but for directories that are given away. Names are ASCII of at most
/// 100 bytes, sizes below 8 GiB: our images need no more, and within these bounds ustar needs no extended headers.
/// Source: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06 (ustar)
/// </remarks>
public sealed class UstarWriter(Stream destination)
{
    private const int BlockBytes = 512;
    private const long MaxSize = (8L << 30) - 1; // 11 octal digits

    private static readonly byte[] Zeros = new byte[2 * BlockBytes];

    private const int MaxOwner = (1 << 21) - 1; // 7 octal digits

    /// <summary>What systems say of a link's mode, which nobody asks for.</summary>
    private const UnixFileMode LinkMode = (UnixFileMode)0b111_111_111;

    /// <summary>Appends a directory.</summary>
    /// <param name="name">Its path in the image, relative, with forward slashes.</param>
    /// <param name="mode">Its permission bits.</param>
    /// <param name="owner">The number of its user and of its group: 0, root's, to 2,097,151.</param>
    /// <param name="cancellationToken">Leaves the tar half written.</param>
    public ValueTask AddDirectoryAsync(string name, UnixFileMode mode, int owner, CancellationToken cancellationToken) =>
        WriteHeaderAsync(new Header(name, mode, (byte)'5') { Owner = owner }, cancellationToken);

    /// <summary>Appends a symbolic link.</summary>
    /// <param name="name">Its path in the image, relative, with forward slashes.</param>
    /// <param name="target">What it says: ASCII of at most 100 bytes. It may lead anywhere; readers have to mind that.</param>
    /// <param name="cancellationToken">Leaves the tar half written.</param>
    public ValueTask AddLinkAsync(string name, string target, CancellationToken cancellationToken) =>
        WriteHeaderAsync(new Header(name, LinkMode, (byte)'2') { Target = target }, cancellationToken);

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
        await WriteHeaderAsync(new Header(name, mode, (byte)'0') { Size = size }, cancellationToken).ConfigureAwait(false);

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

    private async ValueTask WriteHeaderAsync(Header header, CancellationToken cancellationToken)
    {
        var block = new byte[BlockBytes];
        FillHeader(block, header);
        await destination.WriteAsync(block, cancellationToken).ConfigureAwait(false);
    }

    private static void FillHeader(Span<byte> block, Header header)
    {
        var (name, target) = (header.Name, header.Target);
        if (!IsText(name) || name.StartsWith('/') || name.Split('/').Contains("..", StringComparer.Ordinal))
        {
            throw new ArgumentException($"'{name}' is no relative, printable ASCII path of at most 100 bytes.", nameof(header));
        }

        if (target is not null && !IsText(target))
        {
            throw new ArgumentException($"'{target}' is no printable ASCII path of at most 100 bytes.", nameof(header));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(header.Size, nameof(header));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(header.Size, MaxSize, nameof(header));
        ArgumentOutOfRangeException.ThrowIfNegative(header.Owner, nameof(header));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(header.Owner, MaxOwner, nameof(header));

        Encoding.ASCII.GetBytes(name, block);
        Octal(block.Slice(100, 8), (long)header.Mode);
        Octal(block.Slice(108, 8), header.Owner); // uid
        Octal(block.Slice(116, 8), header.Owner); // gid
        Octal(block.Slice(124, 12), header.Size);
        Octal(block.Slice(136, 12), 0); // mtime
        Encoding.ASCII.GetBytes(target ?? "", block[157..]);
        block[156] = header.TypeFlag;
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

    private static bool IsText(string text) => text.Length is > 0 and <= 100 && Ascii.IsValid(text) && !text.Any(char.IsControl);

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

    private readonly record struct Header(string Name, UnixFileMode Mode, byte TypeFlag)
    {
        internal long Size { get; init; }

        internal int Owner { get; init; }

        internal string? Target { get; init; }
    }
}
