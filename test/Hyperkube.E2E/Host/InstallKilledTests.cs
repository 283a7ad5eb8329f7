using System.Globalization;
using System.Security.Cryptography;
using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E.Host;

/// <summary>kill -9 at any moment of an install over what is there: each destination is whole, the next run ends the work.</summary>
public sealed class InstallKilledTests
{
    private const int EveryFew = 9; // Of the many openat, unless all kills are wanted.

    // A thousand by hand: HYPERKUBE_KILLS=1000.
    private static readonly int? AllKills =
        int.TryParse(Machine.Variable("HYPERKUBE_KILLS"), CultureInfo.InvariantCulture, out var kills) ? kills : null;

    [Fact]
    public async Task At_random_moments_nothing_is_half_and_nothing_is_fetched_twice()
    {
        await using var scene = await HostScene.CreateAsync();
        var whole = (await scene.InstallAsync(scene.Pinned(HostScene.Old))).Well().Elapsed;
        var (fetchedAgain, switched, resumed) = (0, 0, 0);
        var kills = AllKills ?? 30;
        for (var i = 0; i < kills; i++)
        {
            var before = scene.VersionAt();
            var next = before == HostScene.Old ? HostScene.New : HostScene.Old;
            await KillAsync(scene.Words(scene.Pinned(next)), whole * (RandomNumberGenerator.GetInt32(1000) * 0.0012));
            _ = (scene.VersionAt(), scene.VersionAt("kubectl"));
            switched += scene.VersionAt() == next ? 1 : 0;

            var parts = Parts(scene);
            var asked = scene.Registry.Calls.Count;
            (await scene.InstallAsync(scene.Pinned(next))).Well();

            foreach (var (blob, length) in parts)
            {
                var size = scene.Registry.Content("hyperkube", blob).Length;
                var range = scene.Registry.Calls.Skip(asked)
                    .Where(c => c.Path.EndsWith(blob, StringComparison.Ordinal)).Select(c => c.Header("Range") ?? "all").ToList();
                fetchedAgain += range is [] || range[0].StartsWith($"bytes={length}-", StringComparison.Ordinal) ? 0 : 1;
                Assert.True(length < size || range is [], $"all of {blob} was there, and it was asked for: {string.Join(" ", range)}");
                resumed++;
            }

            foreach (var name in (string[])["kubelet", "kubectl"])
            {
                Assert.Equal(next, scene.VersionAt(name));
                Assert.Equal(before, scene.VersionOf(Path.Combine(scene.Bin, $".hyperkube-prev-{name}"), name));
                Assert.Equal(scene.DigestOf(next), scene.ReceiptOf($"/opt/bin/{name}").GetProperty("digest").GetString());
                Assert.Equal(
                    scene.DigestOf(before),
                    scene.ReceiptOf($"/opt/bin/{name}").GetProperty("previous").GetProperty("installed").GetProperty("digest").GetString());
            }

            Assert.Empty(scene.Leftovers());
        }

        Assert.Equal(0, fetchedAgain);
        TestContext.Current.SendDiagnosticMessage(
            "{0} kills within {1:F0} ms: {2} after the switch, {3} downloads resumed",
            kills, whole.TotalMilliseconds * 1.2, switched, resumed);
    }

    [Theory]
    [InlineData("renameat", 6)]
    [InlineData("linkat", 2)]
    [InlineData("unlinkat", 5)]
    [InlineData("fsync", 6)]
    [InlineData("fallocate", 1)]
    [InlineData("fchmod", 1)]
    [InlineData("openat", 30)]
    public async Task At_each_call_the_next_run_ends_the_work_and_rollback_restores_the_old_file(string call, int expected)
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        await CopyAsync(scene.Root, scene["template"]);
        var step = call == "openat" && AllKills is null ? EveryFew : 1;
        var killed = 0;
        for (var n = 1; ; n += step)
        {
            await CopyAsync(scene["template"], scene.Root);
            var ended = await Strace.InjectAsync(call, $"signal=KILL:when={n}", scene.Words(scene.Local(HostScene.New)));
            if (ended.Code != 137)
            {
                ended.Well();
                break;
            }

            killed++;
            _ = (scene.VersionAt(), scene.VersionAt("kubectl"));
            await CopyAsync(scene.Root, scene["killed"]);

            (await scene.InstallAsync(scene.Local(HostScene.New))).Well();
            IsAll(scene, HostScene.New);
            (await scene.RollbackAsync()).Well();
            IsAll(scene, HostScene.Old);

            // Going back at once: what is not begun is undone, what is begun is finished first.
            await CopyAsync(scene["killed"], scene.Root);
            Assert.Contains((await scene.RollbackAsync()).Code, (int[])[0, 3]);
            IsAll(scene, HostScene.Old);
        }

