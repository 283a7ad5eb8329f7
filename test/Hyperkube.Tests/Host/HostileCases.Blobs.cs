using System.IO.Compression;
using static Hyperkube.Tests.Host.HostilePack;
using static Hyperkube.Tests.Host.HostileTar;

namespace Hyperkube.Tests.Host;

/// <summary>What is odd about compression, and what is too much.</summary>
internal static partial class HostileCases
{
    private static void AddGzip()
    {
        Installed("gzip of two members", m => Halves(m.Layer, (tar, at) => Concat(Gzip(tar[..at]), Gzip(tar[at..]))));
        Installed("gzip with empty members", m => Packed(m.Layer, tar => Concat(Gzip([]), Gzip(tar), Gzip([]))));
        Installed("gzip with a name, a comment and an extra field", m => Packed(m.Layer, tar =>
        {
            var plain = Gzip(tar);
            return Concat([0x1f, 0x8b, 8, 4 | 8 | 16, .. plain[4..10], 2, 0, 1, 2, (byte)'n', 0, (byte)'c', 0], plain[10..]);
        }));
        Refused("gzip with garbage behind it", m => Packed(m.Layer, tar => Concat(Gzip(tar), "garbage"u8.ToArray())));
        Refused("gzip with zeros behind it", m => Packed(m.Layer, tar => Concat(Gzip(tar), new byte[512])));
        Refused("gzip without its trailer", m => Packed(m.Layer, tar => Gzip(tar)[..^8]));
        Refused("gzip without the last byte of its trailer", m => Packed(m.Layer, tar => Gzip(tar)[..^1]));
        Refused("gzip with a wrong CRC", m => Packed(m.Layer, tar => Flipped(Gzip(tar), ^8)));
        Refused("gzip with a wrong length", m => Packed(m.Layer, tar => Flipped(Gzip(tar), ^1)));
        Refused("gzip that ends in the middle", m => Packed(m.Layer, tar => Gzip(tar) is var g ? g[..(g.Length / 2)] : g));
        Refused("gzip with a second member cut off", m => Packed(m.Layer, tar => Concat(Gzip(tar), Gzip(tar)[..10])));
        Refused("gzip of another method", m => Packed(m.Layer, tar => Flipped(Gzip(tar), 2)));
        Refused("gzip in name only", m => Packed(m.Layer, tar => tar));
        Refused("zstd that is called gzip", m => Packed(m.Layer, Zstd));
        Refused("gzip within gzip", m => Packed(m.Layer, tar => Gzip(Gzip(tar))));
    }

    private static void AddZstd()
    {
        Installed("zstd", m => HostileImage.Of(m.Layer.Zstd(Zstd(m.Layer.Tar))));
        Installed("zstd of two frames", m => HostileImage.Of(m.Layer.Zstd(Zstd(m.Layer.Tar[..700]), Zstd(m.Layer.Tar[700..]))));
        Installed("zstd with frames to be skipped", m => HostileImage.Of(
            m.Layer.Zstd(Skippable(9), Zstd(m.Layer.Tar[..700]), Skippable(0), Zstd(m.Layer.Tar[700..]), Skippable(70_000))));
        Installed("zstd with an empty frame in front", m => HostileImage.Of(m.Layer.Zstd(Zstd([]), Zstd(m.Layer.Tar))));
        Installed("zstd with a window of 128 MiB", m => HostileImage.Of(m.Layer.Zstd(ZstdRaw(m.Layer.Tar, windowDescriptor: 17 << 3))));
        Refused("zstd with a window of 256 MiB", m => HostileImage.Of(m.Layer.Zstd(ZstdRaw(m.Layer.Tar, windowDescriptor: 18 << 3))));
        Refused("zstd with the largest window", m => HostileImage.Of(m.Layer.Zstd(ZstdRaw(m.Layer.Tar, windowDescriptor: 0xff))));
        Refused("zstd that wants a dictionary", m => HostileImage.Of(m.Layer.Zstd(ZstdRaw(m.Layer.Tar, 17 << 3, descriptor: 1, extra: [7]))));
        Refused("zstd with a reserved bit", m => HostileImage.Of(m.Layer.Zstd(ZstdRaw(m.Layer.Tar, 17 << 3, descriptor: 8))));
        Refused("zstd with nothing but frames to be skipped", m => HostileImage.Of(m.Layer.Zstd(Skippable(100))));
        Refused("zstd with a frame to be skipped that is cut off", m => HostileImage.Of(m.Layer.Zstd(Zstd(m.Layer.Tar), Skippable(100)[..50])));
        Refused("zstd that ends in the middle", m => HostileImage.Of(m.Layer.Zstd(Zstd(m.Layer.Tar)[..^20])));
        Refused("zstd without its last byte", m => HostileImage.Of(m.Layer.Zstd(Zstd(m.Layer.Tar)[..^1])));
        Refused("zstd with garbage behind it", m => HostileImage.Of(m.Layer.Zstd(Zstd(m.Layer.Tar), "garbage"u8.ToArray())));
        Refused("zstd with zeros behind it", m => HostileImage.Of(m.Layer.Zstd(Zstd(m.Layer.Tar), new byte[64])));
        Refused("gzip that is called zstd", m => HostileImage.Of(m.Layer.Zstd(Gzip(m.Layer.Tar))));
        Refused("an empty blob that is called zstd", m => HostileImage.Of(m.Layer.Zstd()));
    }

