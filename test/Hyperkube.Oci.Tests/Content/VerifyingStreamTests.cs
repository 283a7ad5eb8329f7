using CsCheck;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Tests.Fixtures;

namespace Hyperkube.Oci.Tests.Content;

public sealed class VerifyingStreamTests
{
    private static readonly byte[] Kubelet = "not really a kubelet"u8.ToArray();
    private static readonly Descriptor Promised = Sample.Describe(Kubelet);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_promised_content_reads_to_its_end()
    {
        using MemoryStream read = new();
        await using VerifyingStream stream = new(new MemoryStream(Kubelet), Promised);

        await stream.CopyToAsync(read, Ct);

        Assert.Equal(Kubelet, read.ToArray());
        Assert.Equal(0, await stream.ReadAsync(new byte[1], Ct));
    }

    [Theory]
    [InlineData("not really a kubele")]
    [InlineData("not really a kubelet!")]
    [InlineData("not really a kubeler")]
    [InlineData("")]
    public async Task Any_other_content_fails_before_the_end_is_seen(string actual)
    {
        await using VerifyingStream stream = new(new MemoryStream(System.Text.Encoding.ASCII.GetBytes(actual)), Promised);

        var error = await Assert.ThrowsAsync<DigestMismatchException>(() => stream.CopyToAsync(Stream.Null, Ct));

        Assert.Equal(ErrorKind.BadDigest, error.Kind);
        Assert.Equal(Promised, error.Expected);
        Assert.Contains(Promised.Digest.ToString(), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reading_synchronously_verifies_as_well()
    {
        using VerifyingStream good = new(new TrickleStream(Kubelet), Promised);
        using VerifyingStream bad = new(new TrickleStream([.. Kubelet, 0]), Promised);

        good.CopyTo(Stream.Null);

        Assert.Throws<DigestMismatchException>(() => bad.CopyTo(Stream.Null));
    }

    [Fact]
    public async Task Content_that_failed_fails_again_when_it_is_read_on()
    {
        await using VerifyingStream stream = new(new MemoryStream([.. Kubelet, .. Kubelet]), Promised);
        await Assert.ThrowsAsync<DigestMismatchException>(() => stream.CopyToAsync(Stream.Null, Ct));

        await Assert.ThrowsAsync<DigestMismatchException>(() => stream.CopyToAsync(Stream.Null, Ct));
    }

    [Fact]
    public async Task An_endless_source_is_read_one_byte_too_far_and_no_further()
    {
        using EndlessStream endless = new();
        await using VerifyingStream stream = new(endless, Promised);

        await Assert.ThrowsAsync<DigestMismatchException>(() => stream.CopyToAsync(Stream.Null, Ct));

        Assert.Equal(Promised.Size + 1, endless.Given);
    }

    [Fact]
    public async Task Empty_content_is_verified_too()
    {
        await using VerifyingStream empty = new(new MemoryStream(), Sample.Describe([]));
        await using VerifyingStream more = new(new MemoryStream(Kubelet), Sample.Describe([]));

        await empty.CopyToAsync(Stream.Null, Ct);

        await Assert.ThrowsAsync<DigestMismatchException>(() => more.CopyToAsync(Stream.Null, Ct));
    }

    [Fact]
    public async Task An_empty_buffer_proves_nothing_and_breaks_nothing()
    {
        await using VerifyingStream stream = new(new MemoryStream(Kubelet), Promised);

        Assert.Equal(0, await stream.ReadAsync(Memory<byte>.Empty, Ct));

        await stream.CopyToAsync(Stream.Null, Ct);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    public async Task A_size_that_cannot_be_is_a_mismatch(long size)
    {
        await using VerifyingStream stream = new(new MemoryStream(Kubelet), Promised with { Size = size });

        await Assert.ThrowsAsync<DigestMismatchException>(() => stream.CopyToAsync(Stream.Null, Ct));
    }

    [Fact]
    public void Any_flip_of_any_bit_is_refused_whatever_the_size_of_the_reads() =>
        Gen.Select(Gen.Byte.Array[1, 100], Gen.Int[0, 799], Gen.Int[1, 120]).Sample((content, bit, atMost) =>
        {
            var promised = Sample.Describe(content);
            content[bit / 8 % content.Length] ^= (byte)(1 << (bit % 8));
            using VerifyingStream stream = new(new TrickleStream(content, atMost), promised);

            Assert.Throws<DigestMismatchException>(() => stream.CopyTo(Stream.Null));
        });

    [Fact]
    public async Task Progress_is_told_of_every_byte_and_in_order()
    {
        Collected progress = new();
        await using VerifyingStream stream = new(new TrickleStream(Kubelet, 7), Promised, progress: progress);

        await stream.CopyToAsync(Stream.Null, Ct);

        Assert.Equal([7, 14, 20, 20], progress.Reports);
    }

    [Fact]
    public async Task Disposing_disposes_the_source()
    {
        TrickleStream source = new(Kubelet);

        await new VerifyingStream(source, Promised).DisposeAsync();

        Assert.True(source.IsDisposed);
    }

    [Fact]
    public async Task A_fault_of_the_source_passes_through()
    {
        IOException fault = new("the line is gone");
        await using VerifyingStream stream = new(new Testing.FaultyStream(new TrickleStream(Kubelet), 3, () => fault), Promised);

        Assert.Same(fault, await Assert.ThrowsAsync<IOException>(() => stream.CopyToAsync(Stream.Null, Ct)));
    }

    private sealed class Collected : IProgress<long>
    {
        public List<long> Reports { get; } = [];

        public void Report(long value) => Reports.Add(value);
    }

    private sealed class EndlessStream : MemoryStream
    {
        public long Given { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Given += buffer.Length;
            return ValueTask.FromResult(buffer.Length);
        }
    }
}
