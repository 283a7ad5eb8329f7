using Hyperkube.Oci.Layout;
using Hyperkube.Oci.Tests.Fixtures;

namespace Hyperkube.Oci.Tests.Layout;

/// <summary>What <see cref="ArchiveWriter"/> adds for <c>docker load</c>.</summary>
public sealed class DockerArchiveTests
{
    private readonly MemoryStore _store = new();
    private readonly SampleImage _image;

    public DockerArchiveTests() => _image = new SampleImage(_store);

    // Golden: skopeo reads it; whoever pins an archive's checksum pins these bytes.
    [Fact]
    public async Task The_same_image_makes_the_same_archive_for_ever() =>
        Assert.Equal(
            Digest.Parse("sha256:4f4ea878388c33ec9319cec80eb5c80f9679613d74715009862c445bb07e2a02"),
            Digest.Of(await WriteAsync((_image.Manifests.First(), "v1", Archives.Name))));

    [Fact]
    public async Task Docker_finds_config_name_and_layers_bottom_first()
    {
        var image = _image.Images[0];

        var tar = await WriteAsync((image.Manifest.Descriptor, "v1", Archives.Name));

        Assert.Equal(
            $$"""[{"Config":"{{Archives.PathOf(image.Config.Descriptor)}}","RepoTags":["example.com/kubelet:v1"],"""
            + $$"""
            "Layers":["{{Archives.PathOf(_image.Shared)}}","{{Archives.PathOf(_image.Own[0])}}"]}]
            """,
            await ManifestAsync(tar));
    }

    [Fact]
    public async Task The_names_stand_before_the_documents_and_the_layers()
    {
        var tar = await WriteAsync((_image.Manifests.First(), "v1", Archives.Name));

        Assert.Equal("manifest.json", (await RawTar.ReadAsync(tar))[2].Entry.Path);
    }

    [Fact]
    public async Task Docker_knows_the_names_of_its_own_hub_by_their_short_form()
    {
        var tar = await WriteAsync(
            (_image.Manifests.First(), "v1", (RegistryReference)ImageReference.Parse("docker.io/library/kubelet:v1")));

        Assert.Contains("\"RepoTags\":[\"kubelet:v1\"]", await ManifestAsync(tar), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_image_has_its_own_names()
    {
        var tar = await WriteAsync(
            (_image.Manifests.First(), "amd64", Archives.Tagged("amd64")), (_image.Manifests.Last(), "arm64", Archives.Tagged("arm64")));

        var manifest = await ManifestAsync(tar);
        Assert.Contains("\"RepoTags\":[\"example.com/kubelet:amd64\"]", manifest, StringComparison.Ordinal);
        Assert.Contains("\"RepoTags\":[\"example.com/kubelet:arm64\"]", manifest, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_order_of_the_tags_leaves_no_trace()
    {
        var (amd64, arm64) = (_image.Manifests.First(), _image.Manifests.Last());

        var there = await WriteAsync((amd64, "amd64", Archives.Tagged("amd64")), (arm64, "arm64", Archives.Tagged("arm64")));
        var back = await WriteAsync((arm64, "arm64", Archives.Tagged("arm64")), (amd64, "amd64", Archives.Tagged("amd64")));

        Assert.Equal(Digest.Of(there), Digest.Of(back));
    }

    [Fact]
    public async Task An_index_is_refused()
    {
        var error = await Assert.ThrowsAsync<HyperkubeException>(() => WriteAsync((_image.Root, "v1", Archives.Name)));

        Assert.Equal(ErrorKind.Usage, error.Kind);
    }

    private static async Task<string> ManifestAsync(byte[] tar) =>
        (await RawTar.ReadAsync(tar)).Single(file => file.Entry.Path == "manifest.json").Content;

    private Task<byte[]> WriteAsync(params (Descriptor Manifest, string Tag, RegistryReference Name)[] tags) =>
        Archives.WriteAsync(ArchiveFormat.Docker, _store, _image.All, tags);
}
