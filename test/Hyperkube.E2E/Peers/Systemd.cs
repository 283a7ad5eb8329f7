using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E.Peers;

/// <summary>A machine of namespaces with this machine's own systemd as PID 1, which knows only the units it is given.</summary>
internal sealed class Systemd : Daemon
{
    // Targets that a unit reaches for by itself, or that ours name, with nothing behind them.
    private static readonly string[] Targets = ["basic", "multi-user", "network-online", "ready", "shutdown", "sysinit", "timers"];

    /// <summary>Starts one.</summary>
    /// <param name="units">A directory that becomes its <c>/run/units</c>: units, and whatever else is wanted there.</param>
    internal static async Task<Systemd> StartAsync(string units)
    {
        Machine.NeedsRoot();
        Machine.Needs("systemctl", "systemd-analyze", "unshare", "nsenter");
        Systemd systemd = new();
        try
        {
            foreach (var target in Targets)
            {
                await File.WriteAllTextAsync(Path.Combine(units, $"{target}.target"), "[Unit]\nDefaultDependencies=no\n");
            }

            await systemd.StartAsync("start-systemd.sh", [units], ["systemctl", "is-active", "ready.target"]);
            return systemd;
        }
        catch
        {
            await systemd.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a program on it.</summary>
    internal override async Task<Ended> RunAsync(params string[] arguments)
    {
        // Not there yet while it is starting; nsenter then says so.
        var pid = File.Exists(State["pid"]) ? await File.ReadAllTextAsync(State["pid"]) : "none";
        return await Run.ProgramAsync(
            "nsenter",
            [
                "--target", pid.Trim(), "--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--root", "--wd",
                "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", .. arguments,
            ]);
    }

    /// <summary>Puts a file of <c>/run/units</c> where it belongs.</summary>
    internal async Task InstallAsync(string name, string path, string mode = "0644") =>
        (await RunAsync("install", "-D", "-m", mode, $"/run/units/{name}", path)).Well();

    /// <summary>A unit's property.</summary>
    internal async Task<string> ShowAsync(string unit, string property) =>
        (await RunAsync("systemctl", "show", "-P", property, unit)).Text;
}
