using System.Diagnostics;
using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E.Host;

/// <summary>What may be at a destination, or on the way to it.</summary>
public sealed class DestinationTests
{
    [Fact]
    public async Task A_directory_is_refused_before_anything_is_fetched()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        Directory.CreateDirectory(scene.Kubelet);

        var ended = await scene.InstallAsync(scene.Pinned(HostScene.New));

        Assert.Equal(7, ended.Code);
        Assert.Contains($"{scene.Kubelet}: is no file", ended.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(scene.Registry.Calls, c => c.Method == "GET" && c.IsBlob);
        Assert.False(File.Exists(Path.Combine(scene.Bin, "kubectl")));
    }

    [Theory]
    [InlineData("/usr/libexec/kubelet")]
    [InlineData("../lib/kubelet-wrapper")]
    [InlineData("/nowhere/at all")]
    public async Task A_symbolic_link_is_replaced_and_rollback_restores_it(string target)
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        Directory.CreateDirectory(scene.Bin);
        Directory.CreateDirectory(scene["root/opt/lib"]);
        await File.WriteAllTextAsync(scene["root/opt/lib/kubelet-wrapper"], "wrapper", TestContext.Current.CancellationToken);
        File.CreateSymbolicLink(scene.Kubelet, target);

        var installed = HostScene.Result((await scene.InstallAsync(scene.Local(HostScene.New))).Well());
        var entry = installed.GetProperty("binaries").EnumerateArray().Single(b => b.GetProperty("name").GetString() == "kubelet");
        Assert.Equal(target, entry.GetProperty("replacedLink").GetString());
        Assert.Null(new FileInfo(scene.Kubelet).LinkTarget);
        Assert.Equal(HostScene.New, scene.VersionAt());

