using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Hyperkube.E2E.Images;
using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E;

/// <summary>The image of the tool itself: engines run it as manifests ask for, dpkg and OpenSSL agree with what is in it.</summary>
public sealed class ToolImageTests(ToolImage image) : IClassFixture<ToolImage>
{
    private const string Bundle = "/etc/ssl/certs/ca-certificates.crt";

    // What the manifests in deploy/ say; the rest is what this machine's kernel wants of podman.
    private static readonly string[] Restricted =
    [
        "--rm", "--network", "host", "--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges",
        "--cgroups=disabled", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024",
    ];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_same_exes_and_packages_make_the_same_image_and_a_registry_takes_it()
    {
        using TempDirectory work = new();
        var layout = await image.LayoutAsync();
        await using var registry = await DockerRegistry.StartAsync();
        var there = $"{registry.Address}/hyperkube-tool:{ToolImage.Tag}";

        var again = await ToolImage.BuildAsync(work["again"]);
        (await Exe.Here.RunAsync(["copy", layout.Reference, there])).Well();
        var crane = Machine.Sid("crane");
        (await Run.ProgramAsync(crane, ["validate", "--remote", there])).Well();

        Assert.Equal(layout.Digest, again.Digest);
        Assert.Equal(layout.Digest, (await Run.ProgramAsync(crane, ["digest", there])).Text);
    }

