using System.Text;
using Hyperkube.Oci.Layers;

namespace Hyperkube.Oci.Tests.Fixtures;

/// <summary>Tars put together byte by byte, so that they can be wrong.</summary>
internal static class RawTar
{
    public const int Block = 512;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>The two blocks of zeros.</summary>
    public static byte[] End => new byte[2 * Block];

    /// <summary>A header with a right sum; <paramref name="change"/> sees it before the sum is taken.</summary>
    public static byte[] Header(string name, long size, char type = '0', Action<byte[]>? change = null)
    {
        var header = new byte[Block];
        Encoding.UTF8.GetBytes(name, header);
        "0000644\00000000\00000000\0"u8.CopyTo(header.AsSpan(100));
        Encoding.ASCII.GetBytes(Convert.ToString(size, 8).PadLeft(11, '0'), header.AsSpan(124));
        "00000000000\0"u8.CopyTo(header.AsSpan(136));
        header[156] = (byte)type;
        "ustar\000"u8.CopyTo(header.AsSpan(257));
        change?.Invoke(header);
        return Summed(header);
    }

    /// <summary>The header again, with its sum put right.</summary>
    public static byte[] Summed(byte[] header)
    {
        header.AsSpan(148, 8).Fill((byte)' ');
        Encoding.ASCII.GetBytes(Convert.ToString(header.Sum(b => b), 8).PadLeft(6, '0') + "\0 ", header.AsSpan(148));
        return header;
    }

    public static byte[] Entry(string name, byte[] content, char type = '0', Action<byte[]>? change = null) =>
        [.. Header(name, content.Length, type, change), .. content, .. new byte[-content.Length & (Block - 1)]];

    public static byte[] Entry(string name, string content, char type = '0', Action<byte[]>? change = null) =>
        Entry(name, Encoding.UTF8.GetBytes(content), type, change);

    /// <summary>An extended header of pax whose records are as they should be.</summary>
    public static byte[] Pax(params (string Key, string Value)[] records) =>
        Entry("PaxHeaders/x", string.Concat(records.Select(r => Record(r.Key, r.Value))), 'x');

    /// <summary>One record, which begins with its own length.</summary>
    public static string Record(string key, string value)
    {
        var rest = Encoding.UTF8.GetByteCount($" {key}={value}\n");
        var length = rest + 1;
        while (length != rest + Convert.ToString(length, 10).Length)
        {
            length++;
        }

        return $"{length} {key}={value}\n";
    }

    /// <summary>Every entry with its content; the end has been seen.</summary>
    public static async Task<IReadOnlyList<(TarEntry Entry, string Content)>> ReadAsync(Stream tar)
    {
        UstarReader reader = new(tar);
        List<(TarEntry, string)> entries = [];
        while (await reader.NextAsync(Ct) is { } entry)
        {
            using MemoryStream content = new();
            var buffer = new byte[1000];
            for (int count; (count = await reader.ReadAsync(buffer, Ct)) > 0;)
            {
                await content.WriteAsync(buffer.AsMemory(0, count), Ct);
            }

            entries.Add((entry, Encoding.Latin1.GetString(content.ToArray())));
        }

        return entries;
    }

    public static Task<IReadOnlyList<(TarEntry Entry, string Content)>> ReadAsync(params byte[][] parts) =>
        ReadAsync(new MemoryStream([.. parts.SelectMany(part => part)]));
}
