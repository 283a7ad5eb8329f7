using System.Text;
using Hyperkube.Oci.Images;

namespace Hyperkube.Oci.Tests.Images;

public sealed class ImageBuilderTests
{
    private static readonly ImageSettings Settings = new()
    {
        Platform = new Platform("linux", "arm64"),
        Created = new DateTimeOffset(2025, 11, 12, 13, 14, 15, 999, TimeSpan.FromHours(1)),
        Container = new ContainerConfig { User = "65532:65532", Entrypoint = ["/sleep"] },
        Annotations = Annotations.Of([new(Annotations.Version, "v1.34.2")]),
    };

    private static readonly (Layer Layer, string CreatedBy)[] Layers =
    [
        (new Layer(new Descriptor(MediaTypes.GzipLayer, Digest.Of("blob 1"u8), 6), Digest.Of("tar 1"u8)), "hyperkube: sleep"),
        (new Layer(new Descriptor(MediaTypes.GzipLayer, Digest.Of("blob 2"u8), 6), Digest.Of("tar 2"u8)), "hyperkube: kubelet"),
    ];

    // Golden: computed with Python's json and hashlib over the same fields.
    [Fact]
    public void The_same_layers_and_settings_make_the_same_documents_for_ever()
    {
        var image = ImageBuilder.Build(Settings, Layers);

        Assert.Equal(
            Digest.Parse("sha256:4eb51b481f2b7021253d05950444e197c75a9a1bd755855f1365affdad54cd66"), image.Config.Descriptor.Digest);
        Assert.Equal(
            Digest.Parse("sha256:ea251d73a9e2c4ed14e297a13c52b041aa8ebe907c8bbe4396be2ee296c792b1"), image.Manifest.Descriptor.Digest);
    }

    [Fact]
    public void Config_and_manifest_agree_about_the_layers_in_order()
    {
        var image = ImageBuilder.Build(Settings, Layers);

        var config = OciJson.ReadConfig(image.Config.Content.Span, "config");
        var manifest = OciJson.ReadManifest(image.Manifest.Content.Span, "manifest");

        Assert.Equal(Layers.Select(l => l.Layer.DiffId), config.RootFileSystem.DiffIds);
        Assert.Equal(["hyperkube: sleep", "hyperkube: kubelet"], config.History!.Select(h => h.CreatedBy).ToList());
        Assert.Equal(Layers.Select(l => l.Layer.Descriptor.Digest), manifest.Layers.Select(l => l.Digest));
        Assert.Equal(image.Config.Descriptor, manifest.Config);
    }

    [Fact]
    public void Documents_are_named_by_their_own_bytes()
    {
        var image = ImageBuilder.Build(Settings, Layers);
        var index = ImageBuilder.Index([image], Annotations.Of([]));

        Assert.All(
            [image.Config, image.Manifest, index],
            document => Assert.Equal(
                (Digest.Of(document.Content.Span), document.Content.Length), (document.Descriptor.Digest, document.Descriptor.Size)));
    }

    [Fact]
    public void The_platform_stands_in_the_index_and_in_the_config_and_not_in_the_manifest()
    {
        var image = ImageBuilder.Build(Settings with { Platform = new Platform("linux", "arm", "v7") }, Layers);

        var config = OciJson.ReadConfig(image.Config.Content.Span, "config");
        var index = OciJson.ReadIndex(ImageBuilder.Index([image], Annotations.Of([])).Content.Span, "index");

        Assert.Equal(("linux", "arm", "v7"), (config.Os, config.Architecture, config.Variant));
        Assert.Equal(new Platform("linux", "arm", "v7"), Assert.Single(index.Manifests).Platform);
        Assert.DoesNotContain("platform", Encoding.UTF8.GetString(image.Manifest.Content.Span), StringComparison.Ordinal);
    }

    [Fact]
    public void The_order_of_the_images_leaves_no_trace_in_the_index()
    {
        var images = "linux/s390x linux/amd64 linux/arm64".Split(' ')
            .Select(platform => ImageBuilder.Build(Settings with { Platform = Platform.Parse(platform) }, Layers)).ToList();

        var index = ImageBuilder.Index(images, Settings.Annotations);

        Assert.Equal(index.Descriptor, ImageBuilder.Index(Enumerable.Reverse(images), Settings.Annotations).Descriptor);
        Assert.Equal(
            "linux/amd64 linux/arm64 linux/s390x",
            string.Join(' ', OciJson.ReadIndex(index.Content.Span, "index").Manifests.Select(m => m.Platform)));
    }

    [Fact]
    public void Times_are_UTC_whole_seconds_and_the_same_everywhere()
    {
        var image = ImageBuilder.Build(Settings, Layers);

        var config = OciJson.ReadConfig(image.Config.Content.Span, "config");

        Assert.Equal("2025-11-12T12:14:15Z", config.Created);
        Assert.All(config.History!, entry => Assert.Equal("2025-11-12T12:14:15Z", entry.Created));
    }
}
