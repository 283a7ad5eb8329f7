using System.Globalization;
using System.Text;
using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Layers;

/// <summary>What a tar entry is, as far as a reader of images cares.</summary>
public enum TarEntryKind
{
    /// <summary>A regular file.</summary>
    File,

    /// <summary>A directory.</summary>
    Directory,

    /// <summary>A hard or symbolic link.</summary>
    Link,

    /// <summary>A device, a pipe, a sparse file, or what no standard names.</summary>
    Other,
}

/// <summary>The header of an entry.</summary>
/// <param name="Path">Relative, with forward slashes, without <c>./</c> in front or a slash at the end.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Mode">Its permission bits.</param>
/// <param name="Size">Bytes of content.</param>
public sealed record TarEntry(string Path, TarEntryKind Kind, UnixFileMode Mode, long Size);

/// <summary>Reads a tar forwards, entry by entry: ustar, with the long names of GNU and pax.</summary>
/// <remarks>
/// Made for tars of strangers: header sums are checked, every length is capped before it is used, and a path that
/// climbs out is refused. The end is only seen after the two blocks of zeros that end a tar, with nothing but zeros
/// behind them. The source stays open.
/// Source: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
/// </remarks>
public sealed class UstarReader(Stream source)
{
    private const int BlockBytes = 512;

    /// <summary>A pax header or a long name above 64 KiB is an attack: paths end at 4 KiB.</summary>
    private const int MaxHeaderBytes = 64 * 1024;

    private readonly byte[] _block = new byte[BlockBytes];
    private readonly byte[] _skip = new byte[StreamSizes.CopyBytes];
    private long _content;
    private int _padding;

    /// <summary>Goes to the next entry, past whatever is left of this one.</summary>
    /// <returns>Null at the end of the tar, which is also the end of the source.</returns>
    /// <exception cref="InvalidDataException">It is no tar, damaged, or truncated.</exception>
    public async ValueTask<TarEntry?> NextAsync(CancellationToken cancellationToken)
    {
        string? longPath = null;
        long? longSize = null;
        var isSparse = false;
        while (true)
        {
            await SkipAsync(cancellationToken).ConfigureAwait(false);
            await FillAsync(_block, cancellationToken).ConfigureAwait(false);
            if (!_block.AsSpan().ContainsAnyExcept((byte)0))
            {
                await ReadEndAsync(cancellationToken).ConfigureAwait(false);
                return null;
            }

            CheckSum(_block);
            var size = Number(_block.AsSpan(124, 12));
            var type = _block[156];
            if (type is (byte)'L' or (byte)'K' or (byte)'x' or (byte)'g')
            {
                var header = await ReadHeaderAsync(size, cancellationToken).ConfigureAwait(false);
                switch (type)
                {
                    case (byte)'L':
                        longPath = Text(header);
                        break;
                    case (byte)'x':
                        isSparse |= header.AsSpan().IndexOf(" GNU.sparse."u8) >= 0;
                        longPath = SomeText(Pax(header, "GNU.sparse.name")) ?? SomeText(Pax(header, "path")) ?? longPath;
                        longSize = PaxSize(header) ?? longSize;
                        break;
                    default:
                        break; // The target of a link, or words about the whole archive.
                }

                continue;
            }

            size = longSize ?? size;
            _content = type is >= (byte)'1' and <= (byte)'6' ? 0 : size; // Whatever they say, nothing follows links, devices, directories.
            _padding = Padding(_content);
            var path = longPath ?? HeaderPath(_block);
            var kind = KindOf(type);
            if (kind == TarEntryKind.File && (isSparse || path.EndsWith('/')))
            {
                kind = isSparse ? TarEntryKind.Other : TarEntryKind.Directory; // As the oldest tars have them.
            }

            return new TarEntry(Normal(path), kind, (UnixFileMode)(Number(_block.AsSpan(100, 8)) & 0xFFF), _content);
        }
    }

    /// <summary>Reads from the content of the current entry.</summary>
    /// <returns>0 at its end.</returns>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var wanted = (int)Math.Min(buffer.Length, _content);
        if (wanted == 0)
        {
            return 0;
        }

