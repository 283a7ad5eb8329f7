using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Host;

/// <summary>The SELinux label of what is installed, with a stand-in for the library that knows the policy: it says the path that it was
/// asked for.</summary>
public sealed class LabelTests : IDisposable
{
    private const string Library = """
        #include <stdlib.h>
        #include <string.h>
        int is_selinux_enabled(void) { return 1; }
        void freecon(char *label) { free(label); }
        int matchpathcon(const char *path, unsigned mode, char **label)
        {
            *label = malloc(strlen(path) + 20);
            strcpy(*label, mode == 0x8000 ? "policy:" : "odd:");
            strcat(*label, path);
            return 0;
        }
        """;

    private const string Get = "import os,sys; print(os.getxattr(sys.argv[1], 'security.selinux').decode().rstrip('\\0'))";

    private readonly TempDirectory _library = new();

    public void Dispose() => _library.Dispose();

    [Fact]
    public async Task The_policy_is_asked_for_the_path_without_links()
    {
        await using var scene = await SceneAsync();
        Directory.CreateDirectory(scene["usr/bin"]);
        Directory.CreateSymbolicLink(scene["opt"], "usr");

        (await scene.PrivatelyAsync(
            """
            mount -t tmpfs tmpfs /var/lib
            export LD_LIBRARY_PATH="$1"
            shift
            "$@"
            """,
            [_library.Path, Exe.Here.Program, "install", scene.Local(HostScene.New), "kubelet", "--insecure-skip-signature", "--no-probe",
                "--to", scene["opt/bin"]])).Well();

        Assert.Equal($"policy:{scene["usr/bin/kubelet"]}", (await Run.ProgramAsync("python3", ["-c", Get, scene["usr/bin/kubelet"]])).Text);
    }

    // Its policy is another, and this one knows nothing of its paths.
    [Fact]
    public async Task A_mounted_hosts_label_is_not_this_hosts_policys()
    {
        await using var scene = await SceneAsync();

        (await Exe.Here.RunAsync(
            scene.Words(scene.Local(HostScene.New)), new Dictionary<string, string> { ["LD_LIBRARY_PATH"] = _library.Path })).Well();

        Assert.NotEqual(0, (await Run.ProgramAsync("python3", ["-c", Get, scene.Kubelet])).Code);
    }

    private async Task<HostScene> SceneAsync()
    {
        Machine.NeedsRoot();
        Machine.Needs("python3", "gcc");
        await File.WriteAllTextAsync(_library["library.c"], Library);
        (await Run.ProgramAsync("gcc", ["-shared", "-fPIC", "-o", _library["libselinux.so.1"], _library["library.c"]])).Well();
        return await HostScene.CreateAsync(1 << 16);
    }
}
