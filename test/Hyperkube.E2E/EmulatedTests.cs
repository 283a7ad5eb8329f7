using Hyperkube.E2E.Images;
using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.E2E;

/// <summary>What is in the images of other platforms runs there; here, emulated.</summary>
[Collection(Alone.Name)]
public sealed class EmulatedTests(RealImages images)
{
    [Fact]
    public async Task The_arm64_images_kubectl_tells_its_version()
    {
        Machine.Needs("qemu-aarch64-static");
        using Sandbox sandbox = new("skopeo", "umoci");
        var version = (await File.ReadAllTextAsync(Machine.Input("kubectl-arm64/.version"), TestContext.Current.CancellationToken)).Trim();
        var bundle = await Bundle.UnpackAsync(sandbox, (await images.GzipAsync()).Layout, "arm64");

        var ended = await Run.ProgramAsync(
            "qemu-aarch64-static", ["-L", Machine.Input("root-arm64"), Path.Combine(bundle.Root, "kubectl"), "version", "--client"]);

        Assert.Contains($"Client Version: v{version}", ended.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("amd64", "x86_64")]
    [InlineData("arm64", "aarch64")]
    [InlineData("ppc64le", "ppc64le")]
    [InlineData("s390x", "s390x")]
    public async Task Sleep_waits_and_a_signal_ends_it_well_at_once(string architecture, string emulator)
    {
        Machine.Needs($"qemu-{emulator}-static", "tar");
        using TempDirectory work = new();
        await BuildStandInAsync(work, architecture);
        var first = new Layout(work["oci"], "v1.36.4").Layers(architecture)[0];
        (await Run.ProgramAsync("tar", ["-xzf", first, "-C", work.Path])).Well();

        foreach (var signal in (string[])["TERM", "INT"])
        {
            using var running = RunningProgram.Start($"qemu-{emulator}-static", [work["sleep"]]);
            await SleepProcess.WaitsAsync(running, () => running.Id);
            var ended = (await running.EndAsync(signal)).Well();
            Assert.True(ended.Elapsed < TimeSpan.FromMilliseconds(500), $"/sleep took {ended.Elapsed} after SIG{signal}");
        }
    }

    private static async Task BuildStandInAsync(TempDirectory work, string architecture)
    {
        Platform platform = new("linux", architecture);
        ReleaseTree.WriteFile(work["release"], "v1.36.4", platform, "kubectl", StandInProgram.Create(platform, "kubectl\n"));
        (await Exe.Here.RunAsync(
        [
            "build", "v1.36.4", "--source", work["release"], "--cache", work["cache"],
            "--platform", platform.ToString(), "--binary", "kubectl", "-o", $"oci:{work["oci"]}",
        ])).Well();
    }
}