        var count = await source.ReadAsync(buffer[..wanted], cancellationToken).ConfigureAwait(false);
        _content -= count > 0 ? count : throw Truncated();
        return count;
    }

    private static TarEntryKind KindOf(byte type) => type switch
    {
        (byte)'0' or 0 or (byte)'7' => TarEntryKind.File,
        (byte)'5' => TarEntryKind.Directory,
        (byte)'1' or (byte)'2' => TarEntryKind.Link,
        _ => TarEntryKind.Other,
    };

    private static string HeaderPath(ReadOnlySpan<byte> block)
    {
        var name = Text(block[..100]);
        var isUstar = block.Slice(257, 6).SequenceEqual("ustar\0"u8); // GNU's has a space there and no prefix.
        var prefix = isUstar ? Text(block.Slice(345, 155)) : "";
        return prefix.Length > 0 ? $"{prefix}/{name}" : name;
    }

    private static string Normal(string path)
    {
        var parts = path.Split('/').Where(part => part is not ("" or ".")).ToList();
        return path.Contains('\0', StringComparison.Ordinal) || parts.Contains("..")
            ? throw new InvalidDataException($"the tar holds a path that leads outside: '{path}'")
            : string.Join('/', parts);
    }

    private static string Text(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }

    // Octal digits, or, with the first bit set, GNU's big-endian number.
    private static long Number(ReadOnlySpan<byte> field)
    {
        var value = 0L;
        if ((field[0] & 0x80) != 0)
        {
            foreach (var b in field[^8..])
            {
                value = (value << 8) | b;
            }

            return value >= 0 && (field[0] & 0x7f) == 0 && !field[1..^8].ContainsAnyExcept((byte)0)
                ? value
                : throw Damaged("a number out of range");
        }

        foreach (var b in field.Trim(" \0"u8))
        {
            value = b is >= (byte)'0' and <= (byte)'7' ? (value << 3) | (uint)(b - '0') : throw Damaged("a number that is not octal");
        }

        return value;
    }

    private static void CheckSum(ReadOnlySpan<byte> block)
    {
        var sum = 8 * ' '; // The sum is taken with its own field read as spaces.
        for (var i = 0; i < BlockBytes; i++)
        {
            sum += i is >= 148 and < 156 ? 0 : block[i];
        }

        if (Number(block.Slice(148, 8)) != sum)
        {
            throw Damaged("a header whose sum is wrong");
        }
    }

    // Records are "LENGTH KEY=VALUE\n", where the length counts itself.
    private static string? Pax(ReadOnlySpan<byte> header, string key)
    {
        string? found = null;
        while (header.Length > 0)
        {
            var space = header.IndexOf((byte)' ');
            if (space < 1
                || !int.TryParse(header[..space], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
                || length <= space + 1 || length > header.Length || header[length - 1] != '\n')
            {
                throw Damaged("a pax header that is malformed");
            }

            var record = Encoding.UTF8.GetString(header[(space + 1)..(length - 1)]);
            var equals = record.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1)
            {
                throw Damaged("a pax header that is malformed");
            }

            if (equals == key.Length && record.StartsWith(key, StringComparison.Ordinal))
            {
                found = record[(equals + 1)..];
            }

            header = header[length..];
        }

        return found;
    }

    // An empty value leaves what was there.
    private static string? SomeText(string? text) => text is { Length: > 0 } ? text : null;

    private static long? PaxSize(ReadOnlySpan<byte> header) => Pax(header, "size") switch
    {
        null => null,
        var text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var size) => size,
        _ => throw Damaged("a pax size that is no number"),
    };

    private static int Padding(long size) => (int)(-size & (BlockBytes - 1));

    private static InvalidDataException Damaged(string what) => new($"the tar is damaged: {what}");

    private static InvalidDataException Truncated() => new("the tar is truncated");

    private async ValueTask<byte[]> ReadHeaderAsync(long size, CancellationToken cancellationToken)
    {
        if (size > MaxHeaderBytes)
        {
            throw Damaged($"an extended header of {size} bytes");
        }

        var header = new byte[size];
        await FillAsync(header, cancellationToken).ConfigureAwait(false);
        _padding = Padding(size);
        return header;
    }

    private async ValueTask FillAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var count = await source.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken)
            .ConfigureAwait(false);
        if (count < buffer.Length)
        {
            throw Truncated();
        }
    }

    private async ValueTask SkipAsync(CancellationToken cancellationToken)
    {
        if (source.CanSeek)
        {
            source.Position += _content <= source.Length - source.Position ? _content : throw Truncated();
            _content = 0;
        }

        while (_content > 0)
        {
            await ReadAsync(_skip, cancellationToken).ConfigureAwait(false);
        }

        await FillAsync(_skip.AsMemory(0, _padding), cancellationToken).ConfigureAwait(false);
        _padding = 0;
    }

    // The first block of zeros has been seen; the second and any number of others belong to the end.
    private async ValueTask ReadEndAsync(CancellationToken cancellationToken)
    {
        var second = await source.ReadAtLeastAsync(_skip, BlockBytes, throwOnEndOfStream: false, cancellationToken)
            .ConfigureAwait(false);
        if (second < BlockBytes)
        {
            throw Truncated();
        }

        for (var count = second; count > 0; count = await source.ReadAsync(_skip, cancellationToken).ConfigureAwait(false))
        {
            if (_skip.AsSpan(0, count).ContainsAnyExcept((byte)0))
            {
                throw Damaged("content after its end");
            }
        }
    }
}
