using Hyperkube.E2E.Host;
using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E.Deploy;

/// <summary>The unit and the timer of deploy/systemd with the program itself, below a systemd.</summary>
public sealed class RealInstallTests(KubeletImages images)
{
    private const string Service = "hyperkube-install.service";
    private const string Timer = "hyperkube-install.timer";

    // Every few seconds instead of every hour.
    private const string Soon = "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/5\nRandomizedDelaySec=0\nFixedRandomDelay=no\nAccuracySec=100ms\n";

    [Fact]
    public async Task The_timer_installs_restarts_and_then_does_nothing_until_the_reference_changes()
    {
        var directory = Path.Combine(Machine.Repository, "deploy/systemd");
        await using var machine = await KubeletMachine.StartAsync(
            images,
            (Service, (await File.ReadAllTextAsync($"{directory}/{Service}", TestContext.Current.CancellationToken))
                .Replace("StartLimitBurst=5", "StartLimitBurst=1000")), // Five in half an hour are too few for this timer.
            (Timer, await File.ReadAllTextAsync($"{directory}/{Timer}", TestContext.Current.CancellationToken) + Soon),
            ("install.env", """
                HYPERKUBE_NAMES=kubelet
                HYPERKUBE_INSTALL_INSECURE_SKIP_SIGNATURE=true
                HYPERKUBE_INSTALL_RESTART=kubelet.service
                HYPERKUBE_INSTALL_ROLLBACK_ON_FAILURE=true

                """));
        await machine.Systemd.InstallAsync("install.env", "/etc/hyperkube/install.env", "0600");
        await PointAsync(machine, KubeletImages.V5);

        (await machine.RunAsync("systemctl", "start", Timer)).Well();
        await UntilAsync(async () => await machine.ProcessAsync() == KubeletImages.V5 && await IsDoneAsync(machine));
        Assert.Equal(KubeletImages.V5, await machine.FileAsync());

        var (pid, receipt, ticks) = (await machine.PidAsync(), await machine.ReceiptAsync(), await TicksAsync(machine));
        await UntilAsync(async () => await TicksAsync(machine) != ticks && await IsDoneAsync(machine));
        Assert.Equal((pid, receipt), (await machine.PidAsync(), await machine.ReceiptAsync()));

        // A bad one is put back, and no later tick lets it flap.
        await machine.TellAsync(KubeletImages.V6, "crash");
        await PointAsync(machine, KubeletImages.V6);
        await UntilAsync(async () => (await machine.Systemd.ShowAsync(Service, "ExecMainStatus")) == "8" && await IsDoneAsync(machine));
        Assert.Equal((KubeletImages.V5, KubeletImages.V5), (await machine.FileAsync(), await machine.ProcessAsync()));
        (pid, ticks) = (await machine.PidAsync(), await TicksAsync(machine));
        await UntilAsync(async () => await TicksAsync(machine) != ticks && await IsDoneAsync(machine));
        Assert.Equal((pid, "8"), (await machine.PidAsync(), await machine.Systemd.ShowAsync(Service, "ExecMainStatus")));
    }

    private static async Task PointAsync(KubeletMachine machine, string version) => (await machine.RunAsync(
        "sh", "-c", $"echo HYPERKUBE_REFERENCE=oci:/run/units/image:{version} >/etc/hyperkube/reference")).Well();

    private static Task<string> TicksAsync(KubeletMachine machine) => machine.Systemd.ShowAsync(Service, "ExecMainStartTimestampMonotonic");

    private static async Task<bool> IsDoneAsync(KubeletMachine machine) =>
        await machine.Systemd.ShowAsync(Service, "ActiveState") is "inactive" or "failed";

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        for (var deadline = Environment.TickCount64 + (long)RunningProgram.Patience.TotalMilliseconds; !await isSo();)
        {
            Assert.True(Environment.TickCount64 < deadline, "waited in vain");
            await Task.Delay(300, TestContext.Current.CancellationToken);
        }
    }
}
