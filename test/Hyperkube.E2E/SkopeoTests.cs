using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hyperkube.E2E.Images;
using Hyperkube.E2E.Peers;

namespace Hyperkube.E2E;

/// <summary>skopeo reads and copies the image in every form.</summary>
public sealed class SkopeoTests(RealImages images)
{
    [Fact]
    public async Task Layout_and_archive_hold_the_index_that_the_build_told()
    {
        using Sandbox skopeo = new("skopeo");
        var image = await images.GzipAsync();

        foreach (var reference in (string[])[image.Layout.Reference, $"oci-archive:{image.OciArchive}:{image.Layout.Tag}"])
        {
            var raw = (await skopeo.RunAsync("skopeo", "inspect", "--raw", reference)).Well().Out;
            Assert.Equal(image.Digest, $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(raw)))}");
        }
    }

    [Theory]
    [InlineData("amd64")]
    [InlineData("arm64")]
    public async Task Each_platform_has_its_own_config(string architecture)
    {
        using Sandbox skopeo = new("skopeo");
        var image = await images.GzipAsync();
        string[] references = architecture == "amd64"
            ? [image.Layout.Reference, $"oci-archive:{image.OciArchive}", $"docker-archive:{image.DockerArchive}:{image.Name}"]
            : [image.Layout.Reference, $"oci-archive:{image.OciArchive}"];

        foreach (var reference in references)
        {
            using var config = JsonDocument.Parse(
                (await skopeo.RunAsync("skopeo", "--override-arch", architecture, "inspect", "--config", reference)).Text);
            var container = config.RootElement.GetProperty("config");
            Assert.Equal(architecture, config.RootElement.GetProperty("architecture").GetString());
            Assert.Equal("linux", config.RootElement.GetProperty("os").GetString());
            Assert.Equal("65532:65532", container.GetProperty("User").GetString());
            Assert.Equal(["/sleep"], container.GetProperty("Entrypoint").EnumerateArray().Select(e => e.GetString()));
            Assert.False(container.TryGetProperty("Env", out _));
        }
    }

    [Fact]
    public async Task Copies_of_the_whole_image_keep_its_digest()
    {
        using Sandbox skopeo = new("skopeo");
        var image = await images.GzipAsync();
        Layout copy = new(skopeo["copy"], "copied");

        await CopyAsync(skopeo, $"oci-archive:{image.OciArchive}", copy.Reference);
        await CopyAsync(skopeo, image.Layout.Reference, $"dir:{skopeo["dir"]}");

        Assert.Equal(image.Digest, copy.Digest);
        Assert.Equal(image.Digest, (await skopeo.RunAsync("skopeo", "manifest-digest", skopeo["dir/manifest.json"])).Text);
        Assert.Equal(image.Layout.Layers("arm64").Select(Path.GetFileName), copy.Layers("arm64").Select(Path.GetFileName));
    }

    [Fact]
    public async Task The_docker_archive_is_also_a_layout_with_the_manifest_that_the_index_names()
    {
        using Sandbox skopeo = new("skopeo");
        var image = await images.GzipAsync();
        Layout copy = new(skopeo["copy"], "copied");

        await CopyAsync(skopeo, $"oci-archive:{image.DockerArchive}", copy.Reference);

        Assert.Equal(image.Layout.ManifestDigest("amd64"), copy.Digest);
    }

    private static async Task CopyAsync(Sandbox skopeo, string from, string to) =>
        (await skopeo.RunAsync("skopeo", "--insecure-policy", "copy", "-q", "--all", "--preserve-digests", from, to)).Well();
}