    // Nobody; root without a right, as the job that installs is; a user that the image does not know.
    [Theory]
    [InlineData("")]
    [InlineData("0:0")]
    [InlineData("1000:1000")]
    public async Task It_runs_for_any_user_without_rights_and_without_a_place_to_write_to(string user)
    {
        using Sandbox podman = new("podman", "crun", "conmon");
        await LoadAsync(podman);
        string[] who = user.Length > 0 ? ["--user", user] : [];

        var version = await podman.RunAsync(["podman", "run", .. Restricted, .. who, "tool:it", "--version"]);
        var git = await podman.RunAsync(["podman", "run", .. Restricted, .. who, "tool:it", "versions", "--versions", "git+https://git.example.com/x"]);

        Assert.Equal((await Exe.Here.RunAsync(["--version"])).Text, version.Text);
        Assert.True(git.Code == 7, $"{git.Code}\n{git.Error}");
        Assert.Contains("the program git is not on PATH", git.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_trusts_the_authorities_in_it_and_no_others()
    {
        using Sandbox podman = new("podman", "crun", "conmon");
        await LoadAsync(podman);
        using TestAuthority authority = new();
        await using var registry = await ServeAsync(authority);
        var layout = await image.LayoutAsync();
        string[] inspect = ["inspect", $"{registry.Address}/hyperkube-tool:{ToolImage.Tag}"];
        var root = (await Peers.Bundle.UnpackAsync(podman, layout, "amd64")).Root;
        await File.WriteAllTextAsync(podman["with.crt"], await File.ReadAllTextAsync(root + Bundle, Ct) + authority.Pem + "\n", Ct);

        var stranger = await podman.RunAsync(["podman", "run", .. Restricted, "tool:it", .. inspect]);
        var named = await podman.RunAsync(
            ["podman", "run", .. Restricted, "-v", $"{registry.AuthorityFile}:/ca.crt:ro", "tool:it", .. inspect, "--ca", "/ca.crt"]);
        var known = await podman.RunAsync(["podman", "run", .. Restricted, "-v", $"{podman["with.crt"]}:{Bundle}:ro", "tool:it", .. inspect]);

        Assert.Equal(6, stranger.Code);
        Assert.Contains("certificate", stranger.Error, StringComparison.Ordinal);
        Assert.Contains(layout.Digest, named.Text, StringComparison.Ordinal);
        Assert.Contains(layout.Digest, known.Text, StringComparison.Ordinal);
    }

    // In a root of its own: nothing of this machine's libraries can help it.
    [Fact]
    public async Task On_arm64_it_starts_and_speaks_TLS_with_its_own_libraries()
    {
        Machine.Needs("qemu-aarch64-static", "chroot", "mount");
        using Sandbox sandbox = new("skopeo", "umoci");
        var layout = await image.LayoutAsync();
        var root = (await Peers.Bundle.UnpackAsync(sandbox, layout, "arm64")).Root;
        using TestAuthority authority = new();
        await using var registry = await ServeAsync(authority);
        File.Copy("/usr/bin/qemu-aarch64-static", Path.Combine(root, "qemu"));
        await File.WriteAllTextAsync(Path.Combine(root, "ca.crt"), authority.Pem, Ct);

        var ended = await sandbox.RunAsync(
        [
            "sh", "-euc", "mkdir \"$0/dev\"; mount --bind /dev \"$0/dev\"; exec chroot --userspec=65532:65532 \"$0\" /qemu \"$@\"",
            root, "/usr/bin/hyperkube", "inspect", $"{registry.Address}/hyperkube-tool:{ToolImage.Tag}", "--ca", "/ca.crt",
        ]);

        Assert.Contains(layout.Digest, ended.Text, StringComparison.Ordinal);
    }

    // Debian makes the bundle when the package is installed, by a script that is in the package.
    [Fact]
    public async Task Its_authorities_are_those_that_Debians_own_script_collects()
    {
        Machine.Needs("openssl");
        using Sandbox sandbox = new("skopeo", "umoci");
        var ours = (await Peers.Bundle.UnpackAsync(sandbox, await image.LayoutAsync(), "amd64")).Root + Bundle;
        var package = Path.GetFileName(ToolImage.Pins("amd64").Single(p => p[1] == "ca-certificates")[5]);
        (await Run.ProgramAsync("dpkg-deb", ["-x", Path.Combine(ToolImage.Packages, package), sandbox["package"]])).Well();
        Directory.CreateDirectory(sandbox["certs"]);

        (await Run.ProgramAsync(
            "sh",
            [
                sandbox["package/usr/sbin/update-ca-certificates"], "--default", "--certsconf", "/dev/null", "--hooksdir", "/nonexistent",
                "--localcertsdir", "/nonexistent", "--certsdir", sandbox["package/usr/share/ca-certificates"], "--etccertsdir", sandbox["certs"],
            ])).Well();

        var theirs = await File.ReadAllTextAsync(sandbox["certs/ca-certificates.crt"], Ct);
        Assert.Equal(theirs, await File.ReadAllTextAsync(ours, Ct));
        X509Certificate2Collection certificates = [];
        certificates.ImportFromPem(theirs);
        Assert.InRange(certificates.Count, 100, 500);
    }

    // What scanners read of images without dpkg; here dpkg itself reads it.
    [Theory]
    [InlineData("amd64")]
    [InlineData("arm64")]
    public async Task Its_record_of_packages_is_dpkgs_and_every_licence_is_there(string architecture)
    {
        Machine.Needs("dpkg-query", "md5sum");
        using Sandbox sandbox = new("skopeo", "umoci");
        var root = (await Peers.Bundle.UnpackAsync(sandbox, await image.LayoutAsync(), architecture)).Root;
        var records = Directory.GetFiles(Path.Combine(root, "var/lib/dpkg/status.d"));
        var sums = records.Where(r => r.EndsWith(".md5sums", StringComparison.Ordinal)).ToList();
        Directory.CreateDirectory(sandbox["dpkg"]);
        await File.WriteAllTextAsync(
            sandbox["dpkg/status"],
            string.Join('\n', records.Except(sums).Select(r => $"Status: install ok installed\n{File.ReadAllText(r)}")),
            Ct);

        var known = await Run.ProgramAsync(
            "dpkg-query", ["--admindir", sandbox["dpkg"], "--show", "--showformat", "${Architecture} ${Package} ${Version}\n"]);
        (await Run.ShellAsync("cd \"$0\"; md5sum --check --quiet \"$@\"", [root, .. sums])).Well();

        Assert.Equal(
            ToolImage.Pins(architecture).Select(p => $"{p[0]} {p[1]} {p[2]}").Order(StringComparer.Ordinal),
            known.Text.Split('\n').Order(StringComparer.Ordinal));
        Assert.Contains("ID=debian\n", await File.ReadAllTextAsync(Path.Combine(root, "usr/lib/os-release"), Ct), StringComparison.Ordinal);
        foreach (var package in ToolImage.Pins(architecture))
        {
            var licence = await File.ReadAllTextAsync(Path.Combine(root, "usr/share/doc", package[1], "copyright"), Ct);
            Assert.All(
                Regex.Matches(licence, "/usr/share/common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]"),
                m => Assert.True(Path.Exists(root + m.Value), $"{package[1]}: {m.Value}"));
        }

        Assert.Contains("Apache License", await File.ReadAllTextAsync(Path.Combine(root, "usr/share/doc/hyperkube/LICENSE"), Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_users_have_a_home_and_anybody_a_place_for_what_is_passing()
    {
        using Sandbox sandbox = new("skopeo", "umoci");
        var root = (await Peers.Bundle.UnpackAsync(sandbox, await image.LayoutAsync(), "amd64")).Root;

        var said = await Run.ShellAsync("cd \"$0\"; stat -c '%n %a %u:%g' home/nonroot root tmp usr/bin/hyperkube", root);

        Assert.Equal("home/nonroot 700 65532:65532\nroot 700 0:0\ntmp 1777 0:0\nusr/bin/hyperkube 755 0:0", said.Text);
    }

    private async Task LoadAsync(Sandbox podman)
    {
        (await Exe.Here.RunAsync(["copy", (await image.LayoutAsync()).Reference, $"docker-archive:{podman["tool.tar"]}:tool:it"])).Well();
        (await podman.RunAsync("podman", "load", "-q", "-i", podman["tool.tar"])).Well();
    }

    private async Task<DockerRegistry> ServeAsync(TestAuthority authority)
    {
        var registry = await DockerRegistry.StartAsync(new RegistrySetup { Authority = authority });
        var there = $"{registry.Address}/hyperkube-tool:{ToolImage.Tag}";
        (await Exe.Here.RunAsync(["copy", (await image.LayoutAsync()).Reference, there, "--ca", registry.AuthorityFile])).Well();
        return registry;
    }
}
