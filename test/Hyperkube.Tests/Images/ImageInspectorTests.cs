using System.Text;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layers;
using Hyperkube.Oci.Layout;

namespace Hyperkube.Tests.Images;

public sealed class ImageInspectorTests : IDisposable
{
    private static readonly Platform Amd64 = new("linux", "amd64");

    private readonly TinyRelease _release = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _release.Dispose();

    [Fact]
    public async Task Our_image_says_what_is_in_it_and_only_its_first_layer_is_read()
    {
        var image = await _release.BuildAsync();
        foreach (var layer in (await InspectAsync(image.Index)).Platforms.SelectMany(p => p.Layers.Skip(1)))
        {
            File.Delete(PathOf(layer)); // What is not there cannot be read.
        }

        var contents = await InspectAsync(image.Index);

        Assert.Equal("v1.36.4 1970-01-01T00:00:00Z", $"{contents.Version} {contents.Created}");
        foreach (var (actual, built) in contents.Platforms.Zip(image.Platforms))
        {
            Assert.Equal(built.Manifest.Platform, actual.Platform);
            Assert.Equal(built.Size, actual.Size);
            Assert.Equal("65532:65532 /sleep", $"{actual.User} {string.Join(' ', actual.Entrypoint)}");
            Assert.Equal(
                "/sleep=False /kubelet=True /kubectl=True",
                string.Join(' ', actual.Files.Select(f => $"{f.Path}={f.IsClaim}")));
            Assert.Equal(built.Binaries.Select(b => (b.Digest.Hex, b.Size)), actual.Files.Skip(1).Select(f => (f.Sha256, f.Size)));
        }
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("zstd")]
    public async Task An_image_that_says_nothing_is_read(string compression)
    {
        var layout = await _release.LayoutAsync();
        var root = await ImageAsync(
            layout,
            await LayerAsync(layout, compression, ("sleep", "one"), ("etc/passwd", "two")),
            await LayerAsync(layout, compression, ("kubelet", "three")));

        var contents = await InspectAsync(root);

        Assert.Null(contents.Version);
        Assert.Equal(
            $"/etc/passwd={Sha256("two")} /sleep={Sha256("one")} /kubelet={Sha256("three")}",
            string.Join(' ', Assert.Single(contents.Platforms).Files.Select(f => $"{f.Path}={f.Sha256}")));
        Assert.All(contents.Platforms[0].Files, f => Assert.False(f.IsClaim));
    }

    // As a container of the image would see it.
    [Fact]
    public async Task A_file_that_a_higher_layer_replaces_is_shown_once_as_it_is_there()
    {
        var layout = await _release.LayoutAsync();
        var root = await ImageAsync(
            layout, await LayerAsync(layout, "gzip", ("kubelet", "old")), await LayerAsync(layout, "gzip", ("kubelet", "new")));

        var contents = await InspectAsync(root);

        Assert.Equal(Sha256("new"), Assert.Single(contents.Platforms[0].Files).Sha256);
    }

    // https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts
    [Theory]
    [InlineData("bin/kubelet bin/kubectl", "bin/.wh.kubelet", "/bin/kubectl")]
    [InlineData("bin/kubelet bin/kubectl kubelet", ".wh.bin", "/kubelet")]
    [InlineData("bin/kubelet bin/kubectl kubelet", "bin/.wh..wh..opq", "/kubelet")]
    [InlineData("bin/kubelet", "bin/kubectl bin/.wh..wh..opq", "/bin/kubectl")]
    [InlineData("bin/kubelet", "bin/.wh..wh..opq bin/kubectl", "/bin/kubectl")]
    [InlineData("kubelet", ".wh.kubelet kubelet", "/kubelet")]
    [InlineData("kubelet", "kubelet .wh.kubelet", "/kubelet")] // It hides what is below, not beside it.
    [InlineData("binary", ".wh.bin", "/binary")]
    public async Task What_a_higher_layer_removes_is_not_shown(string lower, string upper, string shown)
    {
        var layout = await _release.LayoutAsync();
        var root = await ImageAsync(layout, await TarLayerAsync(layout, lower), await TarLayerAsync(layout, upper));

        var contents = await InspectAsync(root);

        Assert.Equal(shown, string.Join(' ', contents.Platforms[0].Files.Select(f => f.Path)));
    }

    [Theory]
    [InlineData("dev.hyperkube.file.sha256", "not a digest")]
    [InlineData("dev.hyperkube.file.sha256", "\u001b[31m")]
    [InlineData("dev.hyperkube.file.size", "-1")]
    [InlineData("dev.hyperkube.file.size", "5 bytes")]
    [InlineData("dev.hyperkube.file.path", "kubelet")]
    [InlineData("dev.hyperkube.file.path", "")]
    public async Task A_claim_that_makes_no_sense_does_not_count(string key, string value)
    {
        var layout = await _release.LayoutAsync();
        var layer = await LayerAsync(layout, "gzip", ("kubelet", "content"));
        var claims = Annotations.Of(
        [
            new(NodeImageRecipe.FilePath, "/kubelet"),
            new(NodeImageRecipe.FileSha256, Sha256("content")),
            new(NodeImageRecipe.FileSize, "7"),
        ]);
        var root = await ImageAsync(layout, layer with { Descriptor = layer.Descriptor with { Annotations = claims.SetItem(key, value) } });

        var file = Assert.Single((await InspectAsync(root)).Platforms[0].Files);

        Assert.Equal($"/kubelet {Sha256("content")} 7 False", $"{file.Path} {file.Sha256} {file.Size} {file.IsClaim}");
    }

