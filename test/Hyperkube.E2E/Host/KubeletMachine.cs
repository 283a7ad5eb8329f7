using System.Text.Json;
using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Host;

/// <summary>A machine with a systemd, our program, and a kubelet that runs what is in /opt/bin.</summary>
internal sealed class KubeletMachine(Systemd systemd) : IAsyncDisposable
{
    internal const string Unit = "kubelet.service";
    internal const string Restart = "--restart=" + Unit;

    private const string Exe = "/usr/local/bin/hyperkube";

    // As kubeadm's, but quicker.
    private const string Kubelet = """
        [Unit]
        DefaultDependencies=no
        StartLimitIntervalSec=0
        [Service]
        ExecStart=/opt/bin/kubelet --config=/dev/null
        Restart=always
        RestartSec=2
        """;

    /// <summary>Starts one, with more units if wanted; the first release is installed and runs.</summary>
    internal static async Task<KubeletMachine> StartAsync(KubeletImages images, params (string Name, string Content)[] more)
    {
        Machine.NeedsRoot();
        Machine.Needs("ip", "systemctl");
        var layout = await images.LayoutAsync();
        using TempDirectory units = new();
        (await Run.ShellAsync(
            "cp -r \"$0\" \"$1/image\"; cp \"$2\" \"$1/hyperkube\"", layout, units.Path, Programs.Exe.Here.Program)).Well();
        await File.WriteAllTextAsync(units[Unit], Kubelet);
        foreach (var (name, content) in more)
        {
            await File.WriteAllTextAsync(units[name], content);
        }

        KubeletMachine machine = new(await Systemd.StartAsync(units.Path));
        try
        {
            (await machine.RunAsync("ip", "link", "set", "lo", "up")).Well();
            await machine.Systemd.InstallAsync("hyperkube", Exe, "0755");
            (await machine.InstallAsync(KubeletImages.V4)).Well();
            (await machine.RunAsync("systemctl", "start", Unit)).Well();
            return machine;
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    internal Systemd Systemd => systemd;

    internal Task<Ended> RunAsync(params string[] arguments) => systemd.RunAsync(arguments);

    /// <summary>The words of an install of the kubelet.</summary>
    internal static string[] Words(string version, params string[] more) =>
        [Exe, "--format", "json", "install", $"oci:/run/units/image:{version}", "kubelet", "--insecure-skip-signature", .. more];

    internal Task<Ended> InstallAsync(string version, params string[] more) => RunAsync(Words(version, more));

    /// <summary>Installs what the words say, with a systemctl in PATH that refuses.</summary>
    /// <param name="refused">When: a condition of a shell, where <c>$*</c> are the words and <c>/run/restarted</c> is there after a
    /// restart.</param>
    /// <param name="words">The program's.</param>
    internal async Task<Ended> WithoutSystemdAsync(string refused, params string[] words)
    {
        var systemctl = $$"""
            #!/bin/sh
            if {{refused}}; then echo 'Connection timed out' >&2; exit 1; fi
            case "$*" in *" restart "*) touch /run/restarted ;; esac
            exec /usr/bin/systemctl "$@"
            """;
        (await RunAsync(
            "sh", "-euc",
            "rm -f /run/restarted; mkdir -p /run/refusing; cd /run/refusing; printf '%s\\n' \"$0\" >systemctl; chmod 755 systemctl",
            systemctl)).Well();
        return await RunAsync(["env", "PATH=/run/refusing:/usr/sbin:/usr/bin:/sbin:/bin", .. words]);
    }

    /// <summary>Installs, and is killed at one of its renames: 1 the intent, 2 the file, 3 the receipt, 4 the old file's.</summary>
    internal Task<Ended> KilledAsync(int rename, params string[] command) =>
        RunAsync(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=renameat", "-e", $"inject=renameat:signal=KILL:when={rename}",
                .. command]);

    internal Task<Ended> RollbackAsync(params string[] more) => RunAsync(RollbackWords(more));

    internal static string[] RollbackWords(params string[] more) => [Exe, "--format", "json", "rollback", .. more];

    /// <summary>Makes a release ill, or healthy again.</summary>
    internal async Task TellAsync(string version, string illness) =>
        (await RunAsync("sh", "-c", $"echo {illness} >/run/kubelet-{version}")).Well();

    internal async Task<JsonElement> StatusAsync() => HostScene.Result((await RunAsync(Exe, "--format", "json", "status")).Well());

    /// <summary>The version of the file at the destination.</summary>
    internal async Task<string> FileAsync() => (await RunAsync("/opt/bin/kubelet", "--version")).Text.Split(' ')[1];

    /// <summary>The version of the running process.</summary>
    internal async Task<string> ProcessAsync() =>
        (await RunAsync("sh", "-c", $"/proc/$(systemctl show -P MainPID {Unit})/exe --version")).Text.Split(' ')[1];

    internal Task<string> PidAsync() => systemd.ShowAsync(Unit, "MainPID");

    internal async Task<string> ReceiptAsync() => (await RunAsync("cat", "/var/lib/hyperkube/receipt.json")).Text;

    public ValueTask DisposeAsync() => systemd.DisposeAsync();
}