        var back = HostScene.Result((await scene.RollbackAsync("kubelet")).Well());
        Assert.Equal(target, back.GetProperty("binaries")[0].GetProperty("to").GetProperty("link").GetString());
        Assert.Equal(target, new FileInfo(scene.Kubelet).LinkTarget);
        Assert.Equal("wrapper", await File.ReadAllTextAsync(scene["root/opt/lib/kubelet-wrapper"], TestContext.Current.CancellationToken));
        Assert.Empty(scene.Leftovers());
    }

    [Fact]
    public async Task The_other_name_of_a_hard_link_keeps_the_old_content()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        (await Run.ProgramAsync("ln", [scene.Kubelet, scene["root/other"]])).Well();

        (await scene.InstallAsync(scene.Local(HostScene.New))).Well();

        Assert.Equal(HostScene.Old, scene.VersionOf(scene["root/other"]));
        Assert.Equal(HostScene.New, scene.VersionAt());
    }

    [Fact]
    public async Task A_running_program_is_no_obstacle_and_lives_on()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        Directory.CreateDirectory(scene.Bin);
        File.Copy("/bin/sleep", scene.Kubelet);
        using var running = RunningProgram.Start(scene.Kubelet, ["1000"]);

        (await scene.InstallAsync(scene.Local(HostScene.New))).Well();

        Assert.Equal(HostScene.New, scene.VersionAt());
        Assert.False(running.HasEnded);
        (await scene.RollbackAsync("kubelet")).Well();
        Assert.False(running.HasEnded);
        Assert.Equal(await File.ReadAllBytesAsync("/bin/sleep", TestContext.Current.CancellationToken),
            await File.ReadAllBytesAsync(scene.Kubelet, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("var/opt", "var/opt")] // ostree
    [InlineData("/var/opt", "var/opt")]
    [InlineData("../../../../var/opt", "var/opt")]
    [InlineData("/var/../../../srv", "srv")]
    public async Task Links_on_the_way_are_followed_but_never_out_of_the_root(string target, string real)
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        Directory.CreateDirectory(scene[$"root/{real}"]);
        File.CreateSymbolicLink(scene["root/opt"], target);

        foreach (var call in (string?[])[null, "ENOSYS", "EPERM"]) // An old kernel, and a sandbox that is older than the call.
        {
            var version = call == "ENOSYS" ? HostScene.Old : HostScene.New;
            var ended = call is null ? await scene.InstallAsync(scene.Local(version))
                : await Strace.InjectAsync("openat2", $"error={call}", scene.Words(scene.Local(version)));

            Assert.Equal(0, ended.Well().Code);
            Assert.Equal(version, scene.VersionOf(scene[$"root/{real}/bin/kubelet"]));
            Assert.Equal(target, new FileInfo(scene["root/opt"]).LinkTarget);
        }
    }

    [Fact]
    public async Task A_link_to_nowhere_says_so()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        File.CreateSymbolicLink(scene["root/opt"], "var/opt");

        var ended = await scene.InstallAsync(scene.Local(HostScene.New));

        Assert.Equal(7, ended.Code);
        Assert.Contains("/opt: No such file or directory", ended.Error, StringComparison.Ordinal);
    }

    // Somebody swaps a directory on the way for a link out of the root and back, all the time.
    [Fact]
    public async Task Parents_that_change_during_the_run_lead_nowhere_else()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        Directory.CreateDirectory(scene["root/srv/a/bin"]);
        Directory.CreateDirectory(scene["outside/bin"]);
        (await Run.ShellAsync(
            "ln -s ../../../../../../\"$0\"/outside \"$0/root/srv/evil\"; ln -s ../srv/../srv/a \"$0/root/opt\"", scene[""])).Well();
        using var swapping = RunningProgram.Start(
            "sh", ["-c", "cd \"$0/root/srv\"; while :; do mv -T a b; mv -T evil a; mv -T a evil; mv -T b a; done", scene[""]]);
        var codes = new SortedDictionary<int, int>();
        for (var i = 0; i < 40; i++)
        {
            var ended = await scene.InstallAsync(scene.Local(i % 2 == 0 ? HostScene.New : HostScene.Old));
            Assert.True(ended.Code is 0 or 7, $"exit code {ended.Code}: {ended.Error}");
            codes[ended.Code] = codes.GetValueOrDefault(ended.Code) + 1;
        }

        swapping.Kill();
        _ = await swapping.EndAsync();
        Assert.Empty(Directory.EnumerateFileSystemEntries(scene["outside/bin"]));
        Assert.Equal(["bin"], Directory.EnumerateFileSystemEntries(scene["outside"]).Select(Path.GetFileName));

        (await Run.ShellAsync("cd \"$0/root/srv\"; if [ -d b ]; then if [ -L a ]; then mv -T a evil; fi; mv -T b a; fi", scene[""])).Well();
        (await scene.InstallAsync(scene.Local(HostScene.New))).Well();
        Assert.Equal(HostScene.New, scene.VersionOf(scene["root/srv/a/bin/kubelet"])); // From here, /opt leads elsewhere.
        Assert.Empty(scene.Leftovers());
        TestContext.Current.SendDiagnosticMessage("exit codes: {0}", string.Join(", ", codes));
    }

    [Fact]
    public async Task Two_runs_at_once_wait_for_each_other()
    {
        await using var scene = await HostScene.CreateAsync();
        scene.Registry.Alter = (call, answer) =>
            call.IsBlob && answer.Body.Length > 1 << 20 ? answer with { CutAfter = 1 << 19, Stalls = true } : answer;
        using var first = Exe.Here.Start(scene.Words(scene.Pinned(HostScene.New)));
        await first.UntilAsync("it downloads", () => ValueTask.FromResult(
            Directory.Exists(scene.Bin) && Directory.EnumerateFiles(scene.Bin, ".hyperkube-part-*").Any(f => new FileInfo(f).Length > 0)));

        var watch = Stopwatch.StartNew();
        var late = await Exe.Here.RunAsync(["--timeout", "2s", .. scene.Words(scene.Local(HostScene.Old))]);
        Assert.Equal(6, late.Code);
        Assert.InRange(watch.Elapsed, TimeSpan.FromSeconds(1.9), TimeSpan.FromSeconds(6));
        Assert.Equal(6, (await Exe.Here.RunAsync(["--timeout", "1s", "rollback", "--root", scene.Root])).Code);
        Assert.Equal(3, (await scene.StatusAsync()).Code); // Looking needs no lock.

        using var second = Exe.Here.Start(scene.Words(scene.Local(HostScene.Old)));
        await Task.Delay(300, TestContext.Current.CancellationToken);
        Assert.False(second.HasEnded);
        first.Kill();
        _ = await first.EndAsync();
        (await second.EndAsync()).Well();
        Assert.Equal(HostScene.Old, scene.VersionAt());
        Assert.Empty(scene.Leftovers());
    }

    [Fact]
    public async Task State_on_another_file_system_and_destinations_on_two()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        var ended = await scene.PrivatelyAsync(
            """
            mkdir -p "$0/root/var/lib/hyperkube" "$0/root/opt/bin" "$0/root/usr/bin"
            mount -t tmpfs tmpfs "$0/root/var/lib/hyperkube"
            mount -t tmpfs tmpfs "$0/root/usr/bin"
            exe=$1 old=$2 new=$3
            for image in "$old" "$new"; do
                "$exe" install "$image" --insecure-skip-signature --root "$0/root" kubelet=/usr/bin/kubelet kubectl
            done
            "$exe" rollback --root "$0/root"
            cp "$0/root/usr/bin/kubelet" "$0/seen"
            stat -c %a "$0/root/var/lib/hyperkube"
            """,
            Exe.Here.Program, scene.Local(HostScene.Old), scene.Local(HostScene.New));

        Assert.EndsWith("\n700", ended.Text, StringComparison.Ordinal);
        Assert.Equal(HostScene.Old, scene.VersionOf(scene["seen"]));
        Assert.Equal(HostScene.Old, scene.VersionAt("kubectl"));
    }

    // As on FAT: no links, and nothing to share blocks with.
    [Theory]
    [InlineData("EPERM")]
    [InlineData("EMLINK")]
    public async Task Without_hard_links_the_old_file_is_copied(string error)
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();

        (await Strace.InjectAsync("linkat", $"error={error}", scene.Words(scene.Local(HostScene.New)))).Well();

        Assert.Equal(HostScene.Old, scene.VersionOf(Path.Combine(scene.Bin, ".hyperkube-prev-kubelet")));
        (await Strace.InjectAsync("linkat", $"error={error}", ["rollback", "--root", scene.Root])).Well();
        Assert.Equal((HostScene.Old, HostScene.Old), (scene.VersionAt(), scene.VersionAt("kubectl")));
        Assert.Equal("755 0:0", (await Run.ProgramAsync("stat", ["-c", "%a %u:%g", scene.Kubelet])).Text);
        Assert.Empty(scene.Leftovers());
    }

    [Fact]
    public async Task The_label_of_the_replaced_file_is_kept()
    {
        Machine.NeedsRoot();
        Machine.Needs("python3");
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        const string Set = "import os,sys; os.setxattr(sys.argv[1], 'security.selinux', b'system_u:object_r:kubelet_exec_t:s0\\0')";
        const string Get = "import os,sys; print(os.getxattr(sys.argv[1], 'security.selinux').decode().rstrip('\\0'))";
        (await Run.ProgramAsync("python3", ["-c", Set, scene.Kubelet])).Well();

        (await scene.InstallAsync(scene.Local(HostScene.New))).Well();

        Assert.Equal("system_u:object_r:kubelet_exec_t:s0", (await Run.ProgramAsync("python3", ["-c", Get, scene.Kubelet])).Text);
        Assert.NotEqual(0, (await Run.ProgramAsync("python3", ["-c", Get, Path.Combine(scene.Bin, "kubectl")])).Code);

        // A mount that gives all files one label takes none.
        (await Strace.InjectAsync("fsetxattr", "error=EOPNOTSUPP", scene.Words(scene.Local(HostScene.Old)))).Well();
        Assert.Equal(HostScene.Old, scene.VersionAt());
    }

    [Theory]
    [InlineData("0077")]
    [InlineData("0000")]
    public async Task Modes_and_owners_are_promised_whatever_the_umask(string umask)
    {
        Machine.NeedsRoot();
        await using var scene = await HostScene.CreateAsync(1 << 16);

        (await Run.ShellAsync(
            "umask $0; \"$@\"", [umask, Exe.Here.Program, .. scene.Words(scene.Local(HostScene.New), "--owner", "1000:1001")])).Well();

        async Task<string> StatAsync(string path) => (await Run.ProgramAsync("stat", ["-c", "%a %u:%g", path])).Text;
        Assert.Equal("755 1000:1001", await StatAsync(scene.Kubelet));
        Assert.Equal("755 0:0", await StatAsync(scene.Bin));
        Assert.Equal("755 0:0", await StatAsync(scene["root/var/lib"]));
        Assert.Equal("700 0:0", await StatAsync(scene.State));
        Assert.Equal("600 0:0", await StatAsync(Path.Combine(scene.State, "receipt.json")));

        // Another owner is a change, the same content is no history.
        var again = HostScene.Result((await scene.InstallAsync(scene.Local(HostScene.New))).Well());
        Assert.True(again.GetProperty("changed").GetBoolean());
        Assert.Equal("755 0:0", await StatAsync(scene.Kubelet));
    }

    [Fact]
    public async Task A_state_directory_of_somebody_else_becomes_roots()
    {
        Machine.NeedsRoot();
        await using var scene = await HostScene.CreateAsync(1 << 16);
        Directory.CreateDirectory(scene.State);
        (await Run.ShellAsync("chown 1000:1000 \"$0\"; chmod 777 \"$0\"", scene.State)).Well();

        (await scene.InstallAsync(scene.Local(HostScene.New))).Well();

        Assert.Equal("700 0:0", (await Run.ProgramAsync("stat", ["-c", "%a %u:%g", scene.State])).Text);
    }

    [Fact]
    public async Task Who_is_not_root_is_told_so()
    {
        Machine.NeedsRoot();
        Machine.Needs("setpriv");
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await Run.ShellAsync("chmod 755 \"$0\"; chmod -R go+rX \"$0/image\"", scene[""])).Well();
        string[] asNobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];

        var fresh = await Run.ProgramAsync("setpriv", [.. asNobody, Exe.Here.Program, .. scene.Words(scene.Local(HostScene.New))]);
        (await scene.InstallAsync(scene.Local(HostScene.New))).Well();
        var later = await Run.ProgramAsync("setpriv", [.. asNobody, Exe.Here.Program, .. scene.Words(scene.Local(HostScene.New))]);
        var status = await Run.ProgramAsync("setpriv", [.. asNobody, Exe.Here.Program, "status", "--root", scene.Root]);

        foreach (var ended in (Ended[])[fresh, later, status])
        {
            Assert.Equal(7, ended.Code);
            Assert.Contains("Permission denied", ended.Error, StringComparison.Ordinal);
            Assert.Contains("run as root", ended.Error, StringComparison.Ordinal);
        }
    }

    // History is per destination: putting owner or mode right does not age it.
    [Fact]
    public async Task Right_content_with_a_wrong_mode_is_put_right_and_the_true_old_file_is_not_forgotten()
    {
        Machine.NeedsRoot();
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        (await scene.InstallAsync(scene.Local(HostScene.New))).Well();
        File.SetUnixFileMode(scene.Kubelet, UnixFileMode.UserRead);

        (await scene.InstallAsync(scene.Local(HostScene.New))).Well();

        Assert.Equal("755", (await Run.ProgramAsync("stat", ["-c", "%a", scene.Kubelet])).Text);
        Assert.Empty(scene.Leftovers());
        (await scene.RollbackAsync()).Well();
        Assert.Equal((HostScene.Old, HostScene.Old), (scene.VersionAt(), scene.VersionAt("kubectl")));
    }

    // A node agent that writes the same path while we download.
    [Fact]
    public async Task A_file_that_somebody_replaces_during_the_download_is_the_one_that_is_kept()
    {
        await using var scene = await HostScene.CreateAsync();
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        scene.Registry.Alter = (call, answer) =>
        {
            if (call.IsBlob && answer.Body.Length > 1 << 20)
            {
                Thread.Sleep(500); // The old file is being hashed meanwhile.
                File.WriteAllText(scene[$"{call.Number}"], "somebody else's");
                File.Move(scene[$"{call.Number}"], scene.Kubelet, overwrite: true);
            }

            return answer;
        };

        (await scene.InstallAsync(scene.Pinned(HostScene.New))).Well();
        (await scene.RollbackAsync("kubelet")).Well();

        Assert.Equal("somebody else's", await File.ReadAllTextAsync(scene.Kubelet, TestContext.Current.CancellationToken));
    }
}
