using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E.Host;

/// <summary>The host refuses, at every call of an install in turn: exit code 7, nothing half, receipt and files agree, and the next run
/// works.</summary>
public sealed class RefusedTests
{
    [Theory]
    [InlineData("fallocate", "ENOSPC", 1)]
    [InlineData("pwrite64", "ENOSPC", 3)]
    [InlineData("fsync", "ENOSPC", 6)]
    [InlineData("fsync", "EIO", 6)]
    [InlineData("renameat", "ENOSPC", 6)]
    [InlineData("fchmod", "EPERM", 1)]
    [InlineData("fchown", "EPERM", 1)]
    [InlineData("unlinkat", "EIO", 5)]
    [InlineData("openat", "EMFILE", 4, "opt/bin")]
    [InlineData("openat", "EIO", 3, "var/lib/hyperkube")]
    [InlineData("statx", "EIO", 8, "opt/bin")]
    [InlineData("statx", "EIO", 3, "var/lib/hyperkube")]
    public async Task At_each_call_of_an_install(string call, string error, int expected, string? only = null)
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        await CopyAsync(scene.Root, scene["template"]);
        var (refused, other) = (0, 0);
        for (var n = 1; n < 60 && other < 2; n++) // Twice in a row: no thread has so many.
        {
            await CopyAsync(scene["template"], scene.Root);
            var ended = await Strace.InjectAsync(
                call, $"error={error}:when={n}", scene.Words(scene.Local(HostScene.New)),
                only is null ? null : Path.Combine(scene.Root, only));
            Assert.True(ended.Code is 0 or 7, $"{call} {n}: exit code {ended.Code}\n{ended.Out}{ended.Error}");
            Agrees(scene, ended.Code == 0 ? HostScene.New : HostScene.Old);
            var isTold = ended.Code == 7 || ended.Error.Contains("hyperkube: warning: ", StringComparison.Ordinal);
            (refused, other) = isTold ? (refused + 1, 0) : (refused, other + 1);

            (await scene.InstallAsync(scene.Local(HostScene.New))).Well();
            Agrees(scene, HostScene.New);
            Assert.Empty(scene.Leftovers());
            Assert.Equal(HostScene.Old, scene.VersionOf(Path.Combine(scene.Bin, ".hyperkube-prev-kubelet")));
        }

