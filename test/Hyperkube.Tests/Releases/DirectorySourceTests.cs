using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases;

public sealed class DirectorySourceTests : IDisposable
{
    private static readonly Digest Any = Digest.Of("any"u8);

    private readonly TempDirectory _directory = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_directory_that_is_not_there_is_a_bad_call()
    {
        var error = Assert.Throws<HyperkubeException>(() => new DirectorySource(_directory["none"]));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Contains(_directory["none"], error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_is_used_where_it_lies()
    {
        await File.WriteAllTextAsync(_directory["kubelet"], "content", Ct);

        using var file = await new DirectorySource(_directory.Path).FetchAsync("kubelet", Any, Quiet.Step, Ct);

        Assert.NotNull(file);
        Assert.Equal(_directory["kubelet"], file.Path);
        Assert.Equal(Digest.Of("content"u8), file.Sha256);
        Assert.True(file.WasCached);
        Assert.Equal("kubelet", string.Join(' ', _directory.Files()));
    }

    [Fact]
    public async Task A_text_comes_without_the_white_space_around_it()
    {
        await File.WriteAllTextAsync(_directory["stable.txt"], " v1.36.4\r\n", Ct);

        Assert.Equal("v1.36.4", await new DirectorySource(_directory.Path).ReadTextAsync("stable.txt", Ct));
    }

    [Theory]
    [InlineData("stable.txt")]
    [InlineData("v1.36.4/bin/linux/amd64/kubelet")]
    [InlineData("file/below/a/file")]
    public async Task What_is_not_there_is_nothing(string path)
    {
        await File.WriteAllTextAsync(_directory["file"], "", Ct);
        DirectorySource source = new(_directory.Path);

        Assert.Null(await source.ReadTextAsync(path, Ct));
        Assert.Null(await source.FetchAsync(path, Any, Quiet.Step, Ct));
    }

    [Fact]
    public async Task A_text_may_have_4096_bytes_and_no_more()
    {
        DirectorySource source = new(_directory.Path);
        await File.WriteAllTextAsync(_directory["fits"], new string('a', 4096), Ct);
        await File.WriteAllTextAsync(_directory["not"], new string('a', 4097), Ct);

        Assert.Equal(4096, (await source.ReadTextAsync("fits", Ct))!.Length);
        Assert.Equal(ErrorKind.BadContent, (await Assert.ThrowsAsync<HyperkubeException>(() => source.ReadTextAsync("not", Ct))).Kind);
    }

    [Fact]
    public async Task A_file_larger_than_any_binary_is_refused_before_it_is_read()
    {
        using (var huge = File.Create(_directory["huge"]))
        {
            huge.SetLength((1L << 30) + 1); // Takes no room.
        }

        var error = await Assert.ThrowsAsync<HyperkubeException>(() =>
            new DirectorySource(_directory.Path).FetchAsync("huge", Any, Quiet.Step, Ct));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains("1 GiB", error.Message, StringComparison.Ordinal);
    }
}
