using Hyperkube.E2E.Programs;
using static Hyperkube.E2E.Host.KubeletImages;
using static Hyperkube.E2E.Host.KubeletMachine;

namespace Hyperkube.E2E.Host;

/// <summary>A restart that is owed is not lost, and a unit that is ill is not called well, whatever else goes wrong.</summary>
public sealed class OwedRestartTests(KubeletImages images)
{
    private const string IsRestart = "case \"$*\" in *\" restart \"*) ;; *) false ;; esac";
    private const string GoBack = "--rollback-on-failure";
    private const string Patience = "--health-timeout=14s";

    [Fact]
    public async Task What_systemd_refuses_to_restart_is_restarted_by_the_next_run()
    {
        await using var machine = await StartAsync(images);

        var refused = await machine.WithoutSystemdAsync(IsRestart, Words(V5, Restart));
        Assert.True(refused.Code == 8, refused.Error);
        Assert.Contains("Connection timed out", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, HostScene.Result(refused).GetProperty("restarted").GetArrayLength());
        Assert.Equal((V5, V4), (await machine.FileAsync(), await machine.ProcessAsync()));

        var next = HostScene.Result((await machine.InstallAsync(V5, Restart)).Well());
        Assert.Equal((Unit, V5), (next.GetProperty("restarted")[0].GetString(), await machine.ProcessAsync()));
    }

    [Fact]
    public async Task A_process_that_is_older_than_its_file_was_not_restarted_whatever_the_receipt_says()
    {
        await using var machine = await StartAsync(images);
        Assert.Equal(8, (await machine.WithoutSystemdAsync(IsRestart, Words(V5, Restart))).Code);
        (await machine.RunAsync("sed", "-i", "s/\"isRestarted\": false/\"isRestarted\": true/", "/var/lib/hyperkube/receipt.json")).Well();

        (await machine.InstallAsync(V5, Restart)).Well();

        Assert.Equal(V5, await machine.ProcessAsync());
    }

    [Fact]
    public async Task What_was_installed_without_a_restart_goes_back_when_the_restart_shows_that_it_is_ill()
    {
        await using var machine = await StartAsync(images);
        (await machine.InstallAsync(V5)).Well();
        await machine.TellAsync(V5, "crash");

        var ended = await machine.InstallAsync(V5, Restart, GoBack, Patience);

        Assert.True(ended.Code == 8, ended.Error);
        Assert.Contains("is on hold", ended.Error, StringComparison.Ordinal);
        Assert.Equal((V4, V4), (await machine.FileAsync(), await machine.ProcessAsync()));
    }

    // Killed after the restart, say, and then the registry is down.
    [Fact]
    public async Task An_ill_unit_decides_and_goes_back_also_when_the_run_itself_fails()
    {
        await using var machine = await StartAsync(images);
        await machine.TellAsync(V5, "crash");
        Assert.Equal(8, (await machine.InstallAsync(V5, Restart, Patience)).Code);

        var ill = await machine.InstallAsync("v9.9.9", Restart, Patience);
        Assert.True(ill.Code == 8, ill.Error);
        Assert.Contains("v9.9.9", ill.Error, StringComparison.Ordinal);
        Assert.Equal(V5, await machine.FileAsync());

        var back = await machine.InstallAsync("v9.9.9", Restart, GoBack, Patience);
        Assert.True(back.Code == 8, back.Error);
        Assert.Equal((V4, V4), (await machine.FileAsync(), await machine.ProcessAsync()));
        Assert.Equal(3, (await machine.InstallAsync("v9.9.9", Restart)).Code);
    }

    [Fact]
    public async Task What_is_owed_is_made_good_though_the_image_cannot_even_be_opened()
    {
        Machine.Needs("strace");
        await using var machine = await StartAsync(images);
        Assert.Equal(137, (await machine.KilledAsync(4, Words(V5, Restart))).Code);

        var gone = await machine.RunAsync(
            [.. Words(V5, Restart).Select(w => w.StartsWith("oci:", StringComparison.Ordinal) ? "oci-archive:/media/usb/image.tar" : w)]);

        Assert.True(gone.Code is 2 or 3, gone.Error);
        Assert.Equal(V5, await machine.ProcessAsync());
    }

