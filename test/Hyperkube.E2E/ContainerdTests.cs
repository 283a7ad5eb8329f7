using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E;

/// <summary>containerd imports and mounts the image.</summary>
[Collection(Alone.Name)]
public sealed class ContainerdTests(RealImages images)
{
    [Fact]
    public async Task Ctr_imports_both_platforms_of_the_oci_archive_under_its_name()
    {
        await using var containerd = await Containerd.StartAsync();
        using TempDirectory copies = new();
        var image = await images.GzipAsync();

        (await containerd.RunAsync("images", "import", "--all-platforms", image.OciArchive)).Well();

        Assert.Equal($"docker.io/{image.Name}", (await containerd.RunAsync("images", "ls", "-q")).Text);
        Assert.Contains(image.Digest, (await containerd.RunAsync("images", "ls")).Text, StringComparison.Ordinal);
        foreach (var architecture in (string[])["amd64", "arm64"])
        {
            await containerd.CopyOutAsync($"docker.io/{image.Name}", architecture, copies[architecture]);
            await image.IsUnpackedInAsync(copies[architecture], architecture);
        }
    }

    [Fact]
    public async Task Ctr_imports_the_docker_archive_under_its_name()
    {
        await using var containerd = await Containerd.StartAsync();
        using TempDirectory copies = new();
        var image = await images.GzipAsync();

        (await containerd.RunAsync("images", "import", image.DockerArchive)).Well();
        await containerd.CopyOutAsync($"docker.io/{image.Name}", "amd64", copies["amd64"]);

        Assert.Equal($"docker.io/{image.Name}", (await containerd.RunAsync("images", "ls", "-q")).Text);
        await image.IsUnpackedInAsync(copies["amd64"], "amd64");
    }

    [Fact]
    public async Task Ctr_imports_an_image_of_zstd_layers()
    {
        await using var containerd = await Containerd.StartAsync();
        using TempDirectory copies = new();
        var image = await images.ZstdAsync();

        (await containerd.RunAsync("images", "import", image.OciArchive)).Well();
        await containerd.CopyOutAsync($"docker.io/{image.Name}", "amd64", copies["amd64"]);

        await image.IsUnpackedInAsync(copies["amd64"], "amd64");
    }

    [Fact]
    public async Task Build_loads_into_containerd_by_itself()
    {
        await using var containerd = await Containerd.StartAsync();
        using TempDirectory work = new();
        var release = await images.ReleaseAsync();
        Directory.CreateDirectory(work["bin"]); // The only engine's client there is.
        File.CreateSymbolicLink(work["bin/ctr"], "/usr/bin/ctr");

        var result = await Exe.Here.ResultAsync(
            [
                "build", release.Version, "--source", release.Directory, "--cache", work["cache"],
                "--load", "--tag", "local/by-itself:tested", "--compression", "gzip:1",
            ],
            new Dictionary<string, string>(containerd.ClientEnvironment) { ["PATH"] = work["bin"] });

        Assert.Equal("containerd:local/by-itself:tested", result.GetProperty("outputs")[0].GetString());
        Assert.Equal("docker.io/local/by-itself:tested", (await containerd.RunAsync("images", "ls", "-q")).Text);
    }
}
