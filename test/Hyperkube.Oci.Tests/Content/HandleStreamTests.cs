using CsCheck;
using Hyperkube.Oci.Content;
using Hyperkube.Testing;
using Microsoft.Win32.SafeHandles;

namespace Hyperkube.Oci.Tests.Content;

public sealed class HandleStreamTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly SafeFileHandle _file;

    public HandleStreamTests()
    {
        File.WriteAllText(_directory["file"], "..kubelet..");
        _file = File.OpenHandle(_directory["file"]);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _file.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task It_reads_its_range_and_nothing_beside_it()
    {
        await using HandleStream stream = new(_file, 2, 7);
        using StreamReader text = new(stream);

        Assert.Equal("kubelet", await text.ReadToEndAsync(Ct));
        Assert.Equal((7, 7), (stream.Length, stream.Position));
    }

    [Fact]
    public void Any_read_from_any_position_gives_what_a_memory_stream_gives() =>
        Gen.Select(Gen.Int[0, 10], Gen.Int[0, 12]).Sample((position, count) =>
        {
            using HandleStream stream = new(_file, 2, 7);
            using MemoryStream model = new("kubelet"u8.ToArray());
            var (actual, expected) = (new byte[count], new byte[count]);

            stream.Position = model.Position = position;

            Assert.Equal(model.Read(expected), stream.Read(actual));
            Assert.Equal(expected, actual);
        });

    [Fact]
    public void Seeking_counts_from_the_start_the_position_or_the_end()
    {
        using HandleStream stream = new(_file, 2, 7);

        Assert.Equal((4, 6, 5), (stream.Seek(4, SeekOrigin.Begin), stream.Seek(2, SeekOrigin.Current), stream.Seek(-2, SeekOrigin.End)));
        Assert.Equal('e', stream.ReadByte());
    }

    [Fact]
    public void Two_streams_over_one_file_have_each_its_position()
    {
        using HandleStream one = new(_file, 2, 7);
        using HandleStream other = new(_file, 4, 3);

        Assert.Equal("kbue", string.Concat(new[] { one, other, one, other }.Select(s => (char)s.ReadByte())));
    }

    [Fact]
    public void What_lies_before_the_range_cannot_be_read()
    {
        using HandleStream stream = new(_file, 2, 7);

        Assert.ThrowsAny<Exception>(() =>
        {
            stream.Seek(-1, SeekOrigin.Begin);
            return stream.ReadByte();
        });
    }

    [Fact]
    public async Task The_file_stays_open()
    {
        await new HandleStream(_file, 2, 7).DisposeAsync();

        Assert.False(_file.IsClosed);
    }

    [Fact]
    public void It_cannot_be_written()
    {
        using HandleStream stream = new(_file, 2, 7);

        Assert.Equal((true, true, false), (stream.CanRead, stream.CanSeek, stream.CanWrite));
        Assert.Throws<NotSupportedException>(() => stream.WriteByte(0));
        Assert.Throws<NotSupportedException>(() => stream.SetLength(0));
    }
}