    [Fact]
    public async Task A_systemd_that_does_not_answer_for_a_while_is_asked_again()
    {
        await using var machine = await StartAsync(images);

        var ended = await machine.WithoutSystemdAsync(
            "[ -e /run/restarted ] && [ $(wc -c </run/restarted) -lt 5 ] && echo -n x >>/run/restarted", Words(V5, Restart));

        Assert.Equal(Unit, HostScene.Result(ended.Well()).GetProperty("restarted")[0].GetString());
    }

    [Fact]
    public async Task A_systemd_that_answers_no_more_is_an_ill_unit_with_the_result()
    {
        await using var machine = await StartAsync(images);

        var ended = await machine.WithoutSystemdAsync("[ -e /run/restarted ]", Words(V5, Restart, "--health-timeout=3s"));

        Assert.True(ended.Code == 8, ended.Error);
        Assert.Contains("is in an unknown state", ended.Error, StringComparison.Ordinal);
        Assert.True(HostScene.Result(ended).GetProperty("changed").GetBoolean());
        Assert.Equal(Unit, (await machine.StatusAsync()).GetProperty("restartsOwed")[0].GetString());
    }

    [Fact]
    public async Task What_has_no_predecessor_stays_and_is_named()
    {
        await using var machine = await StartAsync(images);
        await machine.TellAsync(V5, "crash");

        var ended = await machine.InstallAsync(V5, "kubectl", Restart, GoBack, Patience);

        Assert.True(ended.Code == 8, ended.Error);
        Assert.Contains("the old /opt/bin/kubelet is back, the new /opt/bin/kubectl stays", ended.Error, StringComparison.Ordinal);
        Assert.Equal((V4, V4), (await machine.FileAsync(), await machine.ProcessAsync()));
    }

    [Fact]
    public async Task Nothing_goes_back_that_would_not_help_the_ill_unit()
    {
        const string Sick = "sick.service";
        await using var machine = await StartAsync(
            images, (Sick, "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sh -c '/opt/first/kubelet --version; exit 1'\n"));
        (await machine.InstallAsync(V4, "kubectl")).Well();

        var words = Words(V5, "kubectl", $"--restart={Sick}", GoBack, Patience);
        var ended = await machine.RunAsync([.. words.Select(w => w == "kubelet" ? "kubelet=/opt/first/kubelet" : w)]);

        Assert.True(ended.Code == 8, ended.Error);
        Assert.Contains("there is nothing to go back to: no older /opt/first/kubelet is kept", ended.Error, StringComparison.Ordinal);
        Assert.Contains(V5, (await machine.RunAsync("/opt/bin/kubectl")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_unit_is_left_alone_when_only_others_files_change()
    {
        await using var machine = await StartAsync(images);
        var pid = await machine.PidAsync();

        var result = HostScene.Result((await machine.InstallAsync(V4, "kubectl", Restart)).Well());

        Assert.True(result.GetProperty("changed").GetBoolean());
        Assert.Equal((0, pid), (result.GetProperty("restarted").GetArrayLength(), await machine.PidAsync()));
    }

    [Fact]
    public async Task A_kubelet_that_is_not_ours_is_asked_whether_it_is_well_too()
    {
        await using var machine = await StartAsync(images);
        (await machine.RunAsync("rm", "-r", "/var/lib/hyperkube")).Well();
        (await machine.InstallAsync(V5, Restart)).Well();
        await machine.TellAsync(V4, "500");

        var ended = await machine.RollbackAsync(Restart, Patience);

        Assert.True(ended.Code == 8, ended.Error);
        Assert.Contains("answers 500", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kept_file_that_is_gone_leaves_an_ill_unit()
    {
        await using var machine = await StartAsync(images);
        await machine.TellAsync(V5, "crash");
        Assert.Equal(8, (await machine.InstallAsync(V5, Restart, Patience)).Code);
        (await machine.RunAsync("rm", "/opt/bin/.hyperkube-prev-kubelet")).Well();

        var ended = await machine.InstallAsync(V5, Restart, GoBack, Patience);

        Assert.True(ended.Code == 8, ended.Error);
        Assert.Contains("it could not be rolled back: /opt/bin/.hyperkube-prev-kubelet", ended.Error, StringComparison.Ordinal);
        Assert.False(HostScene.Result(ended).GetProperty("changed").GetBoolean());
    }
}
