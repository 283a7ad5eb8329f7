using Hyperkube.E2E.Programs;
using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Host;

/// <summary>Three releases of a kubelet that can be told to fail, compiled when the first test asks, in a layout.</summary>
public sealed class KubeletImages : IDisposable
{
    internal const string V4 = "v1.36.4";
    internal const string V5 = "v1.36.5";
    internal const string V6 = "v1.36.6";

    private readonly TempDirectory _work = new();
    private readonly Lock _once = new();
    private Task<string>? _layout;

    /// <summary>The layout's directory; its tags are the versions.</summary>
    internal Task<string> LayoutAsync()
    {
        lock (_once)
        {
            return _layout ??= BuildAsync();
        }
    }

    public void Dispose() => _work.Dispose();

    private async Task<string> BuildAsync()
    {
        var go = Machine.Input("go/usr/lib/go-1.19");
        Directory.CreateDirectory(_work["module/cmd/kubelet"]);
        await File.WriteAllTextAsync(_work["module/go.mod"], "module k8s.io/kubernetes\n\ngo 1.19\n");
        File.Copy(Machine.Script("kubelet/main.go"), _work["module/cmd/kubelet/main.go"]);
        foreach (var version in (string[])[V4, V5, V6])
        {
            using var compiler = RunningProgram.Start(
                "sh",
                ["-euc", "cd \"$0\"; exec \"$1/bin/go\" build -trimpath -ldflags \"-buildid= -X main.version=$2\" -o \"$2\" ./cmd/kubelet",
                    _work["module"], go, version],
                new Dictionary<string, string>
                {
                    ["GOROOT"] = go,
                    ["GOCACHE"] = _work["cache"],
                    ["GOPROXY"] = "off",
                    ["CGO_ENABLED"] = "0",
                });
            (await compiler.EndAsync(TimeSpan.FromMinutes(5))).Well(); // The first also compiles the library.
            Platform platform = new("linux", "amd64");
            _ = ReleaseTree.WriteFile(
                _work["release"], version, platform, "kubelet", await File.ReadAllBytesAsync(_work[$"module/{version}"]));
            _ = ReleaseTree.WriteFile(
                _work["release"], version, platform, "kubectl", StandInProgram.Create(platform, $"Client Version: {version}\n"));
            (await Exe.Here.RunAsync(
                ["build", version, "--source", _work["release"], "--cache", _work["downloads"], "--platform", "linux/amd64",
                    "--compression", "gzip:1", "-o", $"oci:{_work["layout"]}"])).Well();
        }

        return _work["layout"];
    }
}
