using Hyperkube.Oci.Layers;
using Hyperkube.Oci.Tests.Fixtures;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Hyperkube.Oci.Tests.Layers;

public sealed class LayerReaderTests
{
    private static readonly byte[] Content = Sample.Bytes(3000);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(MediaTypes.GzipLayer)]
    [InlineData(MediaTypes.DockerGzipLayer)]
    public async Task Gzip_is_unpacked(string mediaType) =>
        Assert.Equal(Content, await ReadAsync(mediaType, Unpack.Gzip(Content)));

    [Fact]
    public async Task A_plain_tar_is_itself() =>
        Assert.Equal(Content, await ReadAsync(MediaTypes.TarLayer, Content));

    [Fact]
    public async Task Zstd_of_one_frame_and_of_many_is_unpacked()
    {
        Assert.Equal(Content, await ReadAsync(MediaTypes.ZstdLayer, Zstd(Content)));
        Assert.Equal(
            Content,
            await ReadAsync(MediaTypes.ZstdLayer, [.. Zstd(Content.AsSpan(0, 1000)), .. Zstd([]), .. Zstd(Content.AsSpan(1000))]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("application/json")]
    [InlineData(MediaTypes.Config)]
    [InlineData("application/vnd.oci.image.layer.v1.tar+xz")]
    public void A_layer_that_nobody_knows_is_refused(string mediaType)
    {
        var error = Assert.Throws<HyperkubeException>(() => LayerReader.OpenTar(mediaType, Stream.Null));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains($"'{mediaType}'", error.Message, StringComparison.Ordinal);
    }

    // Whoever reads a layer looks for one kind of exception, whatever compressed it.
    [Fact]
    public async Task Zstd_that_ends_anywhere_before_its_end_is_invalid_data()
    {
        var blob = Zstd(Content.AsSpan(0, 200), checksum: true);
        for (var length = 1; length < blob.Length; length++)
        {
            await AssertInvalidAsync(blob[..length]);
        }
    }

    [Fact]
    public async Task Zstd_that_ends_inside_its_second_frame_is_invalid_data() =>
        await AssertInvalidAsync([.. Zstd(Content), .. Zstd(Content)[..^1]]);

    [Fact]
    public async Task No_zstd_at_all_is_invalid_data() =>
        await AssertInvalidAsync([]);

    [Fact]
    public async Task No_zstd_at_all_is_invalid_data_also_after_an_empty_buffer()
    {
        await using var tar = LayerReader.OpenTar(MediaTypes.ZstdLayer, new MemoryStream());
        Assert.Equal(0, await tar.ReadAsync(Memory<byte>.Empty, Ct));

        await Assert.ThrowsAsync<InvalidDataException>(() => tar.ReadAsync(new byte[1], Ct).AsTask());
    }

    [Fact]
    public void Reading_zstd_synchronously_gives_the_same()
    {
        using var good = LayerReader.OpenTar(MediaTypes.ZstdLayer, new TrickleStream(Zstd(Content)));
        using var bad = LayerReader.OpenTar(MediaTypes.ZstdLayer, new TrickleStream(Zstd(Content)[..^1]));

        Assert.Equal(Content, Unpack.All(good));
        Assert.Throws<InvalidDataException>(() => Unpack.All(bad));
    }

    [Fact]
    public async Task A_fault_of_the_source_passes_through_zstd()
    {
        IOException fault = new("the line is gone");
        await using var tar = LayerReader.OpenTar(
            MediaTypes.ZstdLayer, new Testing.FaultyStream(new TrickleStream(Zstd(Content)), 30, () => fault));

        Assert.Same(fault, await Assert.ThrowsAsync<IOException>(() => Unpack.AllAsync(tar, Ct)));
    }

    [Fact]
    public async Task Garbage_behind_zstd_is_invalid_data()
    {
        await AssertInvalidAsync([.. Zstd(Content), 1]);
        await AssertInvalidAsync([.. Zstd(Content), .. "garbage, no frame"u8]);
    }

    [Fact]
    public async Task Another_format_than_promised_is_invalid_data()
    {
        await AssertInvalidAsync(Unpack.Gzip(Content));
        await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync(MediaTypes.GzipLayer, Zstd(Content)));
    }

    [Fact]
    public async Task A_flip_of_any_bit_of_a_checksummed_frame_is_refused_or_changes_nothing()
    {
        var good = Zstd(Content.AsSpan(0, 200), checksum: true);
        for (var bit = 0; bit < 8 * good.Length; bit++)
        {
            var blob = good.ToArray();
            blob[bit / 8] ^= (byte)(1 << (bit % 8));

            var (content, error) = (Array.Empty<byte>(), await Record.ExceptionAsync(() => ReadAsync(MediaTypes.ZstdLayer, blob)));
            if (error is null)
            {
                content = await ReadAsync(MediaTypes.ZstdLayer, blob);
            }

            Assert.True(error is not null || content.AsSpan().SequenceEqual(Content.AsSpan(0, 200)), $"bit {bit}");
        }
    }

    // A reader must hold the whole window, which a stranger chooses, in memory.
    [Theory]
    [InlineData(27, false)]
    [InlineData(28, true)]
    [InlineData(30, true)]
    public async Task A_zstd_window_above_128_MiB_is_refused(int windowLog, bool isRefused)
    {
        using MemoryStream blob = new();
        await using (CompressionStream zstd = new(blob, leaveOpen: true))
        {
            zstd.SetParameter(ZSTD_cParameter.ZSTD_c_windowLog, windowLog);
            await zstd.WriteAsync(Content, Ct);
            await zstd.FlushAsync(Ct); // So that the frame cannot tell how small it is.
            await zstd.WriteAsync(Content, Ct);
        }

        var error = await Record.ExceptionAsync(() => ReadAsync(MediaTypes.ZstdLayer, blob.ToArray()));

        Assert.Equal(isRefused, error is not null);
    }

    [Theory]
    [InlineData(MediaTypes.GzipLayer)]
    [InlineData(MediaTypes.ZstdLayer)]
    [InlineData(MediaTypes.TarLayer)]
    public async Task Disposing_disposes_the_blob(string mediaType)
    {
        TrickleStream blob = new([]);

        await LayerReader.OpenTar(mediaType, blob).DisposeAsync();

        Assert.True(blob.IsDisposed);
    }

    private static byte[] Zstd(ReadOnlySpan<byte> content, bool checksum = false)
    {
        using Compressor compressor = new();
        compressor.SetParameter(ZSTD_cParameter.ZSTD_c_checksumFlag, checksum ? 1 : 0);
        return compressor.Wrap(content).ToArray();
    }

    private static async Task AssertInvalidAsync(byte[] zstd) =>
        await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync(MediaTypes.ZstdLayer, zstd));

    private static async Task<byte[]> ReadAsync(string mediaType, byte[] blob)
    {
        await using var tar = LayerReader.OpenTar(mediaType, new MemoryStream(blob));
        return await Unpack.AllAsync(tar, Ct);
    }
}
