using System.IO.Pipes;
using System.Text;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layout;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Layout;

public sealed class ArchiveReaderTests : IDisposable
{
    private const string EmptyIndex = """{"schemaVersion":2,"manifests":[]}""";

    private readonly TempDirectory _directory = new();
    private readonly MemoryStore _store = new();
    private readonly SampleImage _image;

    public ArchiveReaderTests() => _image = new SampleImage(_store);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string File => _directory["image.tar"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task An_image_is_read_back_whole()
    {
        await WriteImageAsync();
        MemoryStore back = new();

        using (var archive = await ArchiveReader.OpenAsync(File, Ct))
        {
            var root = await archive.ResolveAsync("v1", Ct);
            Assert.Equal(_image.Root.Digest, root!.Digest);
            await new ContentCopier(archive, back).CopyAsync(root, Ct);
        }

        Assert.All(_image.All, content => Assert.True(back.Holds(content)));
    }

    [Fact]
    public async Task The_only_image_needs_no_name_and_what_is_not_there_is_null()
    {
        await WriteImageAsync();
        using var archive = await ArchiveReader.OpenAsync(File, Ct);

        Assert.Equal(_image.Root.Digest, (await archive.ResolveAsync(null, Ct))!.Digest);
        Assert.Equal(_image.Root.Digest, (await archive.ResolveAsync(_image.Root.Digest.ToString(), Ct))!.Digest);
        Assert.Null(await archive.ResolveAsync("v2", Ct));
    }

    [Fact]
    public async Task An_archive_of_tar_itself_with_its_dots_and_directories_is_read()
    {
        await WriteAsync(
            RawTar.Entry("./", "", '5'), RawTar.Entry("./index.json", EmptyIndex), RawTar.Entry("./blobs/", "", '5'), RawTar.End);

        using var archive = await ArchiveReader.OpenAsync(File, Ct);

        Assert.Empty(await archive.ListAsync(Ct));
    }

    [Fact]
    public async Task Several_readers_do_not_disturb_each_other()
    {
        await WriteImageAsync();
        using var archive = await ArchiveReader.OpenAsync(File, Ct);

        await Parallel.ForEachAsync(Enumerable.Repeat(_image.All, 20).SelectMany(all => all), Ct, async (content, token) =>
        {
            await using var stream = await archive.OpenAsync(content, token);
            await stream.CopyToAsync(Stream.Null, token);
        });
    }

    [Fact]
    public async Task A_blob_that_is_not_there_is_not_found()
    {
        await WriteImageAsync();
        using var archive = await ArchiveReader.OpenAsync(File, Ct);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => archive.OpenAsync(Sample.Describe([]), Ct).AsTask());

        Assert.Equal(ErrorKind.NotFound, error.Kind);
    }

    [Fact]
    public async Task A_blob_that_is_not_what_its_name_says_is_noticed_when_it_is_read()
    {
        var content = Sample.Describe("kubelet"u8);
        await WriteAsync(
            RawTar.Entry("index.json", EmptyIndex), RawTar.Entry($"blobs/sha256/{content.Digest.Hex}", "kubeleT"), RawTar.End);
        using var archive = await ArchiveReader.OpenAsync(File, Ct);
        await using var stream = await archive.OpenAsync(content, Ct);

        await Assert.ThrowsAsync<DigestMismatchException>(() => Unpack.AllAsync(stream, Ct));
    }