    [Theory]
    [InlineData("gzip", 0)]
    [InlineData("gzip", 12)]
    [InlineData("gzip", -1)]
    [InlineData("zstd", 0)]
    [InlineData("zstd", 12)]
    [InlineData("zstd", -1)]
    public async Task A_damaged_layer_that_has_to_be_read_is_wrong_content_and_no_bug(string compression, int at)
    {
        var layout = await _release.LayoutAsync();
        var layer = await LayerAsync(layout, compression, ("kubelet", "content"));
        var root = await ImageAsync(layout, layer);
        var blob = await File.ReadAllBytesAsync(PathOf(layer.Descriptor), Ct);
        blob[at < 0 ? blob.Length + at : at] ^= 0xFF;
        await File.WriteAllBytesAsync(PathOf(layer.Descriptor), blob, Ct);

        var error = await Assert.ThrowsAnyAsync<HyperkubeException>(() => InspectAsync(root));

        Assert.True(error.Kind is ErrorKind.BadDigest or ErrorKind.BadContent, error.ToString());
    }

    [Fact]
    public async Task A_single_manifest_is_an_image_too()
    {
        var image = await _release.BuildAsync();

        var contents = await InspectAsync(image.Platforms[1].Manifest);

        Assert.Equal("linux/arm64", Assert.Single(contents.Platforms).Platform.ToString());
        Assert.Equal("v1.36.4", contents.Version);
    }

    // BuildKit keeps its attestations so.
    [Fact]
    public async Task Manifests_for_an_unknown_platform_are_no_images()
    {
        var image = await _release.BuildAsync();
        var layout = await _release.LayoutAsync();
        var attestation = image.Platforms[0].Manifest with { Platform = new Platform("unknown", "unknown") };

        var contents = await InspectAsync(await PutAsync(layout, MediaTypes.Index, OciJson.Write(new ImageIndex
        {
            MediaType = MediaTypes.Index,
            Manifests = [image.Platforms[1].Manifest, attestation],
        })));

        Assert.Equal("linux/arm64", Assert.Single(contents.Platforms).Platform.ToString());
    }

    [Fact]
    public async Task What_is_no_image_is_refused()
    {
        var layout = await _release.LayoutAsync();
        var root = await PutAsync(layout, "text/plain", "hello"u8.ToArray());

        Assert.Equal(ErrorKind.BadContent, (await Assert.ThrowsAsync<HyperkubeException>(() => InspectAsync(root))).Kind);
    }

    private static string Sha256(string text) => Digest.Of(Encoding.UTF8.GetBytes(text)).Hex;

    private string PathOf(Descriptor blob) => Path.Combine(_release.LayoutPath, "blobs", "sha256", blob.Digest.Hex);

    private async Task<ImageContents> InspectAsync(Descriptor root) =>
        await new ImageInspector(await _release.LayoutAsync()).InspectAsync(root, Ct);

    private static async Task<Descriptor> ImageAsync(ImageLayout layout, params IReadOnlyList<Layer> layers)
    {
        var image = ImageBuilder.Build(
            new ImageSettings
            {
                Platform = Amd64,
                Created = DateTimeOffset.UnixEpoch,
                Container = new ContainerConfig(),
                Annotations = Annotations.Of(null),
            },
            [.. layers.Select(l => (l, "by hand"))]);
        await PutAsync(layout, image.Config.Descriptor.MediaType, image.Config.Content.ToArray());
        return await PutAsync(layout, image.Manifest.Descriptor.MediaType, image.Manifest.Content.ToArray());
    }

    private static async Task<Layer> LayerAsync(
        ImageLayout layout, string compression, params IReadOnlyList<(string Path, string Text)> files)
    {
        await using var staged = layout.Stage();
        var layer = await new LayerWriter(LayerCompression.Parse(compression, null), jobs: 1).WriteAsync(
            [
                .. files.Select(f => new LayerFile(
                    f.Path, FileModes.Executable, Descriptor.Of(MediaTypes.Bytes, Encoding.UTF8.GetBytes(f.Text)),
                    () => new MemoryStream(Encoding.UTF8.GetBytes(f.Text)))),
            ],
            staged.Content, progress: null, Ct);
        layout.Commit(staged, layer.Descriptor.Digest);
        return layer;
    }

    // Empty files in the order in which they are named, as foreign tars hold them.
    private static async Task<Layer> TarLayerAsync(ImageLayout layout, string paths)
    {
        using MemoryStream tar = new();
        UstarWriter writer = new(tar);
        foreach (var path in paths.Split(' '))
        {
            await writer.AddFileAsync(path, FileModes.Plain, size: 0, Stream.Null, Ct);
        }

        await writer.FinishAsync(Ct);
        return new Layer(await PutAsync(layout, MediaTypes.TarLayer, tar.ToArray()), Digest.Of(tar.ToArray()));
    }

    private static async Task<Descriptor> PutAsync(ImageLayout layout, string mediaType, byte[] content)
    {
        var descriptor = Descriptor.Of(mediaType, content);
        await layout.PutAsync(descriptor, (_, _) => ValueTask.FromResult<Stream>(new MemoryStream(content)), Ct);
        return descriptor;
    }
}
