using Hyperkube.E2E.Peers;

namespace Hyperkube.E2E;

/// <summary>umoci unpacks the image, and the runtimes below all engines run it without any rights.</summary>
[Collection(Alone.Name)]
public sealed class RuntimeTests(RealImages images)
{
    [Theory]
    [InlineData("amd64")]
    [InlineData("arm64")]
    public async Task Umoci_unpacks_what_went_in(string architecture)
    {
        using Sandbox sandbox = new("skopeo", "umoci");
        var image = await images.GzipAsync();

        var bundle = await Bundle.UnpackAsync(sandbox, image.Layout, architecture);

        await image.IsUnpackedInAsync(bundle.Root, architecture);
        Assert.Equal(["kubectl", "kubelet", "sleep"], Directory.EnumerateFileSystemEntries(bundle.Root).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("runc", "TERM")]
    [InlineData("runc", "INT")]
    [InlineData("crun", "TERM")]
    [InlineData("crun", "INT")]
    public async Task The_entrypoint_waits_without_any_rights_and_a_signal_ends_it_well_at_once(string runtime, string signal)
    {
        using Sandbox sandbox = new("skopeo", "umoci", runtime);
        var bundle = await Bundle.UnpackAsync(sandbox, (await images.GzipAsync()).Layout, "amd64");
        await bundle.HardenAsync();
        await using var container = Container.Start(sandbox, runtime, bundle);
        await SleepProcess.WaitsAsync(container.Program, container.Program.Child);
        var status = await File.ReadAllLinesAsync($"/proc/{container.Program.Child()}/status", TestContext.Current.CancellationToken);

        var ended = (await container.Program.EndAsync(signal)).Well();

        Assert.True(ended.Elapsed < TimeSpan.FromMilliseconds(500), $"{runtime} took {ended.Elapsed} after SIG{signal}");
        Assert.Contains("Uid:\t65532\t65532\t65532\t65532", status);
        Assert.Contains("CapBnd:\t0000000000000000", status);
        Assert.Contains("NoNewPrivs:\t1", status);
    }
}
