using System.Text;
using CsCheck;
using Hyperkube.Oci.Layers;
using Hyperkube.Oci.Tests.Fixtures;

namespace Hyperkube.Oci.Tests.Layers;

/// <summary>Against tars of enemies and of broken disks.</summary>
public sealed class UstarReaderHostileTests
{
    private static readonly byte[] Tar =
        [.. RawTar.Pax(("path", "a/long/name")), .. RawTar.Entry("a", "content"), .. RawTar.Entry("b", Sample.Bytes(700)), .. RawTar.End];

    public static TheoryData<string> MalformedRecords =>
    [
        "x", "10", " path=a\n", "0 path=a\n", "-9 path=a\n", "+9 path=a\n", "09 path=a\nx", "8 path=a\n", "11 path=a\n", "9 path=ab",
        "99999999999999999999 path=a\n", "4294967305 path=a\n", "9\tpath=a\n", "9 path=a\0", "3 \n", "5 =a\n", "2 ", "1 x",
        "10 size=1x\n", "11 size=-10\n", "9 size=\n", "28 size=9223372036854775808\n", "10 size=+1\n", "10 size= 1\n",
    ];

    [Fact]
    public async Task A_tar_that_ends_anywhere_before_its_end_is_refused()
    {
        Assert.Equal(2, (await RawTar.ReadAsync(Tar)).Count);
        for (var length = 0; length < Tar.Length; length++)
        {
            await AssertRefusedAsync(Tar[..length]);
        }
    }

    // The sum finds every one of them; one in the sum's own padding changes nothing.
    [Fact]
    public async Task A_flip_of_any_bit_of_a_header_is_refused_or_means_the_same()
    {
        var entries = await RawTar.ReadAsync(Tar);
        var pax = 2 * RawTar.Block;
        for (var bit = 0; bit < 8 * RawTar.Block; bit++)
        {
            var tar = Tar.ToArray();
            tar[pax + (bit / 8)] ^= (byte)(1 << (bit % 8));

            await AssertRefusedOrAsync(entries, tar);
        }
    }

    [Fact]
    public async Task A_change_of_any_byte_of_a_header_is_refused_or_means_the_same()
    {
        var entries = await RawTar.ReadAsync(Tar);
        var pax = 2 * RawTar.Block;

        await Gen.Select(Gen.Int[0, RawTar.Block - 1], Gen.Byte).SampleAsync(async (position, value) =>
        {
            var tar = Tar.ToArray();
            tar[pax + position] = value;

            await AssertRefusedOrAsync(entries, tar);
        }, iter: 3000);
    }

    [Fact]
    public async Task Any_header_with_a_right_sum_is_read_or_refused_and_nothing_else() =>
        await Gen.Select(Gen.Select(Gen.Int[0, RawTar.Block - 1], Gen.Byte).Array[1, 8], Gen.OneOf('0', 'x', 'L', 'K', 'g', '5', '1', 'S'))
            .SampleAsync(async (changes, type) =>
            {
                var header = RawTar.Header("kubelet", 20, type, bytes =>
                {
                    foreach (var (position, value) in changes)
                    {
                        bytes[position] = value;
                    }
                });

                var error = await Record.ExceptionAsync(
                    () => RawTar.ReadAsync(header, Sample.Bytes(512), RawTar.Entry("a", ""), RawTar.End));

                Assert.True(error is null or InvalidDataException, error?.ToString());
            }, iter: 3000);

    [Theory]
    [InlineData("-0000000001")]
    [InlineData("0000000000x")]
    [InlineData("00000000008")]
    [InlineData("0000 000010")]
    [InlineData("0x000000010")]
    public async Task A_size_that_is_no_octal_number_is_refused(string size) =>
        await AssertRefusedAsync(
            RawTar.Header("a", 0, change: header => Encoding.ASCII.GetBytes(size, header.AsSpan(124))), RawTar.End);

    [Theory]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    [InlineData(1L << 40)]
    public async Task A_size_that_cannot_be_there_is_refused(long size)
    {
        await AssertRefusedAsync(RawTar.Header("a", 0, change: header => UstarReaderTests.Base256(header, size)), RawTar.End);
        await AssertRefusedAsync(RawTar.Header("a", 0, 'L', header => UstarReaderTests.Base256(header, size)), RawTar.End);
    }

