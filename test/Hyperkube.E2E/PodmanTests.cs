using Hyperkube.E2E.Images;
using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E;

/// <summary>podman loads, copies from and runs the image.</summary>
[Collection(Alone.Name)]
public sealed class PodmanTests(RealImages images)
{
    // Without rights to raise limits, and in the hybrid hierarchy of cgroups, podman's own settings fail.
    private static readonly string[] Here = ["--cgroups=disabled", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];

    [Fact]
    public async Task Podman_loads_the_docker_archive_under_its_name()
    {
        using Sandbox podman = new("podman", "crun");
        var image = await images.GzipAsync();

        (await podman.RunAsync("podman", "load", "-q", "-i", image.DockerArchive)).Well();

        await BinariesComeOutAsync(podman, image.Name, image);
    }

    [Fact]
    public async Task Podman_loads_this_machines_platform_from_the_oci_archive()
    {
        using Sandbox podman = new("podman", "crun");
        var image = await images.GzipAsync();

        await BinariesComeOutAsync(podman, await LoadAsync(podman, image.OciArchive), image);
    }

    [Fact]
    public async Task Podman_loads_an_image_of_zstd_layers()
    {
        using Sandbox podman = new("podman", "crun");
        var image = await images.ZstdAsync();

        await BinariesComeOutAsync(podman, await LoadAsync(podman, image.OciArchive), image);
    }

    [Theory]
    [InlineData("--cap-drop", "all")]
    [InlineData("--cap-drop", "all", "--read-only", "--security-opt", "no-new-privileges")]
    public async Task It_runs_as_nobody_without_capabilities_and_stops_at_once(params string[] flags)
    {
        using Sandbox podman = new("podman", "crun", "conmon");
        var image = await images.GzipAsync();
        (await podman.RunAsync("podman", "load", "-q", "-i", image.DockerArchive)).Well();
        (await podman.RunAsync(["podman", "run", "-d", "--name", "it", "--network", "none", .. Here, .. flags, image.Name])).Well();
        var status = await File.ReadAllLinesAsync(
            $"/proc/{(await podman.RunAsync("podman", "inspect", "-f", "{{.State.Pid}}", "it")).Text}/status",
            TestContext.Current.CancellationToken);

        var stopped = (await podman.RunAsync("podman", "stop", "-t", "5", "it")).Well();

        Assert.True(stopped.Elapsed < TimeSpan.FromSeconds(2), $"podman stop took {stopped.Elapsed}");
        Assert.Equal("0", (await podman.RunAsync("podman", "inspect", "-f", "{{.State.ExitCode}}", "it")).Text);
        Assert.Contains("Uid:\t65532\t65532\t65532\t65532", status);
        Assert.Contains("Gid:\t65532\t65532\t65532\t65532", status);
        Assert.Contains("CapBnd:\t0000000000000000", status);
        (await podman.RunAsync("podman", "rm", "it")).Well();
    }

    [Fact]
    public async Task Build_loads_into_podman_by_itself()
    {
        using Sandbox podman = new("podman", "crun");
        var release = await images.ReleaseAsync();

        (await podman.RunAsync(
            "env", "DOCKER_HOST=unix:///nonexistent", $"DOTNET_ROOT={Machine.Variable("DOTNET_ROOT")}", Exe.Here.Program,
            "build", release.Version, "--source", release.Directory, "--cache", podman["cache"],
            "--verify", "checksum", "--load", "--tag", "local/by-itself:tested", "--compression", "gzip:1")).Well();

        (await podman.RunAsync("podman", "image", "exists", "local/by-itself:tested")).Well();
    }

    private static async Task<string> LoadAsync(Sandbox podman, string archive)
    {
        const string Loaded = "Loaded image: ";
        var said = (await podman.RunAsync("podman", "load", "-q", "-i", archive)).Text;
        Assert.StartsWith(Loaded, said, StringComparison.Ordinal);
        return said[Loaded.Length..];
    }

    private static async Task BinariesComeOutAsync(Sandbox podman, string name, RealImage image)
    {
        Directory.CreateDirectory(podman["out"]);
        (await podman.RunAsync("podman", "create", "--name", "it", name)).Well();
        foreach (var binary in (string[])["kubelet", "kubectl"])
        {
            (await podman.RunAsync("podman", "cp", $"it:/{binary}", podman[$"out/{binary}"])).Well();
        }

        await image.IsUnpackedInAsync(podman["out"], "amd64");
    }
}
