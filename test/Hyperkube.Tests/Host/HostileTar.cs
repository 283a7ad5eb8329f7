using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Hyperkube.Tests.Host;

/// <summary>Tars put together field by field, so that any field can lie.</summary>
internal static class HostileTar
{
    internal const int Block = 512;

    /// <summary>The two blocks of zeros.</summary>
    internal static byte[] End => new byte[2 * Block];

    /// <summary>An entry as it should be.</summary>
    internal static byte[] File(string name, byte[] content, char type = '0') => Entry(name, type, content);

    internal static byte[] Link(string name, string target, char type = '2') => Entry(name, type, [], link: target);

    /// <summary>An entry of any kind; the header says of the content what it is told to say.</summary>
    /// <param name="name">At most 100 bytes.</param>
    /// <param name="type">The type flag.</param>
    /// <param name="content">What follows, padded to a block.</param>
    /// <param name="link">The target of a link.</param>
    /// <param name="size">The header's field, when it is not the content's length.</param>
    /// <param name="change">Sees the header before its sum is taken.</param>
    internal static byte[] Entry(
        string name, char type, byte[] content, string link = "", string? size = null, Action<byte[]>? change = null)
    {
        var entry = new byte[Block + content.Length + (-content.Length & (Block - 1))];
        Put(entry, 0, name);
        Put(entry, 100, "0000755\00000000\00000000\0");
        Put(entry, 124, size ?? Octal(content.Length));
        Put(entry, 136, "00000000000\0");
        entry[156] = (byte)type;
        Put(entry, 157, link);
        Put(entry, 257, "ustar\000");
        change?.Invoke(entry);
        Sum(entry);
        content.CopyTo(entry, Block);
        return entry;
    }

    /// <summary>An extended header of pax.</summary>
    internal static byte[] Pax(params (string Key, string Value)[] records) =>
        Entry("PaxHeaders/0", 'x', Encoding.UTF8.GetBytes(string.Concat(records.Select(r => Record(r.Key, r.Value)))));

    /// <summary>GNU's long name for the entry that follows.</summary>
    internal static byte[] LongName(string name) => Entry("././@LongLink", 'L', Encoding.UTF8.GetBytes(name + '\0'));

    internal static string Octal(long size) => Convert.ToString(size, 8).PadLeft(11, '0') + '\0';

    /// <summary>Writes a size as GNU does when octal digits do not reach.</summary>
    internal static Action<byte[]> Base256(long size) => header =>
    {
        header.AsSpan(124, 12).Fill((byte)(size < 0 ? 0xff : 0));
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(128), size);
        header[124] |= 0x80;
    };

    internal static Action<byte[]> Prefix(string prefix) => header => Put(header, 345, prefix);

    internal static byte[] Concat(params IEnumerable<byte[]> parts)
    {
        using MemoryStream whole = new();
        foreach (var part in parts)
        {
            whole.Write(part);
        }

        return whole.ToArray();
    }

    internal static void Put(byte[] header, int at, string text) => Encoding.UTF8.GetBytes(text).CopyTo(header, at);

    private static void Sum(byte[] header)
    {
        header.AsSpan(148, 8).Fill((byte)' ');
        var sum = 0;
        foreach (var b in header.AsSpan(0, Block))
        {
            sum += b;
        }

        Put(header, 148, Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ");
    }

    // "LENGTH KEY=VALUE\n", where the length counts itself.
    private static string Record(string key, string value)
    {
        var rest = Encoding.UTF8.GetByteCount($" {key}={value}\n");
        var length = rest + 1;
        while (length != rest + length.ToString(CultureInfo.InvariantCulture).Length)
        {
            length++;
        }

        return $"{length} {key}={value}\n";
    }
}
