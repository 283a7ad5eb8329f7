using System.Text;
using System.Text.Json;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layers;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Images;

/// <summary>Whoever pins a digest relies on what stands in the golden files here. If one must change, every image gets a new
/// digest: say so in the change log.</summary>
public sealed class NodeImageRecipeTests : IDisposable
{
    private const string Goldens = "test/Hyperkube.Tests/Images/Golden";

    private readonly TinyRelease _release = new();

    public void Dispose() => _release.Dispose();

    // Python's tarfile makes the same first layer of sleep-amd64.elf: its diff ID was computed there too.
    [Theory]
    [InlineData("amd64")]
    [InlineData("arm64")]
    public async Task The_config_with_its_diff_IDs_is_the_same_for_ever(string architecture)
    {
        var image = await _release.BuildAsync();
        var manifest = await ManifestAsync(image, architecture);

        var config = await _release.DocumentAsync(manifest.Config);

        Assert.Equal(Golden.TextFor($"{Goldens}/config-{architecture}.json", Text(config)), Text(config));
    }

    // The layers are made up, so that the manifest does not depend on who compresses.
    [Fact]
    public void The_manifest_around_the_layers_is_the_same_for_ever()
    {
        var manifest = MadeUp().Manifest;

        Assert.Equal(Golden.TextFor($"{Goldens}/manifest.json", Text(manifest.Content)), Text(manifest.Content));
        Assert.Equal(manifest.Descriptor.Digest, Digest.Of(manifest.Content.Span));
    }

    [Fact]
    public void The_index_around_the_manifests_is_the_same_for_ever()
    {
        var index = ImageBuilder.Index([MadeUp()], NodeImageRecipe.ImageAnnotations(
            TinyRelease.Version, DateTimeOffset.FromUnixTimeSeconds(1_750_000_000), [BinaryName.Kubectl, BinaryName.Kubelet]));

        Assert.Equal(Golden.TextFor($"{Goldens}/index.json", Text(index.Content)), Text(index.Content));
    }

    // Compressed bytes are a promise of the published exe alone; here the runtime is whichever is installed.
    [Theory]
    [InlineData("gzip")]
    [InlineData("zstd")]
    public async Task The_compressed_image_is_the_same_for_ever(string compression)
    {
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("HYPERKUBE_GOLDEN_COMPRESSED") == "1",
            "compressed bytes depend on the runtime; HYPERKUBE_GOLDEN_COMPRESSED=1 says that it is the pinned one");

        var image = await _release.BuildAsync(compression: LayerCompression.Parse(compression, null));

        var digests = $"index {image.Index.Digest}\n"
            + string.Concat(image.Platforms.Select(p => $"{p.Manifest.Platform} {p.Manifest.Digest}\n"));
        Assert.Equal(Golden.TextFor($"{Goldens}/digests-{compression}.txt", digests), digests);
    }

    [Fact]
    public async Task The_image_runs_sleep_as_nobody_in_particular_and_brings_no_environment()
    {
        var manifest = await ManifestAsync(await _release.BuildAsync(), "amd64");

        using var config = JsonDocument.Parse(await _release.DocumentAsync(manifest.Config));

        var container = config.RootElement.GetProperty("config");
        Assert.Equal("65532:65532", container.GetProperty("User").GetString());
        Assert.Equal("/sleep", Assert.Single(container.GetProperty("Entrypoint").EnumerateArray()).GetString());
        Assert.False(container.TryGetProperty("Env", out _));
        Assert.False(container.TryGetProperty("Cmd", out _));
        Assert.False(container.TryGetProperty("WorkingDir", out _));
    }

    [Fact]
    public async Task The_time_that_is_given_stands_in_config_history_annotations_and_nowhere_else()
    {
        var early = await _release.BuildAsync();
        var late = await _release.BuildAsync(created: DateTimeOffset.FromUnixTimeSeconds(1_750_000_000));

        var config = OciJson.ReadConfig(await _release.DocumentAsync((await ManifestAsync(late, "amd64")).Config), "config");
        Assert.Equal("2025-06-15T15:06:40Z", config.Created);
        Assert.All(config.History!, h => Assert.Equal("2025-06-15T15:06:40Z", h.Created));
        Assert.Equal("2025-06-15T15:06:40Z", config.Container!.Labels![Annotations.Created]);
        Assert.Equal(
            (await ManifestAsync(early, "amd64")).Layers.Select(l => l.Digest),
            (await ManifestAsync(late, "amd64")).Layers.Select(l => l.Digest));
    }

    [Fact]
    public async Task Index_manifests_and_labels_say_the_same()
    {
        var image = await _release.BuildAsync();

        var index = OciJson.ReadIndex(await _release.DocumentAsync(image.Index), "index");
        var manifest = await ManifestAsync(image, "arm64");
        var config = OciJson.ReadConfig(await _release.DocumentAsync(manifest.Config), "config");
        Assert.Equal(index.Annotations, manifest.Annotations);
        Assert.Equal(index.Annotations, config.Container!.Labels);
        Assert.Equal("v1.36.4", index.Annotations![Annotations.Version]);
    }

    // "oras pull" would write the compressed blob under that name.
    [Fact]
    public async Task No_layer_has_a_title() => Assert.All(
        (await ManifestAsync(await _release.BuildAsync(), "amd64")).Layers, layer => Assert.Null(layer.Annotation(Annotations.Title)));

    private static Image MadeUp()
    {
        static Layer Layer(string name) =>
            new(Descriptor.Of(MediaTypes.GzipLayer, Encoding.UTF8.GetBytes(name)), Digest.Of(Encoding.UTF8.GetBytes($"{name} tar")));

        return NodeImageRecipe.Image(
            TinyRelease.Version,
            new Platform("linux", "arm64"),
            DateTimeOffset.FromUnixTimeSeconds(1_750_000_000),
            Layer("first"),
            [(BinaryName.Kubectl, Layer("kubectl")), (BinaryName.Kubelet, Layer("kubelet"))]);
    }

    private async Task<ImageManifest> ManifestAsync(NodeImage image, string architecture) =>
        await _release.ManifestAsync(image.Platforms.Single(p => p.Manifest.Platform!.Architecture == architecture).Manifest);

    private static string Text(ReadOnlyMemory<byte> json) => Encoding.UTF8.GetString(json.Span);
}
