using System.Text.Json;
using Hyperkube.E2E.Images;
using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E;

/// <summary>dockerd loads, copies from and runs the image.</summary>
[Collection(Alone.Name)]
public sealed class DockerTests(RealImages images, DockerWithImage docker) : IClassFixture<DockerWithImage>
{
    [Fact]
    public async Task Docker_loads_the_archive_under_its_name()
    {
        var (dockerd, loaded) = await docker.LoadedAsync(await images.GzipAsync());

        Assert.Contains($"Loaded image: {(await images.GzipAsync()).Name}", loaded, StringComparison.Ordinal);
        var image = await InspectAsync(dockerd, (await images.GzipAsync()).Name);
        Assert.Equal("amd64", image.GetProperty("Architecture").GetString());
        Assert.Equal("65532:65532", image.GetProperty("Config").GetProperty("User").GetString());
        Assert.Equal(3, image.GetProperty("RootFS").GetProperty("Layers").GetArrayLength());
    }

    [Fact]
    public async Task Both_binaries_can_be_copied_out_of_a_created_container()
    {
        var image = await images.GzipAsync();
        var (dockerd, _) = await docker.LoadedAsync(image);
        using TempDirectory copies = new();
        var container = (await dockerd.RunAsync("create", image.Name)).Text;

        foreach (var name in (string[])["kubelet", "kubectl"])
        {
            (await dockerd.RunAsync("cp", $"{container}:/{name}", copies[name])).Well();
            (await dockerd.SaveAsync(copies[$"{name}.tar"], "cp", $"{container}:/{name}", "-")).Well();
        }

        await image.IsUnpackedInAsync(copies.Path, "amd64");
        await image.IsInTarAsync(copies["kubelet.tar"], "amd64", "kubelet");
        await image.IsInTarAsync(copies["kubectl.tar"], "amd64", "kubectl");
        (await dockerd.RunAsync("rm", container)).Well();
    }

    [Theory]
    [InlineData]
    [InlineData("--user", "0:0")]
    [InlineData("--user", "1234:5678")]
    [InlineData("--cap-drop", "all")]
    [InlineData("--read-only")]
    [InlineData("--user", "1234", "--cap-drop", "all", "--read-only", "--security-opt", "no-new-privileges")]
    public async Task The_default_entrypoint_waits_and_stops_within_a_second(params string[] flags)
    {
        var image = await images.GzipAsync();
        var (dockerd, _) = await docker.LoadedAsync(image);
        var container = (await dockerd.RunAsync(["run", "-d", "--network", "none", .. flags, image.Name])).Text;
        Assert.Equal("true", (await dockerd.RunAsync("inspect", "-f", "{{.State.Running}}", container)).Text);

        var stopped = (await dockerd.RunAsync("stop", container)).Well();

        Assert.True(stopped.Elapsed < TimeSpan.FromSeconds(1), $"docker stop took {stopped.Elapsed}");
        Assert.Equal("0", (await dockerd.RunAsync("inspect", "-f", "{{.State.ExitCode}}", container)).Text);
        (await dockerd.RunAsync("rm", container)).Well();
    }

    [Fact]
    public async Task Build_loads_into_docker_by_itself()
    {
        var release = await images.ReleaseAsync();
        var (dockerd, _) = await docker.LoadedAsync(await images.GzipAsync());
        using TempDirectory cache = new();

        var result = await Exe.Here.ResultAsync(
            [
                "build", release.Version, "--source", release.Directory, "--cache", cache.Path,
                "--load", "--tag", "local/by-itself:tested", "--compression", "gzip:1",
            ],
            dockerd.ClientEnvironment);

        Assert.Equal("docker:local/by-itself:tested", result.GetProperty("outputs")[0].GetString());
        var image = await InspectAsync(dockerd, "local/by-itself:tested");
        Assert.Equal("/sleep", image.GetProperty("Config").GetProperty("Entrypoint")[0].GetString());
        Assert.Empty(cache.Files());
    }

    private static async Task<JsonElement> InspectAsync(Dockerd dockerd, string image)
    {
        using var json = JsonDocument.Parse((await dockerd.RunAsync("image", "inspect", image)).Text);
        return json.RootElement[0].Clone();
    }
}

/// <summary>A dockerd with the image in it, started when the first test asks.</summary>
public sealed class DockerWithImage : IAsyncDisposable
{
    private Dockerd? _dockerd;
    private string? _loaded;

    /// <summary>The engine, and what it said when it loaded the image.</summary>
    internal async Task<(Dockerd Dockerd, string Loaded)> LoadedAsync(RealImage image)
    {
        _dockerd ??= await Dockerd.StartAsync();
        _loaded ??= (await _dockerd.RunAsync("load", "-i", image.DockerArchive)).Text;
        return (_dockerd, _loaded);
    }

    public ValueTask DisposeAsync() => _dockerd?.DisposeAsync() ?? ValueTask.CompletedTask;
}