        Assert.True(refused >= expected, $"only {refused} calls of {call}");
    }

    [Fact]
    public async Task At_each_directory_of_a_first_install()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        var refused = 0;
        for (var n = 1; n < 20; n++, refused++)
        {
            (await Run.ShellAsync("rm -rf \"$0\"; mkdir \"$0\"", scene.Root)).Well();
            var ended = await Strace.InjectAsync("mkdirat", $"error=EROFS:when={n}", scene.Words(scene.Local(HostScene.New)));
            if (ended.Code == 0)
            {
                break;
            }

            Assert.Equal(7, ended.Code);
            Assert.False(File.Exists(scene.Kubelet));
            (await scene.InstallAsync(scene.Local(HostScene.New))).Well();
            Agrees(scene, HostScene.New);
        }

        Assert.True(refused >= 5, $"only {refused} calls of mkdirat"); // var, lib, hyperkube, opt, bin
    }

    // Whoever protects the kept file does not stop the installs that come after it, nor the way back.
    [Fact]
    public async Task A_kept_file_that_must_not_change_stands_in_nobodys_way()
    {
        Machine.Needs("chattr");
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.New))).Well();
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        var kept = Path.Combine(scene.Bin, ".hyperkube-prev-kubelet");
        (await Run.ProgramAsync("chattr", ["+i", kept])).Well();
        try
        {
            foreach (var version in (string[])[HostScene.New, HostScene.New])
            {
                var ended = (await scene.InstallAsync(scene.Local(version))).Well();
                Assert.Contains("the next run tidies up", ended.Error, StringComparison.Ordinal);
                Agrees(scene, version);
            }

            (await scene.RollbackAsync()).Well();
            Agrees(scene, HostScene.Old);
        }
        finally
        {
            (await Run.ProgramAsync("chattr", ["-i", kept])).Well();
        }

        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        Assert.Empty(scene.Leftovers());
    }

    // Until the receipt is written, everything is put back: the next call after it only tidies up.
    [Fact]
    public async Task A_receipt_that_cannot_be_written_undoes_the_switch()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        var stamp = File.GetLastWriteTimeUtc(scene.Kubelet);

        // 1 the intent, 2 and 3 the files, 4 the receipt.
        var ended = await Strace.InjectAsync("renameat", "error=ENOSPC:when=4", scene.Words(scene.Local(HostScene.New)));

        Assert.Equal(7, ended.Code);
        Assert.Contains("receipt.json", ended.Error, StringComparison.Ordinal);
        Agrees(scene, HostScene.Old);
        Assert.Equal(stamp, File.GetLastWriteTimeUtc(scene.Kubelet));
        Assert.Empty(scene.Leftovers());
    }

    [Fact]
    public async Task A_refused_rollback_leaves_nothing_and_works_the_next_time()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        (await scene.InstallAsync(scene.Local(HostScene.New))).Well();

        var ended = await Strace.InjectAsync("renameat", "error=ENOSPC:when=3", ["rollback", "--root", scene.Root]);

        Assert.Equal(7, ended.Code);
        Agrees(scene, HostScene.New);
        Assert.Empty(scene.Leftovers());
        (await scene.RollbackAsync()).Well();
        Agrees(scene, HostScene.Old);
    }

    [Theory]
    [InlineData("size=1m", "No space left", "kubectl")]
    [InlineData("size=5m", "No space left", "kubectl")]
    [InlineData("size=6m,nr_inodes=3", "No space left", "kubectl")]
    public async Task A_target_that_is_too_small_stays_as_it_is(string options, string message, string old)
    {
        await using var scene = await HostScene.CreateAsync();
        var ended = await scene.PrivatelyAsync(
            """
            mkdir -p "$0/root/opt/bin"
            mount -t tmpfs -o "$1" tmpfs "$0/root/opt/bin"
            shift
            echo old >"$0/root/opt/bin/kubectl"
            code=0
            "$@" || code=$?
            ls -A "$0/root/opt/bin"
            cat "$0/root/opt/bin/kubectl"
            exit $code
            """,
            [options, Exe.Here.Program, .. scene.Words(scene.Pinned(HostScene.New))]);

        Assert.Equal(7, ended.Code);
        Assert.Contains(message, ended.Error, StringComparison.Ordinal);
        Assert.EndsWith($"}}\n{old}\nold\n", ended.Out, StringComparison.Ordinal);
        if (!options.Contains("inodes", StringComparison.Ordinal))
        {
            var layer = LayerOf(scene);
            Assert.DoesNotContain(scene.Registry.Calls, c => c.Method == "GET" && c.Path.EndsWith(layer, StringComparison.Ordinal));
        }
    }

    // The state's disk is full: whatever was to be written down first is not, so nothing happens.
    [Fact]
    public async Task A_full_disk_of_the_state_changes_nothing()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        var ended = await scene.PrivatelyAsync(
            """
            mkdir "$0/small"
            mount -t tmpfs -o size=8k tmpfs "$0/small"
            cp -a "$0/root/var/lib/hyperkube/receipt.json" "$0/small"
            mount --bind "$0/small" "$0/root/var/lib/hyperkube"
            code=0
            "$@" || code=$?
            ls -A "$0/small"
            exit $code
            """,
            [Exe.Here.Program, .. scene.Words(scene.Local(HostScene.New))]);

        Assert.Equal(7, ended.Code);
        Assert.EndsWith("}\nreceipt.json\n", ended.Out, StringComparison.Ordinal);
        Agrees(scene, HostScene.Old);
        Assert.Empty(scene.Leftovers());
    }

    // What an abandoned download of another image has left must not stand in the way of this one for ever.
    [Fact]
    public async Task What_came_of_another_image_makes_room()
    {
        await using var scene = await HostScene.CreateAsync();
        var ended = await scene.PrivatelyAsync(
            """
            mkdir -p "$0/root/opt/bin"
            mount -t tmpfs -o size=8m tmpfs "$0/root/opt/bin"
            head -c 3000000 /dev/zero >"$0/root/opt/bin/.hyperkube-part-$(printf %064d 1)"
            "$@"
            ls -A "$0/root/opt/bin"
            """,
            [Exe.Here.Program, .. scene.Words(scene.Pinned(HostScene.New), "kubelet")]);

        Assert.EndsWith("}\nkubelet", ended.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mount --bind \"$0/root/opt\" \"$0/root/opt\"; mount -o remount,bind,ro \"$0/root/opt\"", "Read-only file system")]
    [InlineData("chattr +i \"$0/root/opt/bin\"", "Operation not permitted")]
    [InlineData("chattr +i \"$0/root/opt/bin/kubelet\"", "Operation not permitted")]
    [InlineData("chattr +i \"$0/root/opt/bin/kubectl\"", "Operation not permitted")]
    public async Task A_target_that_must_not_change_does_not(string make, string message)
    {
        Machine.Needs("chattr");
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        var ended = await scene.PrivatelyAsync(
            $$"""
            {{make}}
            code=0
            "$@" || code=$?
            chattr -i "$0/root/opt/bin" "$0/root/opt/bin/kubelet" "$0/root/opt/bin/kubectl" || true
            exit $code
            """,
            [Exe.Here.Program, .. scene.Words(scene.Local(HostScene.New))]);

        Assert.Equal(7, ended.Code);
        Assert.Contains(message, ended.Error, StringComparison.Ordinal);
        Assert.Contains("/opt/bin", ended.Error, StringComparison.Ordinal);
        Agrees(scene, HostScene.Old);
        Assert.Empty(scene.Leftovers());
        (await scene.InstallAsync(scene.Local(HostScene.New))).Well();
    }

    // The runtime stops its threads with signals, and an allocation on a tmpfs is interrupted by them.
    [Fact]
    public async Task An_interrupted_allocation_is_no_full_disk()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);

        (await Strace.InjectAsync("fallocate", "error=EINTR:when=1", scene.Words(scene.Local(HostScene.New)))).Well();

        Agrees(scene, HostScene.New);
    }

    private static string LayerOf(HostScene scene)
    {
        var index = System.Text.Json.JsonDocument.Parse(scene.Registry.Content("hyperkube", scene.DigestOf(HostScene.New))).RootElement;
        var manifest = index.GetProperty("manifests")[0].GetProperty("digest").GetString()!;
        return System.Text.Json.JsonDocument.Parse(scene.Registry.Content("hyperkube", manifest)).RootElement
            .GetProperty("layers").EnumerateArray().Last().GetProperty("digest").GetString()!;
    }

    private static void Agrees(HostScene scene, string version)
    {
        foreach (var name in (string[])["kubelet", "kubectl"])
        {
            Assert.Equal(version, scene.VersionAt(name));
            Assert.Equal(version, scene.ReceiptOf($"/opt/bin/{name}").GetProperty("version").GetString());
        }
    }

    private static async Task CopyAsync(string from, string to) =>
        (await Run.ShellAsync("rm -rf \"$1\"; cp -a \"$0\" \"$1\"", from, to)).Well();
}
