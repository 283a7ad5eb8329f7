using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Host;

/// <summary>What deploy/kubernetes/verify-daemonset.yaml runs on every node: as nobody, without a place to write to, and with no route but to a
/// registry.</summary>
public sealed class NodeVerifyTests : IAsyncDisposable
{
    private const string Version = "v1.36.4";

    // As the Pod has it: no user, no group, no right.
    private static readonly string[] AsNobody =
        ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"];

    private readonly TempDirectory _work = new();
    private readonly SignedRelease _release;

    public NodeVerifyTests() => _release = new SignedRelease(_work["release"]);

    private string Kubelet => _work["root/opt/bin/kubelet"];

    public async ValueTask DisposeAsync()
    {
        await _release.DisposeAsync();
        _work.Dispose();
    }

    [Fact]
    public async Task What_stands_on_a_node_is_judged_by_what_the_image_carries()
    {
        Machine.NeedsRoot();
        Machine.Needs("unshare", "ip", "setpriv");
        _release.Write(Version, padTo: 300_000);
        await using var registry = await DockerRegistry.StartAsync();
        var image = $"{registry.Address}/hyperkube:{Version}";
        (await Exe.Here.RunAsync(
            ["build", Version, "--verify", "signature", "--source", _work["release"], "--cache", _work["downloads"], "-o", image, .. _release.BuildWords])).Well();
        Directory.CreateDirectory(_work["root"]);
        (await Exe.Here.RunAsync(["install", image, "--root", _work["root"], "--trusted-root", _release.TrustedRoot])).Well();
        foreach (var directory in (string[])[_work.Path, _work["release"], _work["root"]])
        {
            File.SetUnixFileMode(directory, Oci.Content.FileModes.Executable);
        }

        var right = (await FencedAsync(registry, image)).Well();
        await File.AppendAllTextAsync(Kubelet, "x", TestContext.Current.CancellationToken);
        var wrong = await FencedAsync(registry, image);
        File.Copy(_work["root/opt/bin/kubectl"], Kubelet, overwrite: true);
        var other = await FencedAsync(registry, image);

        Assert.Equal(
            "signature",
            HostScene.Result(right).GetProperty("platforms")[0].GetProperty("binaries")[0].GetProperty("verified").GetString());
        Assert.Equal((4, 4), (wrong.Code, other.Code));
        Assert.Equal("bad-signature", HostScene.Result(wrong).GetProperty("error").GetProperty("kind").GetString());
    }

    private Task<Ended> FencedAsync(DockerRegistry registry, string image) => Run.ProgramAsync(
        Machine.Script("fenced.sh"),
        [
            registry.ConfigFile, registry.Address[(registry.Address.IndexOf(':', StringComparison.Ordinal) + 1)..],
            .. AsNobody, "env", "TMPDIR=/nonexistent",
            Exe.Here.Program, "--format", "json", "verify", Kubelet, "--image", image, "--trusted-root", _release.TrustedRoot,
        ]);
}
