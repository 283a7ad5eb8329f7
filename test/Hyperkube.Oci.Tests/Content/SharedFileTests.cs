using Hyperkube.Oci.Content;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Content;

public sealed class SharedFileTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_file_that_its_writer_still_locks_can_be_read()
    {
        await using FileStream writer = new(_directory["file"], FileMode.CreateNew, FileAccess.Write, FileShare.None);
        await writer.WriteAsync("content"u8.ToArray(), Ct);
        await writer.FlushAsync(Ct);

        using StreamReader reader = new(SharedFile.OpenRead(_directory["file"]));

        Assert.Equal("content", await reader.ReadToEndAsync(Ct));
    }

    [Fact]
    public void A_reader_does_not_keep_others_from_the_lock()
    {
        File.WriteAllText(_directory["file"], "content");

        using var reader = SharedFile.OpenHandle(_directory["file"]);
        using FileStream writer = new(_directory["file"], FileMode.Open, FileAccess.Write, FileShare.None);

        Assert.Equal(7, RandomAccess.GetLength(reader));
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("missing/file")]
    [InlineData("file/file")]
    public void What_is_not_there_is_not_found_and_named(string path)
    {
        File.WriteAllText(_directory["file"], "content");

        var error = Assert.Throws<FileNotFoundException>(() => SharedFile.OpenRead(_directory[path]));

        Assert.Contains(_directory[path], error.Message, StringComparison.Ordinal);
    }
}
