using CsCheck;
using Hyperkube.Oci.Layers;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Layers;

public sealed class GzipReaderTests
{
    private static readonly byte[] Content = Sample.Bytes(100);
    private static readonly byte[] Blob = Unpack.Gzip(Content);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_member_reads_to_its_end()
    {
        await using GzipReader reader = new(new MemoryStream(Blob));

        Assert.Equal(Content, await Unpack.AllAsync(reader, Ct));
        Assert.Equal(0, await reader.ReadAsync(new byte[1], Ct));
    }

    [Fact]
    public void Reading_synchronously_gives_the_same()
    {
        using GzipReader reader = new(new TrickleStream(Blob));

        Assert.Equal(Content, Unpack.All(reader));
    }

    [Fact]
    public void Any_members_however_they_arrive_and_are_read_are_one_stream() =>
        Gen.Select(Gen.Byte.Array[0, 2000].Array[1, 4], Gen.Int[1, 70], Gen.Int[1, 70]).Sample((members, atMost, room) =>
        {
            byte[] blob = [.. members.SelectMany(Unpack.Gzip)];
            using GzipReader reader = new(new TrickleStream(blob, atMost));
            using MemoryStream content = new();
            var buffer = new byte[room];
            for (int count; (count = reader.Read(buffer)) > 0;)
            {
                content.Write(buffer.AsSpan(0, count));
            }

            Assert.Equal(members.SelectMany(member => member), content.ToArray());
        });

    [Fact]
    public async Task Highly_compressible_content_is_read_through_a_small_window()
    {
        var zeros = new byte[1_000_000];
        await using GzipReader reader = new(new TrickleStream(Unpack.Gzip(zeros)));

        Assert.Equal(Digest.Of(zeros), Digest.Of(await Unpack.AllAsync(reader, Ct)));
    }

    [Fact]
    public async Task Empty_members_are_members() =>
        Assert.Empty(await ReadAsync([.. Unpack.Gzip([]), .. Unpack.Gzip([])]));

    [Fact]
    public async Task A_stream_that_ends_anywhere_before_its_end_is_refused()
    {
        for (var length = 0; length < Blob.Length; length++)
        {
            var error = await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync(Blob[..length]));

            Assert.Contains(length == 0 ? "empty" : "truncated", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_second_member_that_ends_anywhere_before_its_end_is_refused()
    {
        for (var length = 1; length < Blob.Length; length++)
        {
            await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync([.. Blob, .. Blob[..length]]));
        }
    }

    // The member's time, its system and its hints change nothing in what it holds, nor do the last byte's unused bits.
    [Fact]
    public async Task A_flip_of_any_bit_is_refused_or_changes_nothing()
    {
        for (var bit = 0; bit < 8 * Blob.Length; bit++)
        {
            var blob = Blob.ToArray();
            blob[bit / 8] ^= (byte)(1 << (bit % 8));

            var error = await Record.ExceptionAsync(async () => Assert.Equal(Content, await ReadAsync(blob)));

            var changesNothing = bit / 8 is >= 3 and < 10 || bit / 8 == Blob.Length - 9;
            Assert.True(error is InvalidDataException || (error is null && changesNothing), $"bit {bit}: {error}");
        }
    }

    [Theory]
    [InlineData(8)] // The CRC.
    [InlineData(4)] // The length.
    public async Task A_trailer_that_does_not_fit_is_refused(int fromEnd)
    {
        var blob = Blob.ToArray();
        blob[^fromEnd] ^= 1;

        await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync(blob));
    }

    [Theory]
    [InlineData(new byte[] { 0 })]
    [InlineData(new byte[] { 0x1f })]
    [InlineData(new byte[] { 0x1f, 0x8b })]
    [InlineData(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 })]
    public async Task Anything_but_members_behind_a_member_is_refused(byte[] garbage) =>
        await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync([.. Blob, .. garbage]));

    [Theory]
    [InlineData("not gzip at all")]
    [InlineData("\n")]
    public async Task What_is_no_gzip_is_refused(string content) =>
        await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync(System.Text.Encoding.ASCII.GetBytes(content)));

    [Fact]
    public async Task What_came_before_the_damage_can_be_read_and_the_end_cannot()
    {
        await using GzipReader reader = new(new MemoryStream([.. Blob, 0]));
        var buffer = new byte[Content.Length];

        await reader.ReadExactlyAsync(buffer, Ct);

        Assert.Equal(Content, buffer);
        await Assert.ThrowsAsync<InvalidDataException>(() => reader.ReadAsync(buffer, Ct).AsTask());
    }

    [Fact]
    public async Task An_empty_buffer_reads_nothing_and_breaks_nothing()
    {
        await using GzipReader reader = new(new MemoryStream(Blob));

        Assert.Equal(0, await reader.ReadAsync(Memory<byte>.Empty, Ct));

        Assert.Equal(Content, await Unpack.AllAsync(reader, Ct));
    }

    [Fact]
    public async Task A_fault_of_the_source_passes_through()
    {
        IOException fault = new("the line is gone");
        await using GzipReader reader = new(new FaultyStream(new TrickleStream(Blob), 30, () => fault));

        Assert.Same(fault, await Assert.ThrowsAsync<IOException>(() => Unpack.AllAsync(reader, Ct)));
    }

    [Fact]
    public async Task Disposing_disposes_the_source_and_may_be_done_twice()
    {
        TrickleStream source = new(Blob);
        GzipReader reader = new(source);

        await reader.DisposeAsync();
        await reader.DisposeAsync();

        Assert.True(source.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => reader.Read(new byte[1]));
    }

    private static async Task<byte[]> ReadAsync(byte[] blob)
    {
        await using GzipReader reader = new(new MemoryStream(blob));
        return await Unpack.AllAsync(reader, Ct);
    }
}