    private static void AddBombs()
    {
        var zeros = new byte[16 << 20];
        var manyFiles = Repeated(Entry("tiny", '0', []), zeros.Length / Block);
        Refused("a file of 8 GiB from a few MiB", m => Bomb(Entry("kubelet", '0', [], change: Base256(8L << 30)), zeros, 64));
        Refused("another file of 8 GiB from a few MiB", m => Bomb(Entry("other", '0', [], change: Base256(8L << 30)), zeros, 64));
        Refused("a file of 1 GiB from 1 MiB", m => Bomb(Entry("kubelet", '0', [], size: Octal(1L << 30)), zeros, 64));
        Refused("zeros without end behind the end", m => Bomb(Concat(m.Entry, End), zeros, 64));
        Refused("a million files and more", m => Bomb(m.Entry, manyFiles, 48));
        Refused("another file of 8 GiB from zstd of a few KiB", m => HostileImage.Of(new HostileLayer([]).Zstd(
            Zstd(Entry("other", '0', [], change: Base256(8L << 30))), Repeated(Zstd(zeros), 64))));
        Installed("a hundred thousand files", m => HostileImage.Of(
            new HostileLayer(Concat(Repeated(Entry("tiny", '0', []), 100_000), m.Entry, End))));
        Installed("fifty thousand whiteouts", m => HostileImage.Of(
            m.Layer, HostileLayer.Of(Repeated(Entry("some/where/.wh.tiny", '0', []), 50_000))));
        Installed("a hundred thousand empty members", m => Packed(m.Layer, tar => Concat(Gzip(tar), Repeated(Gzip([]), 100_000))));
        Installed("a hundred thousand frames to be skipped", m => HostileImage.Of(
            m.Layer.Zstd(Zstd(m.Layer.Tar), Repeated(Skippable(0), 100_000))));
        Installed("two hundred headers of 60 KiB", m => HostileImage.Of(
            Repeated(Concat(Pax([.. Enumerable.Repeat(("k", "v"), 10_000)]), File("a", Word)), 200), m.Entry));
        NotFound("a thousand layers", _ => HostileImage.Of([.. Enumerable.Repeat(HostileLayer.Of(File("a", Word)), 1000)]));
    }

    // Each member is packed once: the bomb is small here too.
    private static HostileImage Bomb(byte[] start, byte[] rest, int times) =>
        HostileImage.Of(new HostileLayer(start).Packed(Concat(Gzip(start), Repeated(Gzip(rest, CompressionLevel.SmallestSize), times))));

    private static HostileImage Packed(HostileLayer layer, Func<byte[], byte[]> pack) => HostileImage.Of(layer.Packed(pack(layer.Tar)));

    private static HostileImage Halves(HostileLayer layer, Func<byte[], int, byte[]> pack) =>
        Packed(layer, tar => pack(tar, tar.Length / 2));

    private static byte[] Flipped(byte[] content, Index at) => Changed(content, at, (byte)(content[at] ^ 1));
}
