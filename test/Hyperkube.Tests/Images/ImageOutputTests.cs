using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Layout;

namespace Hyperkube.Tests.Images;

public sealed class ImageOutputTests : IDisposable
{
    private static readonly Platform Other = new("linux", Platform.Host.Architecture == "s390x" ? "ppc64le" : "s390x");

    private readonly TinyRelease _release = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _release.Dispose();

    [Fact]
    public void The_only_platform_is_the_one() => Assert.Equal(Other, ImageOutput.OnePlatform([Other], "here"));

    [Fact]
    public void Of_several_platforms_this_hosts_is_the_one() =>
        Assert.Equal(Platform.Host, ImageOutput.OnePlatform([Other, Platform.Host], "here"));

    [Fact]
    public void Of_several_foreign_platforms_none_is_the_one()
    {
        var error = Assert.Throws<HyperkubeException>(() => ImageOutput.OnePlatform([Other, new Platform("linux", "riscv64")], "here"));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.StartsWith("here: takes one platform, and none of ", error.Message, StringComparison.Ordinal);
        Assert.Contains("--platform", error.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hyperkube", "hyperkube:v1.36.4")]
    [InlineData("hyperkube:mine", "hyperkube:mine")]
    [InlineData("registry.example/a/hyperkube", "registry.example/a/hyperkube:v1.36.4")]
    public async Task An_engine_knows_it_under_its_name_and_the_release_unless_a_tag_was_given(string given, string name)
    {
        var image = await _release.BuildAsync();

        Assert.Equal(name, (await OutputAsync(image, given)).Name);
    }

    [Fact]
    public async Task A_tag_that_stands_for_other_content_stays()
    {
        var first = await _release.BuildAsync();
        var second = await _release.BuildAsync(created: DateTimeOffset.UnixEpoch.AddYears(1));
        LayoutReference reference = new(_release.LayoutPath, "v1");
        await (await OutputAsync(first)).ToAsync(await _release.LayoutAsync(), reference.Tag, moveTag: false, Ct);

        var error = await Assert.ThrowsAsync<HyperkubeException>(async () =>
            await (await OutputAsync(second)).ToAsync(await _release.LayoutAsync(), reference.Tag, moveTag: false, Ct));

        Assert.Equal(ErrorKind.TagConflict, error.Kind);
        Assert.Equal(first.Index.Digest, (await (await _release.LayoutAsync()).ResolveAsync("v1", Ct))!.Digest);
    }

    [Fact]
    public async Task Several_releases_live_side_by_side_and_share_what_is_the_same()
    {
        var first = await _release.BuildAsync();
        var blobs = _release.LayoutFiles.Count();
        var second = await _release.BuildAsync(created: DateTimeOffset.UnixEpoch.AddYears(1));

        var layout = await _release.LayoutAsync();
        await (await OutputAsync(first)).ToAsync(layout, "a", moveTag: false, Ct);
        await (await OutputAsync(second)).ToAsync(layout, "b", moveTag: false, Ct);

        var tags = await (await _release.LayoutAsync()).ListAsync(Ct);
        Assert.Equal("a b", string.Join(' ', tags.Select(t => t.Annotation(Annotations.RefName))));
        Assert.Equal(blobs + 5, _release.LayoutFiles.Count()); // Two configs, two manifests, an index; no layer.
    }

    [Theory]
    [InlineData(ArchiveFormat.Oci)]
    [InlineData(ArchiveFormat.Docker)]
    public async Task An_archive_is_the_same_bytes_every_time(ArchiveFormat format)
    {
        var image = await _release.BuildAsync();
        var path = Path.Combine(Path.GetDirectoryName(_release.LayoutPath)!, "image.tar");

        await (await OutputAsync(image)).ToArchiveAsync(new ArchiveReference(format, path, null), Ct);
        var once = await File.ReadAllBytesAsync(path, Ct);
        await (await OutputAsync(image)).ToArchiveAsync(new ArchiveReference(format, path, null), Ct);

        Assert.Equal(Digest.Of(once), Digest.Of(await File.ReadAllBytesAsync(path, Ct)));
    }

    private async Task<ImageOutput> OutputAsync(NodeImage image, string name = "hyperkube") =>
        new(await _release.LayoutAsync(), image, "v1.36.4", RegistryReference.TryParseLocalName(name)!);
}
