using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layout;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Layout;

public sealed class ImageLayoutTests : IDisposable
{
    private static readonly byte[] Kubelet = Sample.Bytes(5000);
    private static readonly Descriptor Content = Sample.Describe(Kubelet);

    private readonly TempDirectory _directory = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string BlobPath => _directory[$"blobs/sha256/{Content.Digest.Hex}"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_new_layout_is_a_marker_and_an_empty_index()
    {
        await OpenAsync();

        Assert.Equal(["index.json", "oci-layout"], _directory.Files());
        Assert.Equal("""{"imageLayoutVersion":"1.0.0"}""", await File.ReadAllTextAsync(_directory["oci-layout"], Ct));
        Assert.Equal(
            """{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}""",
            await File.ReadAllTextAsync(_directory["index.json"], Ct));
    }

    [Fact]
    public async Task Opening_again_changes_nothing()
    {
        await OpenAsync();
        await File.WriteAllTextAsync(_directory["oci-layout"], """{ "imageLayoutVersion": "1.0.0" }""", Ct);

        await OpenAsync();

        Assert.Equal("""{ "imageLayoutVersion": "1.0.0" }""", await File.ReadAllTextAsync(_directory["oci-layout"], Ct));
    }

    [Fact]
    public void A_directory_without_an_index_is_no_layout()
    {
        var error = Assert.Throws<HyperkubeException>(() => ImageLayout.Open(_directory.Path));

        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.Contains(_directory.Path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_put_stands_under_its_digest_for_everybody_to_read()
    {
        var layout = await OpenAsync();
        Assert.False(await layout.HasAsync(Content, Ct));

        await PutAsync(layout, Content, Kubelet);

        Assert.True(await layout.HasAsync(Content, Ct));
        Assert.Equal(FileModes.Plain, File.GetUnixFileMode(BlobPath));
        await using var read = await ImageLayout.Open(_directory.Path).OpenAsync(Content, Ct);
        Assert.Equal(Kubelet, await Unpack.AllAsync(read, Ct));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Content_that_is_not_what_it_says_leaves_nothing(int more)
    {
        var layout = await OpenAsync();
        var changed = Kubelet.ToArray();
        Array.Resize(ref changed, Kubelet.Length + more);
        changed[0] ^= 1;

        await Assert.ThrowsAsync<DigestMismatchException>(() => PutAsync(layout, Content, changed));

        Assert.Equal(["index.json", "oci-layout"], _directory.Files());
    }

    [Fact]
    public async Task Every_failing_read_leaves_nothing_and_the_next_try_succeeds()
    {
        var layout = await OpenAsync();
        for (var failAt = 1; ; failAt++)
        {
            IOException fault = new("the line is gone");
            var error = await Record.ExceptionAsync(() => layout.PutAsync(
                Content, (_, _) => new ValueTask<Stream>(new FaultyStream(new TrickleStream(Kubelet, 1000), failAt, () => fault)), Ct).AsTask());

            if (error is null)
            {
                Assert.Equal(7, failAt); // Five reads, and one that sees the end.
                Assert.True(await layout.HasAsync(Content, Ct));
                return;
            }

            Assert.Same(fault, error);
            Assert.Equal(["index.json", "oci-layout"], _directory.Files());
        }
    }

    [Fact]
    public async Task A_missing_blob_is_not_found_and_named()
    {
        var layout = await OpenAsync();

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => layout.OpenAsync(Content, Ct).AsTask());

        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.Contains(Content.Digest.ToString(), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_blob_is_noticed_when_it_is_read_and_replaced_when_it_is_put()
    {
        var layout = await OpenAsync();
        var damaged = Kubelet.ToArray();
        damaged[2500] ^= 1;
        await File.WriteAllBytesAsync(BlobPath, damaged, Ct);

        await using (var read = await layout.OpenAsync(Content, Ct))
        {
            await Assert.ThrowsAsync<DigestMismatchException>(() => Unpack.AllAsync(read, Ct));
        }

        await PutAsync(layout, Content, Kubelet);

        await using var again = await layout.OpenAsync(Content, Ct);
        Assert.Equal(Kubelet, await Unpack.AllAsync(again, Ct));
    }

    [Fact]
    public async Task A_truncated_blob_does_not_count_as_there()
    {
        var layout = await OpenAsync();
        await File.WriteAllBytesAsync(BlobPath, Kubelet.AsMemory(0, 4999), Ct);

        Assert.False(await layout.HasAsync(Content, Ct));
    }

    [Fact]
    public async Task A_blob_of_the_right_size_and_other_bytes_is_not_there_and_is_replaced()
    {
        var layout = await OpenAsync();
        await File.WriteAllBytesAsync(BlobPath, new byte[Kubelet.Length], Ct);

        Assert.False(await layout.HasAsync(Content, Ct));
        await PutAsync(layout, Content, Kubelet);

        Assert.True(await layout.HasAsync(Content, Ct));
    }

    [Fact]
    public async Task A_blob_whose_digest_is_known_last_is_staged_and_committed()
    {
        var layout = await OpenAsync();
        await using (var staged = layout.Stage())
        {
            await staged.Content.WriteAsync(Kubelet, Ct);
            Assert.False(await layout.HasAsync(Content, Ct));

            layout.Commit(staged, Content.Digest);
        }

        Assert.True(await layout.HasAsync(Content, Ct));
    }

    [Fact]
    public async Task What_killed_processes_left_is_removed_and_what_living_ones_write_is_not()
    {
        var layout = await OpenAsync();
        await using var alive = layout.Stage();
        var living = Assert.Single(_directory.Files(), file => file.Contains("stage", StringComparison.Ordinal));
        var dead = $"{Path.GetFileName(living)[..^4]}dead";
        await File.WriteAllTextAsync(_directory[dead], "half", Ct);
        await File.WriteAllTextAsync(_directory[$"blobs/sha256/{dead}"], "half", Ct);

        await OpenAsync();

        Assert.Equal([living, "index.json", "oci-layout"], _directory.Files());
    }

    [Fact]
    public async Task An_image_is_copied_in_and_out_whole()
    {
        MemoryStore store = new();
        SampleImage image = new(store);
        MemoryStore back = new();

        await new ContentCopier(store, await OpenAsync()).CopyAsync(image.Root, Ct);
        await new ContentCopier(await OpenAsync(), back).CopyAsync(image.Root, Ct);

        Assert.All(image.All, content => Assert.True(back.Holds(content)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("<html>")]
    [InlineData("""{"manifests":[null]}""")]
    public async Task An_index_that_is_none_is_refused_and_named(string json)
    {
        var layout = await OpenAsync();
        await File.WriteAllTextAsync(_directory["index.json"], json, Ct);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => layout.ListAsync(Ct));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains(_directory["index.json"], error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_without_end_is_not_read()
    {
        var layout = await OpenAsync();
        await using (var index = File.OpenWrite(_directory["index.json"]))
        {
            index.SetLength(5L << 30);
        }

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => layout.ListAsync(Ct));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
    }

    private static async Task PutAsync(ImageLayout layout, Descriptor content, byte[] bytes) =>
        await layout.PutAsync(content, (_, _) => new ValueTask<Stream>(new MemoryStream(bytes)), Ct);

    private Task<ImageLayout> OpenAsync() => ImageLayout.OpenOrCreateAsync(_directory.Path, Ct);
}
