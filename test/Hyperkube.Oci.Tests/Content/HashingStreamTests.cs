using CsCheck;
using Hyperkube.Oci.Content;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Content;

public sealed class HashingStreamTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_written_is_passed_on_hashed_and_counted_however_it_was_split() =>
        await Gen.Byte.Array[0, 40].Array[0, 10].SampleAsync(async pieces =>
        {
            using MemoryStream passedOn = new();
            await using HashingStream stream = new(passedOn);
            for (var i = 0; i < pieces.Length; i++)
            {
                await WriteAsync(stream, pieces[i], kind: i % 4);
            }

            byte[] all = [.. pieces.SelectMany(piece => piece)];
            Assert.Equal(all, passedOn.ToArray());
            Assert.Equal((Digest.Of(all), (long)all.Length), (stream.CurrentDigest(), stream.Written));
        });

    [Fact]
    public async Task Writing_may_go_on_after_a_look_at_the_digest()
    {
        await using HashingStream stream = new(Stream.Null);

        await stream.WriteAsync("kube"u8.ToArray(), Ct);
        var first = stream.CurrentDigest();
        await stream.WriteAsync("let"u8.ToArray(), Ct);

        Assert.Equal((Digest.Of("kube"u8), Digest.Of("kubelet"u8)), (first, stream.CurrentDigest()));
    }

    [Fact]
    public async Task A_failed_write_is_not_counted()
    {
        IOException fault = new("no space");
        await using HashingStream stream = new(new FaultyStream(new MemoryStream(), 2, () => fault));
        await stream.WriteAsync("kube"u8.ToArray(), Ct);

        Assert.Same(fault, await Assert.ThrowsAsync<IOException>(() => stream.WriteAsync("let"u8.ToArray(), Ct).AsTask()));

        Assert.Equal((Digest.Of("kube"u8), 4), (stream.CurrentDigest(), stream.Written));
    }

    [Fact]
    public async Task The_destination_stays_open()
    {
        using MemoryStream destination = new();

        await new HashingStream(destination).DisposeAsync();

        Assert.True(destination.CanWrite);
    }

    [Fact]
    public void It_can_be_written_forwards_and_nothing_else()
    {
        using HashingStream stream = new(Stream.Null);

        Assert.Equal((false, true, false), (stream.CanRead, stream.CanWrite, stream.CanSeek));
        Assert.Throws<NotSupportedException>(() => stream.ReadByte());
        Assert.Throws<NotSupportedException>(() => stream.Seek(0, SeekOrigin.Begin));
        Assert.Throws<NotSupportedException>(() => stream.Position);
        Assert.Throws<NotSupportedException>(() => stream.SetLength(0));
    }

    private static async Task WriteAsync(HashingStream stream, byte[] piece, int kind)
    {
        switch (kind)
        {
            case 0:
                await stream.WriteAsync(piece, Ct);
                break;
            case 1:
#pragma warning disable CA1849, VSTHRD103 // The synchronous way is what is tested.
                stream.Write(piece);
                break;
            case 2:
                stream.Write([0, .. piece, 0], 1, piece.Length);
#pragma warning restore CA1849, VSTHRD103
                break;
            default:
#pragma warning disable CA1835 // So is the old one.
                await stream.WriteAsync([0, .. piece, 0], 1, piece.Length, Ct);
#pragma warning restore CA1835
                break;
        }
    }
}
