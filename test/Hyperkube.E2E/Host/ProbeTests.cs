using System.Text;
using Hyperkube.E2E.Programs;
using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Host;

/// <summary>Right bits that cannot run here, or that are something else, are found before the switch.</summary>
[Collection(Alone.Name)]
public sealed class ProbeTests(RealImages images)
{
    private static readonly Platform Here = new("linux", "amd64");
    private static readonly string[] Unsigned = ["--insecure-skip-signature"];

    [Fact]
    public async Task What_runs_proves_its_version()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);

        var pinned = $"oci:{scene["image"]}@{scene.DigestOf(HostScene.New)}";
        var result = HostScene.Result((await InstallAsync(scene, pinned, "rw", ["--verify", "digest"])).Well());

        Assert.Equal("probed", result.GetProperty("binaries")[0].GetProperty("versionProof").GetString());
        var claimed = HostScene.Result((await InstallAsync(scene, scene.Local(HostScene.Old), "rw", [.. Unsigned, "--no-probe"])).Well());
        Assert.Equal("claimed", claimed.GetProperty("binaries")[0].GetProperty("versionProof").GetString());
        var below = HostScene.Result((await scene.InstallAsync(scene.Local(HostScene.New))).Well());
        Assert.Equal("claimed", below.GetProperty("binaries")[0].GetProperty("versionProof").GetString());
    }

    // Whoever writes to the registry writes what the binary answers too.
    [Fact]
    public async Task What_nobody_vouches_for_proves_nothing_by_its_answer()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);

        var refused = await InstallAsync(scene, more: ["--minimum-version", "v1.0.0"]);
        var result = HostScene.Result((await InstallAsync(scene)).Well());

        Assert.Equal(4, refused.Code);
        Assert.Contains("nothing proves the version of kube", refused.Error, StringComparison.Ordinal);
        Assert.Equal("claimed", result.GetProperty("binaries")[0].GetProperty("versionProof").GetString());
    }

    [Fact]
    public async Task A_real_kubectl_is_asked()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        var image = await images.GzipAsync();

        var ended = await Run.ProgramAsync(
            Machine.Script("private-host.sh"),
            [scene[""], "rw", Exe.Here.Program, "--format", "json", "install", $"oci:{image.Layout.Directory}@{image.Digest}", "kubectl",
                "--verify", "digest"]);

        var kubectl = HostScene.Result(ended.Well()).GetProperty("binaries")[0];
        Assert.Equal("probed", kubectl.GetProperty("versionProof").GetString());
        Assert.Equal(image.Release.Version, kubectl.GetProperty("version").GetString());
    }

    [Theory]
    [InlineData("another version", 4, "says that it is v1.2.3; the image says v1.36.5")]
    [InlineData("no version", 4, "expected its version")]
    [InlineData("no interpreter", 7, "cannot be run: No such file or directory")]
    [InlineData("crash", 7, "ends with exit code 139")]
    [InlineData("hang", 7, "has not answered within 5 s")]
    [InlineData("noexec", 7, "cannot be run: Permission denied")]
    public async Task What_cannot_run_here_changes_nothing(string what, int code, string message)
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await InstallAsync(scene, scene.Local(HostScene.Old), "rw", Unsigned)).Well();
        _ = ReleaseTree.WriteFile(scene["release"], HostScene.New, Here, "kubelet", Program(what));
        await scene.BuildAsync(HostScene.New, "-o", $"oci:{scene["other"]}");

        var (image, options) = ($"oci:{scene["other"]}:{HostScene.New}", what == "noexec" ? "noexec" : "rw");
        var ended = await InstallAsync(scene, image, options, Unsigned);

        Assert.Equal(code, ended.Code);
        Assert.Contains(message, ended.Error, StringComparison.Ordinal);
        Assert.InRange(ended.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(9));
        Assert.Equal(HostScene.Old, scene.VersionOf(scene["opt/bin/kubelet"]));
        Assert.Equal(["kubectl", "kubelet"], Directory.EnumerateFileSystemEntries(scene["opt/bin"]).Select(Path.GetFileName).Order());
        Assert.Equal(["receipt.json"], Directory.EnumerateFileSystemEntries(scene["lib/hyperkube"]).Select(Path.GetFileName));

        var unasked = await InstallAsync(scene, image, options, [.. Unsigned, "--no-probe"]);
        Assert.Equal("claimed", HostScene.Result(unasked.Well()).GetProperty("binaries")[0].GetProperty("versionProof").GetString());
    }

    private static byte[] Program(string what)
    {
        const string Interpreter = "/lib64/ld-linux-x86-64.so.2";
        switch (what)
        {
            case "another version":
                return StandInProgram.Create(Here, "Kubernetes v1.2.3\n");
            case "no version":
                return StandInProgram.Create(Here, "hello\n");
            case "no interpreter":
                var program = File.ReadAllBytes("/bin/true");
                var at = program.AsSpan().IndexOf(Encoding.ASCII.GetBytes(Interpreter));
                program[at + Interpreter.Length - 1] = (byte)'X';
                return program;
            default:
                var other = StandInProgram.Create(Here, $"Kubernetes {HostScene.New}\n");
                byte[] code = what switch
                {
                    "hang" => [0xeb, 0xfe], // jmp to itself
                    "crash" => [0x31, 0xc0, 0x88, 0x00], // xor eax, eax; mov [rax], al
                    _ => [],
                };
                code.CopyTo(other, 120); // After the headers.
                return other;
        }
    }

    private static Task<Ended> InstallAsync(HostScene scene, params string[] more) =>
        InstallAsync(scene, scene.Local(HostScene.New), "rw", [.. Unsigned, .. more]);

    private static Task<Ended> InstallAsync(HostScene scene, string reference, string options, string[] more)
    {
        Machine.NeedsRoot();
        Machine.Needs("unshare");
        return Run.ProgramAsync(
            Machine.Script("private-host.sh"),
            [scene[""], options, Exe.Here.Program, "--format", "json", "install", reference, .. more]);
    }
}
