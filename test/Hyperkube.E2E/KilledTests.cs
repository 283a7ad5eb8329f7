using System.Globalization;
using System.Security.Cryptography;
using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E;

/// <summary>kill -9 at any moment: the next run finishes the work, and does not do again what was done.</summary>
public sealed class KilledTests : IDisposable
{
    private const string Version = "v1.36.4";
    private const int FileBytes = 12_000_000;
    private const int Kills = 15;

    // Two hundred by hand: HYPERKUBE_KILLS=100.
    private static readonly int Copies = int.TryParse(Machine.Variable("HYPERKUBE_KILLS"), CultureInfo.InvariantCulture, out var kills) ? kills : Kills;

    private readonly TempDirectory _work = new();

    public KilledTests() => ReleaseTree.Write(_work["release"], Version, FileBytes);

    private string[] Fetch(ReleaseSite site) =>
        ["fetch", Version, "--source", site.Url.ToString(), "--cache", _work["cache"], "--to", _work["usb"]];

    private string[] Build(string output) =>
        ["build", Version, "--source", _work["release"], "--cache", _work["cache"], "-o", output];

    public void Dispose() => _work.Dispose();

    [Fact]
    public async Task A_killed_fetch_goes_on_where_it_was()
    {
        await using var site = ReleaseSite.Start(_work["release"]);
        for (var i = 0; i < Kills; i++)
        {
            await KillAsync(Fetch(site), TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(20, 400)));
        }

        (await Exe.Here.RunAsync(Fetch(site))).Well();

        // What was in flight between a server and a killed client is lost, but never what had arrived: the sockets of one
        // process hold a few megabytes.
        var payload = site.BytesFor("/kubelet") + site.BytesFor("/kubectl");
        Assert.InRange(payload, 4L * FileBytes, (4L * FileBytes) + (Kills * 8_000_000L));
        Assert.Empty(Leftovers());
        Assert.Empty(Directory.EnumerateFileSystemEntries(_work["cache/partial"]));

        var before = site.Requests.Count;
        var again = await Exe.Here.ResultAsync(Fetch(site));
        Assert.All(again.GetProperty("files").EnumerateArray(), f => Assert.Equal("present", f.GetProperty("action").GetString()));
        Assert.DoesNotContain(site.Requests.Skip(before), r => r.Request.Path.EndsWith("/kubelet", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("oci:")]
    [InlineData("oci-archive:")]
    [InlineData("docker-archive:")]
    public async Task A_killed_build_leaves_nothing_half(string transport)
    {
        var expected = (await Exe.Here.ResultAsync(Build($"oci:{_work["expected"]}"))).GetProperty("digest").GetString();
        var output = _work["out/image"];
        for (var i = 0; i < Kills; i++)
        {
            await KillAsync(Build(transport + output), TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(20, 900)));
            Assert.True(transport == "oci:" || !File.Exists(output) || await IsWholeAsync(transport + output), "half an archive");
        }

        var digest = (await Exe.Here.ResultAsync(Build(transport + output))).GetProperty("digest").GetString();

        Assert.Equal(expected, digest);
        Assert.True(await IsWholeAsync(transport + output));
        Assert.Empty(Leftovers());
    }

    // No tag whose children are missing, and each run finds what the killed one has brought.
    [Fact]
    public async Task A_killed_copy_leaves_no_half_image_and_goes_on()
    {
        await using var here = await DockerRegistry.StartAsync();
        await using var there = await DockerRegistry.StartAsync();
        var image = $"{here.Address}/hyperkube:{Version}";
        var expected = (await Exe.Here.ResultAsync(Build(image))).GetProperty("digest").GetString();
        foreach (var destination in (string[])[$"{there.Address}/hyperkube:{Version}", $"oci:{_work["copied"]}:{Version}"])
        {
            for (var i = 0; i < Copies; i++)
            {
                await KillAsync(["copy", image, destination], TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(5, 500)));
                var seen = await Exe.Here.RunAsync(["inspect", destination]);
                Assert.True(seen.Code is 0 or 3, $"half an image: {seen.Error}");
            }

            (await Exe.Here.RunAsync(["copy", image, destination])).Well();
            var digest = (await Exe.Here.ResultAsync(["inspect", destination])).GetProperty("digest").GetString();
            Assert.Equal(expected, digest);
        }

        (await Exe.Here.RunAsync(["copy", $"oci:{_work["copied"]}:{Version}", $"oci-archive:{_work["whole.tar"]}"])).Well();
        Assert.Empty(Leftovers());
    }

    private static async Task KillAsync(string[] command, TimeSpan after)
    {
        using var running = Exe.Here.Start(command);
        await Task.Delay(after, TestContext.Current.CancellationToken);
        running.Kill();
        _ = await running.EndAsync();
    }

    private static async Task<bool> IsWholeAsync(string reference) => (await Exe.Here.RunAsync(["inspect", reference])).Code == 0;

    private string[] Leftovers() =>
        Directory.GetFileSystemEntries(_work.Path, ".hyperkube-*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None });
}
