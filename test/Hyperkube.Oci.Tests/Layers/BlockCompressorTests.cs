using System.Text;
using CsCheck;
using Hyperkube.Oci.Layers;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Layers;

public sealed class BlockCompressorTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", "<>")]
    [InlineData("a", "<[a]>")]
    [InlineData("ab", "<[ab]>")]
    [InlineData("abc", "<[abc]>")]
    [InlineData("abcd", "<[abc][d]>")]
    [InlineData("abcdefghi", "<[abc][def][ghi]>")]
    public async Task Content_is_cut_into_blocks_and_the_rest(string content, string expected) =>
        Assert.Equal(expected, Encoding.ASCII.GetString(await CompressAsync([Encoding.ASCII.GetBytes(content)], blockBytes: 3, jobs: 2)));

    [Fact]
    public async Task Any_split_of_the_writes_and_any_number_of_jobs_make_the_same_bytes() =>
        await Gen.Select(Gen.Byte.Array[0, 12].Array[0, 12], Gen.Int[1, 9], Gen.Int[1, 5]).SampleAsync(async (pieces, blockBytes, jobs) =>
        {
            byte[] content = [.. pieces.SelectMany(piece => piece)];

            Assert.Equal(await CompressAsync([content], blockBytes, jobs: 1), await CompressAsync(pieces, blockBytes, jobs));
        }, iter: 1000);

    [Fact]
    public async Task All_that_goes_in_is_accounted_for_in_order()
    {
        using PlainFormat format = new(blockBytes: 4);
        await using BlockCompressor compressor = new(Stream.Null, format, jobs: 2);

        await compressor.WriteAsync("kube"u8.ToArray(), Ct);
        await compressor.WriteAsync("let"u8.ToArray(), Ct);

        Assert.Equal("kubelet", Encoding.ASCII.GetString(format.Accounted));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task No_more_blocks_than_jobs_are_compressed_at_a_time(int jobs)
    {
        using PlainFormat format = new(blockBytes: 1);

        await using BlockCompressor compressor = new(Stream.Null, format, jobs);
        await compressor.WriteAsync(new byte[100], Ct);
        await compressor.FinishAsync(Ct);

        Assert.InRange(format.MostRunning, 1, jobs);
    }

    [Fact]
    public async Task Every_failing_write_raises_the_fault_itself_and_leaves_no_block_running()
    {
        var content = Sample.Bytes(20);
        for (var failAt = 1; ; failAt++)
        {
            IOException fault = new("no space");
            using FaultyStream destination = new(new MemoryStream(), failAt, () => fault);
            using PlainFormat format = new(blockBytes: 3);

            var error = await Record.ExceptionAsync(() => CompressAsync(destination, format, content, jobs: 3, Ct));

            Assert.Equal(0, format.Running);
            if (error is null)
            {
                Assert.Equal(failAt, destination.Calls + 1);
                Assert.Equal(9, destination.Calls); // The head, seven blocks, the tail.
                return;
            }

            Assert.Same(fault, error);
        }
    }

    [Fact]
    public async Task A_block_that_fails_raises_its_own_fault_and_what_follows_it_is_not_written()
    {
        InvalidOperationException fault = new("the encoder");
        using MemoryStream destination = new();
        using PlainFormat format = new(blockBytes: 1) { Fault = ((byte)'c', fault) };

        var error = await Record.ExceptionAsync(() => CompressAsync(destination, format, "abcdef"u8.ToArray(), jobs: 3, Ct));

        Assert.Same(fault, error);
        Assert.Equal("<[a][b]", Encoding.ASCII.GetString(destination.ToArray()));
    }

    [Fact]
    public async Task Disposing_waits_for_the_blocks_that_are_being_compressed()
    {
        using PlainFormat format = new(blockBytes: 1);
        format.Gate.Reset();
        BlockCompressor compressor = new(Stream.Null, format, jobs: 2);
        await compressor.WriteAsync("ab"u8.ToArray(), Ct);

        var disposed = compressor.DisposeAsync().AsTask();

        Assert.False(disposed.IsCompleted);
        format.Gate.Set();
        await disposed;
        Assert.Equal(0, format.Running);
    }

    [Fact]
    public async Task A_cancelled_write_is_cancelled_and_leaves_no_block_running()
    {
        using CancellationTokenSource interrupted = new();
        using PlainFormat format = new(blockBytes: 1);
        await using (BlockCompressor compressor = new(new MemoryStream(), format, jobs: 2))
        {
            await compressor.WriteAsync("ab"u8.ToArray(), interrupted.Token);
            await interrupted.CancelAsync();

            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => compressor.WriteAsync("cd"u8.ToArray(), interrupted.Token).AsTask());
        }

        Assert.Equal(0, format.Running);
    }

    [Fact]
    public async Task The_destination_stays_open()
    {
        using MemoryStream destination = new();

        await CompressAsync(destination, new PlainFormat(3), "kubelet"u8.ToArray(), jobs: 1, Ct);

        Assert.True(destination.CanWrite);
    }

    private static async Task<byte[]> CompressAsync(byte[][] pieces, int blockBytes, int jobs)
    {
        using MemoryStream destination = new();
        using PlainFormat format = new(blockBytes);
        await using BlockCompressor compressor = new(destination, format, jobs);
        foreach (var piece in pieces)
        {
            await compressor.WriteAsync(piece, Ct);
        }

        await compressor.FinishAsync(Ct);
        return destination.ToArray();
    }

    private static async Task CompressAsync(
        Stream destination, BlockFormat format, byte[] content, int jobs, CancellationToken cancellationToken)
    {
        await using BlockCompressor compressor = new(destination, format, jobs);
        await compressor.WriteAsync(content, cancellationToken);
        await compressor.FinishAsync(cancellationToken);
    }
}