        Assert.True(killed * step >= expected, $"only {killed} calls of {call}");
    }

    [Theory]
    [InlineData("renameat", 4)]
    [InlineData("linkat", 4)]
    [InlineData("unlinkat", 6)]
    [InlineData("fsync", 5)]
    public async Task At_each_call_of_a_rollback_the_next_run_ends_the_work(string call, int expected)
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        (await scene.InstallAsync(scene.Local(HostScene.New))).Well();
        await CopyAsync(scene.Root, scene["template"]);
        var killed = 0;
        for (var n = 1; ; n++)
        {
            await CopyAsync(scene["template"], scene.Root);
            var ended = await Strace.InjectAsync(call, $"signal=KILL:when={n}", ["rollback", "--root", scene.Root]);
            if (ended.Code != 137)
            {
                ended.Well();
                break;
            }

            killed++;
            _ = (scene.VersionAt(), scene.VersionAt("kubectl"));
            Assert.Contains((await scene.RollbackAsync()).Code, (int[])[0, 3]); // 3: it had been done.
            IsAll(scene, HostScene.Old);
            var again = await scene.InstallAsync(scene.Local(HostScene.New));
            Assert.True(again.Code == 8, $"not on hold: {again.Code} {again.Error}");
        }

        Assert.True(killed >= expected, $"only {killed} calls of {call}");
    }

    // Also of a first install, of which no receipt knows.
    [Fact]
    public async Task What_a_killed_run_has_left_is_removed_by_the_next_one_wherever_that_goes()
    {
        await using var scene = await HostScene.CreateAsync();
        var ended = await Strace.InjectAsync("fallocate", "signal=KILL:when=1", scene.Words(scene.Pinned(HostScene.New), "--to", "/first"));
        Assert.Equal(137, ended.Code);
        Assert.NotEmpty(scene.Leftovers());

        (await scene.InstallAsync(scene.Pinned(HostScene.New))).Well();

        Assert.Empty(scene.Leftovers());
        Assert.Equal(["receipt.json"], Directory.EnumerateFiles(scene.State).Select(Path.GetFileName));
    }

    private static void IsAll(HostScene scene, string version)
    {
        foreach (var name in (string[])["kubelet", "kubectl"])
        {
            Assert.Equal(version, scene.VersionAt(name));
            Assert.Equal(version, scene.ReceiptOf($"/opt/bin/{name}").GetProperty("version").GetString());
        }

        Assert.Empty(scene.Leftovers());
    }

    private static List<(string Blob, long Length)> Parts(HostScene scene)
    {
        const string Prefix = ".hyperkube-part-";
        return [.. new DirectoryInfo(scene.Bin).EnumerateFiles($"{Prefix}*").Where(f => f.Length > 0)
            .Select(f => ($"sha256:{f.Name[Prefix.Length..]}", f.Length))];
    }

    private static async Task KillAsync(string[] command, TimeSpan after)
    {
        using var running = Exe.Here.Start(command);
        await Task.Delay(after, TestContext.Current.CancellationToken);
        running.Kill();
        _ = await running.EndAsync();
    }

    private static async Task CopyAsync(string from, string to) =>
        (await Run.ShellAsync("rm -rf \"$1\"; cp -a \"$0\" \"$1\"", from, to)).Well();
}
