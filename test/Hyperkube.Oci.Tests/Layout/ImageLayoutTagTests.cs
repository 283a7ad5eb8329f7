using Hyperkube.Oci.Layout;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Layout;

public sealed class ImageLayoutTagTests : IDisposable
{
    private static readonly Descriptor One = Sample.Describe("one"u8, MediaTypes.Index);
    private static readonly Descriptor Other = Sample.Describe("other"u8, MediaTypes.Index);

    private readonly TempDirectory _directory = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string IndexPath => _directory["index.json"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Several_tags_live_side_by_side()
    {
        var layout = await OpenAsync();

        await layout.TagAsync(One, "v1", move: true, Ct);
        await layout.TagAsync(Other, "v2", move: true, Ct);
        await layout.TagAsync(One, "latest", move: true, Ct);

        Assert.Equal(
            (One.Digest, Other.Digest, One.Digest),
            ((await layout.ResolveAsync("v1", Ct))!.Digest, (await layout.ResolveAsync("v2", Ct))!.Digest,
                (await layout.ResolveAsync("latest", Ct))!.Digest));
        Assert.Null(await layout.ResolveAsync("v3", Ct));
    }

    [Fact]
    public async Task A_tag_moves_when_it_may()
    {
        var layout = await OpenAsync();
        await layout.TagAsync(One, "v1", move: true, Ct);

        await layout.TagAsync(Other, "v1", move: true, Ct);

        Assert.Equal(Other.Digest, Assert.Single(await layout.ListAsync(Ct)).Digest);
    }

    [Fact]
    public async Task A_tag_that_may_not_move_stays_and_both_digests_are_named()
    {
        var layout = await OpenAsync();
        await layout.TagAsync(One, "v1", move: true, Ct);
        var before = await File.ReadAllTextAsync(IndexPath, Ct);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => layout.TagAsync(Other, "v1", move: false, Ct).AsTask());

        Assert.Equal(ErrorKind.TagConflict, error.Kind);
        Assert.Contains(One.Digest.ToString(), error.Message, StringComparison.Ordinal);
        Assert.Contains(Other.Digest.ToString(), error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
        Assert.Equal(before, await File.ReadAllTextAsync(IndexPath, Ct));
    }

    [Fact]
    public async Task A_tag_that_may_not_move_may_be_set_to_what_it_is()
    {
        var layout = await OpenAsync();
        await layout.TagAsync(One, "v1", move: true, Ct);
        var before = await File.ReadAllTextAsync(IndexPath, Ct);

        await layout.TagAsync(One, "v1", move: false, Ct);

        Assert.Equal(before, await File.ReadAllTextAsync(IndexPath, Ct));
    }

    [Fact]
    public async Task The_order_of_tagging_leaves_no_trace()
    {
        using TempDirectory second = new();
        var (there, back) = (await OpenAsync(), await ImageLayout.OpenOrCreateAsync(second.Path, Ct));
        string[] tags = ["v1.9.0", "v1.10.0", "latest", "V1", "a_b", "a-b", "a.b"];

        foreach (var (forwards, backwards) in tags.Zip(tags.Reverse()))
        {
            await there.TagAsync(One, forwards, move: true, Ct);
            await back.TagAsync(One, backwards, move: true, Ct);
        }

        Assert.Equal(await File.ReadAllTextAsync(IndexPath, Ct), await File.ReadAllTextAsync(second["index.json"], Ct));
        Assert.Equal(
            "V1 a-b a.b a_b latest v1.10.0 v1.9.0",
            string.Join(' ', (await there.ListAsync(Ct)).Select(m => m.Annotation(Annotations.RefName))));
    }

    [Fact]
    public async Task Without_a_reference_the_only_image_is_meant()
    {
        var layout = await OpenAsync();
        Assert.Null(await layout.ResolveAsync(null, Ct));

        await layout.TagAsync(One, "v1", move: true, Ct);
        Assert.Equal(One.Digest, (await layout.ResolveAsync(null, Ct))!.Digest);

        await layout.TagAsync(Other, "v2", move: true, Ct);
        var error = await Assert.ThrowsAsync<HyperkubeException>(() => layout.ResolveAsync(null, Ct).AsTask());
        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Equal("add one of the tags: v1, v2", error.Hint);
    }

    [Fact]
    public async Task A_digest_is_a_reference_too()
    {
        var layout = await OpenAsync();
        await layout.TagAsync(One, "v1", move: true, Ct);

        Assert.Equal(One.Digest, (await layout.ResolveAsync(One.Digest.ToString(), Ct))!.Digest);
        Assert.Null(await layout.ResolveAsync(Other.Digest.ToString(), Ct));
    }

    [Fact]
    public async Task What_the_manifest_said_of_itself_is_kept()
    {
        var layout = await OpenAsync();
        var described = One with { Annotations = Annotations.Of([new("k", "v")]), Platform = Platform.Parse("linux/arm64") };

        await layout.TagAsync(described, "v1", move: true, Ct);

        var tagged = Assert.Single(await layout.ListAsync(Ct));
        Assert.Equal(("v", "v1", described.Platform), (tagged.Annotation("k"), tagged.Annotation(Annotations.RefName), tagged.Platform));
    }

    [Fact]
    public async Task What_a_foreign_tool_wrote_is_kept()
    {
        var layout = await OpenAsync();
        var hex = new string('a', 64);
        var entry = $$"""{"mediaType":"x","digest":"sha256:{{hex}}","size":7,"urls":["https://example.com"],"data":"e30="}""";
        await File.WriteAllTextAsync(
            IndexPath, $$$"""{"schemaVersion":2,"manifests":[{{{entry}}}],"annotations":{"x":"y"},"vendor":{"a":1}}""", Ct);

        await layout.TagAsync(One, "v1", move: true, Ct);

        var text = await File.ReadAllTextAsync(IndexPath, Ct);
        Assert.Contains(entry, text, StringComparison.Ordinal);
        Assert.EndsWith(""","annotations":{"x":"y"},"vendor":{"a":1}}""", text, StringComparison.Ordinal);
        Assert.Equal(2, (await layout.ListAsync(Ct)).Count);
    }

    [Fact]
    public async Task Two_processes_that_tag_at_once_lose_nothing()
    {
        var layouts = new[] { await OpenAsync(), await OpenAsync() };

        await Task.WhenAll(layouts.Select((layout, process) => TagManyAsync(layout, process)));

        Assert.Equal(100, (await layouts[0].ListAsync(Ct)).Count);
        Assert.Equal(["index.json", "oci-layout"], _directory.Files());
    }

    [Fact]
    public async Task Who_reads_while_another_process_tags_finds_a_whole_index()
    {
        var (writer, reader) = (await OpenAsync(), await OpenAsync());

        var writing = TagManyAsync(writer, process: 0);
        try
        {
            for (var seen = 0; !writing.IsCompleted;)
            {
                var now = (await reader.ListAsync(Ct)).Count;
                Assert.InRange(now, seen, 50);
                seen = now;
            }
        }
        finally
        {
            await writing;
        }
    }

    private static async Task TagManyAsync(ImageLayout layout, int process)
    {
        await Task.Yield();
        for (var i = 0; i < 50; i++)
        {
            await layout.TagAsync(One, $"v{process}.{i}", move: true, Ct);
        }
    }

    private Task<ImageLayout> OpenAsync() => ImageLayout.OpenOrCreateAsync(_directory.Path, Ct);
}
