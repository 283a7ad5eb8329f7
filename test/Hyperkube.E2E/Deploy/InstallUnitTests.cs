using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Deploy;

/// <summary>The units of deploy/systemd: read by systemd-analyze, and run by a systemd.</summary>
public sealed class InstallUnitTests
{
    private const string Service = "hyperkube-install.service";
    private const string Timer = "hyperkube-install.timer";

    // It only has to run, from a file of its own.
    private const string Kubelet = "[Service]\nExecStart=/opt/bin/kubelet 1000\nRestart=always\n";

    [Theory]
    [InlineData(Service)]
    [InlineData(Timer)]
    public async Task Systemd_has_nothing_to_say_against_it(string unit)
    {
        Machine.Needs("systemd-analyze");
        using TempDirectory work = new();
        foreach (var name in new[] { Service, Timer })
        {
            // The program has to be there.
            await File.WriteAllTextAsync(
                work[name], Source(name).Replace("/usr/local/bin/hyperkube", Exe.Here.Program), TestContext.Current.CancellationToken);
        }

        var ended = (await Run.ProgramAsync("systemd-analyze", ["verify", "--man=no", work[unit]])).Well();

        Assert.Empty(ended.Out + ended.Error);
    }

    [Fact]
    public async Task Its_sandbox_stays_as_tight_as_it_is()
    {
        Machine.Needs("systemd-analyze");

        // 2.9 with systemd 252, of 10; a service without a sandbox has 9.6. Other versions count a little differently.
        (await Run.ProgramAsync(
            "systemd-analyze", ["security", "--no-pager", "--offline=true", "--threshold=33", PathOf(Service)])).Well();
    }

    [Fact]
    public async Task An_install_can_do_its_work_in_it_and_no_more()
    {
        await using var systemd = await WithStandInAsync();

        (await systemd.RunAsync("systemctl", "start", Service)).Well();

        var log = (await systemd.RunAsync("cat", "/var/lib/hyperkube/log")).Text.Split('\n');
        Assert.Equal($"called: install {Reference()} kubelet kubectl", log[0]);
        Assert.Equal(
            [
                "yes: stage in the destination", "yes: set mode and owner", "yes: run the staged file", "yes: keep the old file",
                "yes: keep a file of another user", "yes: see what the running kubelet was started from",
                "yes: read a login of root", "yes: resolve a name", "yes: restart the kubelet", "yes: ask whether it is active",
                "no: write to /etc", "no: write to /usr/local/bin", "no: write to the home of root",
                "no: write to another state directory", "no: make a file immutable", "no: make a namespace", "no: mount",
                "no: see a disk",
            ],
            log[1..]);
        Assert.Equal("700 root", (await systemd.RunAsync("stat", "-c", "%a %U", "/var/lib/hyperkube")).Text);
        Assert.Equal("inactive", await systemd.ShowAsync(Service, "ActiveState"));
    }

    [Theory]
    [InlineData(0, "inactive", "dead")]
    [InlineData(1, "activating", "auto-restart")]
    [InlineData(2, "failed", "failed")]
    [InlineData(3, "failed", "failed")]
    [InlineData(4, "failed", "failed")]
    [InlineData(5, "failed", "failed")]
    [InlineData(6, "activating", "auto-restart")]
    [InlineData(7, "activating", "auto-restart")]
    [InlineData(8, "failed", "failed")]
    [InlineData(143, "inactive", "dead")]
    public async Task What_passes_by_itself_is_tried_again_and_nothing_else(int code, string state, string detail)
    {
        await using var systemd = await WithStandInAsync($"CODE={code}\n");

        _ = await systemd.RunAsync("systemctl", "start", Service);

        Assert.Equal(state, await systemd.ShowAsync(Service, "ActiveState"));
        Assert.Equal(detail, await systemd.ShowAsync(Service, "SubState"));
        Assert.Equal("3min", await systemd.ShowAsync(Service, "RestartUSec"));
    }

