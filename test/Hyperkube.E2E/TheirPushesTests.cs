using System.Security.Cryptography;
using System.Text;
using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E;

/// <summary>What docker and podman push, we read as it is.</summary>
[Collection(Alone.Name)]
public sealed class TheirPushesTests : IDisposable
{
    private const string Version = "v1.36.4";
    private const string Name = "local/image:v1";
    private const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
    private const string OciManifest = "application/vnd.oci.image.manifest.v1+json";

    private readonly TempDirectory _work = new();

    public TheirPushesTests() => ReleaseTree.Write(_work["release"], Version, padTo: 300_000);

    private string Archive => _work["image.tar"];

    public void Dispose() => _work.Dispose();

    [Fact]
    public async Task What_docker_pushes_we_read()
    {
        await using var registry = await DockerRegistry.StartAsync();
        await using var docker = await Dockerd.StartAsync(onThisNetwork: true);
        var image = $"{registry.Address}/theirs:v1";
        await BuildAsync();

        (await docker.RunAsync("load", "-i", Archive)).Well();
        (await docker.RunAsync("tag", Name, image)).Well();
        (await docker.RunAsync("push", image)).Well();

        await ReadsAsItIsAsync(image, DockerManifest);
    }

    [Theory]
    [InlineData("oci", OciManifest)]
    [InlineData("v2s2", DockerManifest)]
    public async Task What_podman_pushes_we_read(string format, string mediaType)
    {
        await using var registry = await DockerRegistry.StartAsync();
        using Sandbox podman = new("podman", "crun");
        var image = $"{registry.Address}/theirs:v1";
        await BuildAsync();

        (await podman.RunAsync("podman", "load", "-q", "-i", Archive)).Well();
        (await podman.RunAsync("podman", "push", "--tls-verify=false", "--format", format, Name, image)).Well();

        await ReadsAsItIsAsync(image, mediaType);
    }

    private async Task BuildAsync() =>
        await Exe.Here.ResultAsync(
            ["build", Version, "--source", _work["release"], "--cache", _work["cache"], "-o", $"docker-archive:{Archive}:{Name}",
                "--platform", "linux/amd64"]);

    // The registry's bytes are the measure, whoever wrote them.
    private async Task ReadsAsItIsAsync(string image, string mediaType)
    {
        Machine.Needs("skopeo");
        var raw = (await Run.ProgramAsync("skopeo", ["inspect", "--raw", "--tls-verify=false", $"docker://{image}"])).Well().Out;
        var digest = $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(raw)))}";

        (await Exe.Here.RunAsync(["copy", image, $"oci:{_work["read"]}"])).Well();

        Assert.Contains(mediaType, raw, StringComparison.Ordinal);
        foreach (var place in (string[])[image, $"oci:{_work["read"]}"])
        {
            var seen = await Exe.Here.ResultAsync(["inspect", place]);
            Assert.Equal(digest, seen.GetProperty("digest").GetString());
            var binaries = seen.GetProperty("platforms")[0].GetProperty("binaries").EnumerateArray();
            Assert.Contains("/kubelet", binaries.Select(b => b.GetProperty("path").GetString()));
        }
    }
}
