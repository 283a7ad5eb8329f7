using CsCheck;
using Hyperkube.Oci.Layers;
using Hyperkube.Oci.Tests.Fixtures;

namespace Hyperkube.Oci.Tests.Layers;

/// <summary>The two real formats under the compressor, and read by other readers.</summary>
public sealed class BlockFormatTests
{
    private const int GzipBlock = 1 << 20;
    private const int ZstdBlock = 4 << 20;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    // Of zstd not all, because some take a tenth of a gigabyte and a second each.
    public static TheoryData<string> Levels =>
    [
        "gzip:1", "gzip:2", "gzip:3", "gzip:4", "gzip:5", "gzip:6", "gzip:7", "gzip:8", "gzip:9",
        "zstd:1", "zstd:3", "zstd:6", "zstd:9", "zstd:13", "zstd:19",
    ];

    [Theory]
    [InlineData("gzip", 0)]
    [InlineData("gzip", 1)]
    [InlineData("gzip", GzipBlock - 1)]
    [InlineData("gzip", GzipBlock)]
    [InlineData("gzip", GzipBlock + 1)]
    [InlineData("gzip", 3 * GzipBlock)]
    [InlineData("zstd:1", 1)]
    [InlineData("zstd:1", ZstdBlock - 1)]
    [InlineData("zstd:1", ZstdBlock)]
    [InlineData("zstd:1", ZstdBlock + 1)]
    [InlineData("zstd:1", 3 * ZstdBlock)]
    public async Task Other_readers_and_ours_give_the_content_back(string text, int size)
    {
        var compression = LayerCompression.Parse(text, null);
        var content = Sample.Bytes(size);

        var blob = await CompressAsync(compression, [content], jobs: 2);

        AssertSame(content, Unpack.Elsewhere(compression, blob));
        await using var ours = LayerReader.OpenTar(compression.LayerMediaType, new MemoryStream(blob));
        AssertSame(content, await Unpack.AllAsync(ours, Ct));
    }

    [Theory]
    [InlineData("gzip:9", GzipBlock + 1)]
    [InlineData("zstd:1", ZstdBlock + 1)]
    public async Task Content_that_cannot_be_made_smaller_is_given_back_too(string text, int size)
    {
        var compression = LayerCompression.Parse(text, null);
        var content = Sample.Noise(size);

        AssertSame(content, Unpack.Elsewhere(compression, await CompressAsync(compression, [content], jobs: 2)));
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public async Task Every_level_gives_the_content_back_and_the_same_bytes_twice(string text)
    {
        var compression = LayerCompression.Parse(text, null);
        var content = Sample.Bytes(100_000);

        var blob = await CompressAsync(compression, [content], jobs: 1);

        AssertSame(content, Unpack.Elsewhere(compression, blob));
        AssertSame(blob, await CompressAsync(compression, [content], jobs: 2));
    }

    [Theory]
    [InlineData("gzip:1", GzipBlock)]
    [InlineData("zstd:1", ZstdBlock)]
    public async Task Any_split_of_the_writes_and_any_number_of_jobs_make_the_same_bytes(string text, int block)
    {
        var compression = LayerCompression.Parse(text, null);
        var content = Sample.Bytes((2 * block) + 12_345);
        var once = await CompressAsync(compression, [content], jobs: 1);

        await Gen.Select(Gen.Int[0, content.Length].Array[0, 20], Gen.Int[1, 4]).SampleAsync(
            async (cuts, jobs) =>
            {
                int[] places = [0, .. cuts.Order(), content.Length];
                var pieces = places.Zip(places.Skip(1), (start, end) => content[start..end]);

                AssertSame(once, await CompressAsync(compression, pieces, jobs));
            }, iter: 12, threads: 1);
    }

    // Windows, names, times and systems have no place in it: each would be one more way to differ.
    [Theory]
    [InlineData("gzip:1", 4)]
    [InlineData("gzip:6", 0)]
    [InlineData("gzip:9", 2)]
    public async Task A_gzip_head_tells_nothing_but_the_level(string text, byte extraFlags) =>
        Assert.Equal(
            [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, extraFlags, 255],
            (await CompressAsync(LayerCompression.Parse(text, null), [[]], jobs: 1))[..10]);

    [Fact]
    public async Task Zstd_frames_say_how_much_is_in_them()
    {
        var blob = await CompressAsync(LayerCompression.Zstd, [Sample.Bytes(1000)], jobs: 1);

        Assert.Equal(1000UL, ZstdSharp.Decompressor.GetDecompressedSize(blob));
    }

    private static async Task<byte[]> CompressAsync(LayerCompression compression, IEnumerable<byte[]> pieces, int jobs)
    {
        using MemoryStream destination = new();
        using var format = BlockFormat.For(compression);
        await using BlockCompressor compressor = new(destination, format, jobs);
        foreach (var piece in pieces)
        {
            await compressor.WriteAsync(piece, Ct);
        }

        await compressor.FinishAsync(Ct);
        return destination.ToArray();
    }

    // Digests, because a difference between megabytes cannot be read.
    private static void AssertSame(byte[] expected, byte[] actual) =>
        Assert.Equal((Digest.Of(expected), expected.Length), (Digest.Of(actual), actual.Length));
}