    [Fact]
    public async Task Flags_come_from_the_environment_file_but_the_reference_only_from_its_own()
    {
        await using var systemd = await WithStandInAsync(
            "HYPERKUBE_NAMES=kubelet=/opt/bin/kubelet kubeadm\nHYPERKUBE_REFERENCE=elsewhere.example.com/hyperkube:v1\n");

        (await systemd.RunAsync("systemctl", "start", Service)).Well();

        Assert.StartsWith(
            $"called: install {Reference()} kubelet=/opt/bin/kubelet kubeadm\n",
            (await systemd.RunAsync("cat", "/var/lib/hyperkube/log")).Out,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_reference_it_fails_for_everybody_to_see()
    {
        await using var systemd = await WithStandInAsync();
        (await systemd.RunAsync("rm", "/etc/hyperkube/reference")).Well();

        Assert.NotEqual(0, (await systemd.RunAsync("systemctl", "start", Service)).Code);

        Assert.Equal("resources", await systemd.ShowAsync(Service, "Result"));
        Assert.NotEqual(0, (await systemd.RunAsync("test", "-e", "/var/lib/hyperkube/log")).Code);
    }

    [Fact]
    public async Task The_timer_waits_until_somebody_enables_it()
    {
        await using var systemd = await WithStandInAsync();
        await systemd.InstallAsync("90-hyperkube.preset", "/etc/systemd/system-preset/90-hyperkube.preset");
        (await systemd.RunAsync("systemctl", "preset", Timer)).Well();

        Assert.Equal("disabled\n", (await systemd.RunAsync("systemctl", "is-enabled", Timer)).Out);
        Assert.Equal("static\n", (await systemd.RunAsync("systemctl", "is-enabled", Service)).Out);
        (await systemd.RunAsync("systemctl", "enable", "--now", Timer)).Well();

        Assert.Equal("waiting", await systemd.ShowAsync(Timer, "SubState"));
        Assert.Equal("1h", await systemd.ShowAsync(Timer, "RandomizedDelayUSec"));
        Assert.Equal("yes", await systemd.ShowAsync(Timer, "Persistent"));
    }

    // No pages both writable and executable, few system calls, no devices: the published program has to live with that,
    // also with several threads, its own zlib and the host's OpenSSL.
    [Fact]
    public async Task The_published_program_lives_with_the_sandbox()
    {
        if (!Exe.IsPublished)
        {
            Machine.Missing("no published exe; publish one and name it in HYPERKUBE_EXE");
        }

        using TempDirectory units = new();
        ReleaseTree.Write(units["release"], "v1.36.4", padTo: 4 << 20);
        File.Copy(Exe.Here.Program, units["published"]);
        Directory.CreateDirectory(units[$"{Service}.d"]);
        await File.WriteAllTextAsync(
            units[$"{Service}.d/published.conf"],
            """
            [Service]
            StandardError=append:/run/published.log
            ExecStart=
            ExecStart=/usr/local/bin/published build v1.36.4 --source /run/units/release --verify checksum --cache none -o oci:/var/lib/hyperkube/built
            ExecStart=/usr/local/bin/published copy oci:/var/lib/hyperkube/built:v1.36.4 oci:/opt/bin/copied
            """,
            TestContext.Current.CancellationToken);
        await using var systemd = await WithStandInAsync("", units);
        await systemd.InstallAsync("published", "/usr/local/bin/published", "0755");

        var ended = await systemd.RunAsync("systemctl", "start", Service);

        Assert.True(ended.Code == 0, ended.Error + (await systemd.RunAsync("cat", "/run/published.log")).Out);
        (await systemd.RunAsync("test", "-s", "/opt/bin/copied/index.json")).Well();
    }

    private static async Task<Systemd> WithStandInAsync(string environment = "")
    {
        using TempDirectory units = new();
        return await WithStandInAsync(environment, units);
    }

    /// <summary>Everything is where README.md of deploy/ puts it, with a stand-in for the program and one for the kubelet.</summary>
    private static async Task<Systemd> WithStandInAsync(string environment, TempDirectory units)
    {
        foreach (var name in new[] { Service, Timer, "90-hyperkube.preset", "hyperkube.conf", "reference" })
        {
            File.Copy(PathOf(name), units[name]);
        }

        File.Copy(Machine.Script("stand-in-install.sh"), units["hyperkube"]);
        await File.WriteAllTextAsync(units["install.env"], Source("install.env") + environment);
        await File.WriteAllTextAsync(units["kubelet.service"], Kubelet);
        await File.WriteAllTextAsync(units["login"], "{}");
        var systemd = await Systemd.StartAsync(units.Path);
        await systemd.InstallAsync("hyperkube", "/usr/local/bin/hyperkube", "0755");
        await systemd.InstallAsync("reference", "/etc/hyperkube/reference");
        await systemd.InstallAsync("install.env", "/etc/hyperkube/install.env", "0600");
        await systemd.InstallAsync("hyperkube.conf", "/etc/tmpfiles.d/hyperkube.conf");
        await systemd.InstallAsync("login", "/root/.docker/config.json", "0600");
        (await systemd.RunAsync("systemd-tmpfiles", "--create", "/etc/tmpfiles.d/hyperkube.conf")).Well();
        (await systemd.RunAsync("cp", "/bin/sleep", "/opt/bin/kubelet")).Well();
        (await systemd.RunAsync("cp", "/bin/sleep", "/opt/bin/kubectl")).Well();
        (await systemd.RunAsync("chown", "1000:1000", "/opt/bin/kubectl")).Well();
        (await systemd.RunAsync("systemctl", "start", "kubelet.service")).Well();
        return systemd;
    }

    private static string Reference() =>
        Source("reference").Split('\n').Single(l => l.StartsWith("HYPERKUBE_REFERENCE=", StringComparison.Ordinal)).Split('=', 2)[1];

    private static string Source(string name) => File.ReadAllText(PathOf(name));

    private static string PathOf(string name) => Path.Combine(Machine.Repository, "deploy/systemd", name);
}