    [Fact]
    public async Task A_missing_file_is_not_found_and_named()
    {
        var error = await Assert.ThrowsAsync<HyperkubeException>(() => ArchiveReader.OpenAsync(_directory["a/missing.tar"], Ct));

        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.Contains(_directory["a/missing.tar"], error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("<html><body>502 Bad Gateway</body></html>")]
    [InlineData("PK\u0003\u0004")]
    public async Task What_is_no_archive_is_refused_and_named(string content)
    {
        await System.IO.File.WriteAllTextAsync(File, content, Ct);

        await AssertBadAsync();
    }

    [Fact]
    public async Task A_compressed_archive_is_refused_and_named()
    {
        await WriteImageAsync();
        await System.IO.File.WriteAllBytesAsync(File, Unpack.Gzip(await System.IO.File.ReadAllBytesAsync(File, Ct)), Ct);

        await AssertBadAsync();
    }

    // A directory is the likeliest slip of all: oci-archive: where oci: was meant.
    [Fact]
    public async Task A_directory_is_no_archive()
    {
        Directory.CreateDirectory(File);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => ArchiveReader.OpenAsync(File, Ct));

        Assert.Contains(File, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_archive_that_ends_anywhere_before_its_end_is_refused()
    {
        await WriteImageAsync();
        var whole = await System.IO.File.ReadAllBytesAsync(File, Ct);
        int[] lengths =
            [1, 700, 1023, whole.Length - 1, .. Enumerable.Range(0, whole.Length / RawTar.Block).Select(block => block * RawTar.Block)];
        foreach (var length in lengths)
        {
            await System.IO.File.WriteAllBytesAsync(File, whole.AsMemory(0, length), Ct);

            await AssertBadAsync();
        }
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(long.MaxValue - 511)]
    [InlineData(1L << 40)]
    public async Task An_entry_that_is_larger_than_the_archive_is_refused(long size)
    {
        await WriteAsync(
            RawTar.Entry("index.json", EmptyIndex), RawTar.Header("a", 0, change: header => Layers.UstarReaderTests.Base256(header, size)),
            RawTar.End);

        await AssertBadAsync();
    }

    // The shell's <(command), which cannot be read in place.
    [Fact]
    public async Task A_pipe_is_no_archive()
    {
        await using AnonymousPipeServerStream pipe = new(PipeDirection.Out);

        var error = await Assert.ThrowsAsync<HyperkubeException>(
            () => ArchiveReader.OpenAsync($"/proc/self/fd/{pipe.GetClientHandleAsString()}", Ct));

        Assert.Contains("/proc/self/fd/", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_archive_of_an_old_docker_save_is_refused_with_advice()
    {
        await WriteAsync(RawTar.Entry("manifest.json", "[]"), RawTar.End);

        var error = await AssertBadAsync();

        Assert.Contains("skopeo copy", error.Hint!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("<html>")]
    [InlineData("""{"manifests":[{"mediaType":"c","digest":"sha256:../../../etc/passwd","size":1}]}""")]
    public async Task An_index_that_is_none_is_refused_and_named(string json)
    {
        await WriteAsync(RawTar.Entry("index.json", json), RawTar.End);
        using var archive = await ArchiveReader.OpenAsync(File, Ct);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => archive.ListAsync(Ct));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains(File, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_that_is_too_large_is_not_read()
    {
        await WriteAsync(RawTar.Entry("index.json", new byte[(4 << 20) + 1]), RawTar.End);
        using var archive = await ArchiveReader.OpenAsync(File, Ct);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => archive.ListAsync(Ct));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
    }

    [Fact]
    public async Task A_link_named_index_is_no_index()
    {
        await WriteAsync(
            RawTar.Entry("index.json", "", '2', header => Encoding.ASCII.GetBytes("/etc/passwd", header.AsSpan(157))), RawTar.End);

        await AssertBadAsync();
    }

    [Fact]
    public async Task Opening_that_is_cancelled_lets_go_of_the_file()
    {
        await WriteImageAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => ArchiveReader.OpenAsync(File, new CancellationToken(canceled: true)));

        await using var alone = new FileStream(File, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
    }

    private async Task<HyperkubeException> AssertBadAsync()
    {
        var error = await Assert.ThrowsAsync<HyperkubeException>(() => ArchiveReader.OpenAsync(File, Ct));
        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains(File, error.Message, StringComparison.Ordinal);
        return error;
    }

    private async Task WriteImageAsync()
    {
        ArchiveWriter archive = new(File, ArchiveFormat.Oci);
        await new ContentCopier(_store, archive).CopyAsync(_image.Root, Ct);
        await archive.TagAsync(_image.Root, "v1", move: true, Ct);
        await archive.CommitAsync(Ct);
    }

    private Task WriteAsync(params byte[][] parts) =>
        System.IO.File.WriteAllBytesAsync(File, [.. parts.SelectMany(part => part)], Ct);
}
