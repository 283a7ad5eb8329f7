using Hyperkube.E2E.Programs;
using static Hyperkube.E2E.Host.KubeletImages;
using static Hyperkube.E2E.Host.KubeletMachine;

namespace Hyperkube.E2E.Host;

/// <summary>Restart, health, rollback and hold, with a real systemd and a kubelet that can be told to fail.</summary>
public sealed class RestartTests(KubeletImages images)
{
    private const string Patience = "--health-timeout=30s";

    [Fact]
    public async Task An_upgrade_restarts_once_and_an_older_process_is_seen_and_made_good()
    {
        await using var machine = await StartAsync(images);

        var upgraded = HostScene.Result((await machine.InstallAsync(V5, Restart)).Well());
        Assert.Equal(Unit, upgraded.GetProperty("restarted")[0].GetString());
        Assert.Equal("v1.36.4", upgraded.GetProperty("previous").GetProperty("version").GetString());
        Assert.Equal((V5, V5), (await machine.FileAsync(), await machine.ProcessAsync()));

        var pid = await machine.PidAsync();
        var again = HostScene.Result((await machine.InstallAsync(V5, Restart)).Well());
        Assert.Equal((0, pid), (again.GetProperty("restarted").GetArrayLength(), await machine.PidAsync()));

        // Without --restart the old process lives on, and status says so.
        (await machine.InstallAsync(V6)).Well();
        var running = (await machine.StatusAsync()).GetProperty("files")[0].GetProperty("running")[0];
        Assert.Equal((pid, true), ($"{running.GetProperty("pid").GetInt32()}", running.GetProperty("older").GetBoolean()));
        Assert.Equal((V6, V5), (await machine.FileAsync(), await machine.ProcessAsync()));

        // Nothing is changed, and the process is older than its file.
        var made = HostScene.Result((await machine.InstallAsync(V6, Restart)).Well());
        Assert.False(made.GetProperty("changed").GetBoolean());
        Assert.Equal((Unit, V6), (made.GetProperty("restarted")[0].GetString(), await machine.ProcessAsync()));
    }

    [Fact]
    public async Task A_crash_loop_is_rolled_back_and_held_until_the_reference_points_elsewhere_or_by_force()
    {
        await using var machine = await StartAsync(images);
        await machine.TellAsync(V5, "crash");

        var bad = await machine.InstallAsync(V5, Restart, "--rollback-on-failure");
        Assert.True(bad.Code == 8, bad.Error);
        Assert.Contains("is on hold", bad.Error, StringComparison.Ordinal);
        Assert.Equal((V4, V4), (await machine.FileAsync(), await machine.ProcessAsync()));
        Assert.Equal("active", await machine.Systemd.ShowAsync(Unit, "ActiveState"));
        Assert.Equal(1, (await machine.StatusAsync()).GetProperty("holds").GetArrayLength());
        Assert.Equal(0, (await machine.StatusAsync()).GetProperty("restartsOwed").GetArrayLength());

        var (pid, receipt) = (await machine.PidAsync(), await machine.ReceiptAsync());
        var held = await machine.InstallAsync(V5, Restart, "--rollback-on-failure");
        Assert.Equal(8, held.Code);
        Assert.InRange(held.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(3));
        Assert.Equal((pid, receipt), (await machine.PidAsync(), await machine.ReceiptAsync()));

        await machine.TellAsync(V5, "well");
        (await machine.InstallAsync(V5, Restart, "--force")).Well();
        Assert.Equal(V5, await machine.ProcessAsync());

        (await machine.RollbackAsync(Restart)).Well();
        Assert.Equal((V4, 8), (await machine.ProcessAsync(), (await machine.InstallAsync(V5)).Code));
        (await machine.InstallAsync(V6)).Well();
        Assert.Equal(0, (await machine.StatusAsync()).GetProperty("holds").GetArrayLength());
        (await machine.InstallAsync(V5)).Well();
    }

    // The answer while one is owed may take its time; what is owed does not wait for a registry.
    [Fact]
    public async Task A_restart_that_is_owed_is_made_though_the_image_is_gone()
    {
        Machine.Needs("strace");
        await using var machine = await StartAsync(images);
        Assert.Equal(137, (await machine.KilledAsync(4, Words(V5, Restart))).Code);
        Assert.Equal(V4, await machine.ProcessAsync());

        Assert.Equal(3, (await machine.InstallAsync("v9.9.9", Restart)).Code);

        Assert.Equal(V5, await machine.ProcessAsync());
    }