    // Where the source can seek, nothing is read to find out that it is not there.
    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(long.MaxValue - 511)]
    [InlineData(1L << 40)]
    [InlineData(4096)]
    public async Task A_size_that_cannot_be_there_is_refused_when_the_content_is_passed_over(long size)
    {
        using MemoryStream archive = new(
            [.. RawTar.Header("a", 0, change: header => UstarReaderTests.Base256(header, size)), .. RawTar.Entry("b", ""), .. RawTar.End]);
        UstarReader reader = new(archive);
        await reader.NextAsync(TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<InvalidDataException>(() => reader.NextAsync(TestContext.Current.CancellationToken).AsTask());
    }

    // Read by its last eight bytes, 2^64 + 7 would be 7 here and a refusal everywhere else.
    [Theory]
    [InlineData(127, 1)]
    [InlineData(125, 0x40)]
    public async Task A_size_in_base_256_above_64_bits_is_refused(int position, byte value) =>
        await AssertRefusedAsync(
            RawTar.Entry("a", "content", change: header =>
            {
                UstarReaderTests.Base256(header, 7);
                header[position] = value;
            }),
            RawTar.End);

    [Theory]
    [InlineData("..")]
    [InlineData("../etc/passwd")]
    [InlineData("bin/../../etc/passwd")]
    [InlineData("bin/..")]
    [InlineData("/../etc/passwd")]
    [InlineData("./..")]
    public async Task A_path_that_leads_outside_is_refused(string path)
    {
        await AssertRefusedAsync(RawTar.Entry(path, ""), RawTar.End);
        await AssertRefusedAsync(RawTar.Pax(("path", path)), RawTar.Entry("a", ""), RawTar.End);
        await AssertRefusedAsync(RawTar.Entry("././@LongLink", $"{path}\0", 'L'), RawTar.Entry("a", ""), RawTar.End);
    }

    [Fact]
    public async Task A_path_with_a_NUL_is_refused() =>
        await AssertRefusedAsync(RawTar.Pax(("path", "kubelet\0.txt")), RawTar.Entry("a", ""), RawTar.End);

    [Theory]
    [InlineData('x')]
    [InlineData('g')]
    [InlineData('L')]
    [InlineData('K')]
    public async Task An_extended_header_above_64_KiB_is_refused(char type)
    {
        await AssertRefusedAsync(RawTar.Entry("x", new string('a', (64 * 1024) + 1), type), RawTar.Entry("a", ""), RawTar.End);
        await AssertRefusedAsync(RawTar.Header("x", 0, type, header => UstarReaderTests.Base256(header, 1L << 62)));
    }

    [Theory]
    [MemberData(nameof(MalformedRecords))]
    public async Task A_malformed_extended_header_is_refused(string records) =>
        await AssertRefusedAsync(RawTar.Entry("x", records, 'x'), RawTar.Entry("a", ""), RawTar.End);

    [Fact]
    public async Task An_empty_extended_header_says_nothing() =>
        Assert.Equal("a", Assert.Single(await RawTar.ReadAsync(RawTar.Entry("x", "", 'x'), RawTar.Entry("a", ""), RawTar.End)).Entry.Path);

    // "If the value is empty, the header block's own field counts": what Go, GNU tar and libarchive do.
    [Fact]
    public async Task An_empty_path_in_an_extended_header_leaves_the_headers_own() =>
        Assert.Equal("a", Assert.Single(await RawTar.ReadAsync(RawTar.Pax(("path", "")), RawTar.Entry("a", ""), RawTar.End)).Entry.Path);

    [Fact]
    public async Task Content_after_the_end_is_refused()
    {
        await AssertRefusedAsync(RawTar.Entry("a", ""), RawTar.End, RawTar.Entry("b", ""), RawTar.End);
        await AssertRefusedAsync(RawTar.Entry("a", ""), RawTar.End, "x"u8.ToArray());
        await AssertRefusedAsync(RawTar.Entry("a", ""), RawTar.End, new byte[200_000], "x"u8.ToArray());
    }

    [Fact]
    public async Task One_block_of_zeros_is_no_end()
    {
        await AssertRefusedAsync(RawTar.Entry("a", ""), new byte[RawTar.Block]);
        await AssertRefusedAsync(RawTar.Entry("a", ""), new byte[RawTar.Block], RawTar.Entry("b", ""), RawTar.End);
    }

    [Fact]
    public async Task An_extended_header_at_the_end_of_the_tar_belongs_to_nothing_and_is_refused_or_passed_over() =>
        Assert.Empty(await RawTar.ReadAsync(RawTar.Pax(("path", "a")), RawTar.End));

    [Theory]
    [InlineData("<html><body>502 Bad Gateway</body></html>")]
    [InlineData("")]
    public async Task What_is_no_tar_is_refused(string content)
    {
        await AssertRefusedAsync(Encoding.ASCII.GetBytes(content));
        await AssertRefusedAsync(Encoding.ASCII.GetBytes(content.PadRight(2048)));
    }

    private static async Task AssertRefusedAsync(params byte[][] parts) =>
        await Assert.ThrowsAsync<InvalidDataException>(() => RawTar.ReadAsync(parts));

    private static async Task AssertRefusedOrAsync(IReadOnlyList<(TarEntry Entry, string Content)> expected, byte[] tar)
    {
        try
        {
            Assert.Equal(expected, await RawTar.ReadAsync(tar));
        }
        catch (InvalidDataException)
        {
            // Refused.
        }
    }
}