    [Theory]
    [InlineData("crash", "does not come up", "--health-timeout=30s")]
    [InlineData("500", "answers 500 at http://127.0.0.1:10248/healthz", "--health-timeout=13s")]
    [InlineData("hang", "has not answered at http://127.0.0.1:10248/healthz", "--health-timeout=13s")]
    public async Task An_ill_kubelet_is_said_and_owed_until_it_is_well(string illness, string message, string timeout)
    {
        await using var machine = await StartAsync(images);
        await machine.TellAsync(V5, illness);

        var bad = await machine.InstallAsync(V5, Restart, timeout);
        Assert.True(bad.Code == 8, bad.Error);
        Assert.Contains(message, bad.Error, StringComparison.Ordinal);
        Assert.Contains("the new files are in place", bad.Error, StringComparison.Ordinal);
        Assert.Equal(V5, await machine.FileAsync());
        Assert.Equal(Unit, (await machine.StatusAsync()).GetProperty("restartsOwed")[0].GetString());

        await machine.TellAsync(V5, "well");
        (await machine.InstallAsync(V5, Restart)).Well();
        Assert.Equal(0, (await machine.StatusAsync()).GetProperty("restartsOwed").GetArrayLength());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task A_kill_before_the_restart_is_made_good_by_the_next_run(int rename)
    {
        Machine.Needs("strace");
        await using var machine = await StartAsync(images);

        Assert.Equal(137, (await machine.KilledAsync(rename, Words(V5, Restart))).Code);
        Assert.Equal(V4, await machine.ProcessAsync());
        var next = HostScene.Result((await machine.InstallAsync(V5, Restart)).Well());

        Assert.Equal((V5, V5), (await machine.FileAsync(), await machine.ProcessAsync()));
        Assert.Equal(Unit, next.GetProperty("restarted")[0].GetString());
    }

    // Nobody who asks for the held image gets it, but what runs is what was put back.
    [Fact]
    public async Task A_rollback_that_is_killed_before_its_restart_is_made_good_though_the_image_is_on_hold()
    {
        Machine.Needs("strace");
        await using var machine = await StartAsync(images);
        (await machine.InstallAsync(V5, Restart)).Well();

        Assert.Equal(137, (await machine.KilledAsync(3, RollbackWords(Restart))).Code);
        Assert.Equal(V5, await machine.ProcessAsync());
        Assert.Equal(8, (await machine.InstallAsync(V5, Restart)).Code);

        Assert.Equal((V4, V4), (await machine.FileAsync(), await machine.ProcessAsync()));
        Assert.Equal(0, (await machine.StatusAsync()).GetProperty("restartsOwed").GetArrayLength());
    }

    [Fact]
    public async Task A_unit_that_runs_another_path_is_refused_with_the_right_directory()
    {
        await using var machine = await StartAsync(
            images,
            ("elsewhere.service", "[Unit]\nDefaultDependencies=no\n[Service]\n"
                + "ExecStart=/usr/local/sbin/kubelet --config=/opt/bin/kubelet.yaml\n"));

        var ended = await machine.InstallAsync(V5, "--restart=elsewhere.service");
        Assert.Equal(2, ended.Code);
        Assert.Contains("--to /usr/local/sbin", ended.Error, StringComparison.Ordinal);
        var absent = await machine.InstallAsync(V5, "--restart=absent.service");
        Assert.Equal(2, absent.Code);
        Assert.Contains("there is no such unit", absent.Error, StringComparison.Ordinal);
        Assert.Equal(V4, await machine.FileAsync());
    }

    [Fact]
    public async Task Health_may_be_waived_or_asked_elsewhere_and_slow_is_not_ill()
    {
        await using var machine = await StartAsync(images);
        await machine.TellAsync(V5, "500");
        (await machine.InstallAsync(V5, Restart, "--health=none")).Well();

        await machine.TellAsync(V6, "slow");
        var slow = HostScene.Result((await machine.InstallAsync(V6, Restart, "--rollback-on-failure", "--health-timeout=40s")).Well());
        Assert.Equal((V6, true), (await machine.ProcessAsync(), slow.GetProperty("changed").GetBoolean()));

        var elsewhere = await machine.InstallAsync(V4, Restart, "--health=http://127.0.0.1:1/nobody", "--health-timeout=13s");
        Assert.Equal(8, elsewhere.Code);
        Assert.Contains("does not answer at http://127.0.0.1:1/nobody", elsewhere.Error, StringComparison.Ordinal);
    }

    // It came up in time; that it stays takes its time too.
    [Fact]
    public async Task A_short_patience_does_not_roll_back_what_is_well()
    {
        await using var machine = await StartAsync(images);

        (await machine.InstallAsync(V5, Restart, "--rollback-on-failure", "--health-timeout=5s")).Well();

        Assert.Equal(V5, await machine.ProcessAsync());
    }

    [Fact]
    public async Task Of_two_units_both_go_back_when_one_is_ill()
    {
        const string Sick = "sick.service";
        await using var machine = await StartAsync(
            images,
            (Sick, "[Unit]\nDefaultDependencies=no\n[Service]\n"
                + "ExecStart=/bin/sh -c '/opt/bin/kubelet --version | grep -q 36.4 && exec sleep 1000'\n"));
        (await machine.RunAsync("systemctl", "start", Sick)).Well();

        var ended = await machine.InstallAsync(V5, Restart, $"--restart={Sick}", "--rollback-on-failure", Patience);

        Assert.True(ended.Code == 8, ended.Error);
        Assert.Equal((V4, V4), (await machine.FileAsync(), await machine.ProcessAsync()));
        Assert.Equal("active", await machine.Systemd.ShowAsync(Sick, "ActiveState"));
    }

    [Fact]
    public async Task A_restart_that_is_owed_to_a_unit_that_is_gone_is_forgotten()
    {
        const string Sick = "sick.service";
        await using var machine = await StartAsync(
            images, (Sick, "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sh -c '/opt/bin/kubelet --version; exit 1'\n"));
        Assert.Equal(8, (await machine.InstallAsync(V5, $"--restart={Sick}", Patience)).Code);
        Assert.Equal(Sick, (await machine.StatusAsync()).GetProperty("restartsOwed")[0].GetString());
        (await machine.RunAsync("rm", $"/run/units/{Sick}")).Well();
        (await machine.RunAsync("systemctl", "daemon-reload")).Well();
        _ = await machine.RunAsync("systemctl", "reset-failed");

        var ended = (await machine.InstallAsync(V5)).Well();

        Assert.Contains("there is no such unit any more", ended.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await machine.StatusAsync()).GetProperty("restartsOwed").GetArrayLength());
    }
}
