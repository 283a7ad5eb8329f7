using System.Globalization;
using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Host;

/// <summary>From upstream's signature to a node without any route but to its registry: the proof arrives with the bytes.</summary>
public sealed class OfflineTests : IAsyncDisposable
{
    private const string Version = "v1.36.4";

    private static readonly Platform Amd64 = new("linux", "amd64");

    // $0 the work directory, $1 the address; the rest is the test's own. A registry of its own, and nobody else to talk to.
    private const string Fence = """
        exe=$1 address=$2 root=$3
        ip link set lo up
        [ -z "$(ip route show table main)" ] && [ "$(ip -o link | wc -l)" = 1 ]
        cd "$0"
        docker-registry serve registry.yml >registry.log 2>&1 </dev/null &
        registry=$!
        trap 'kill -TERM "$registry"; wait "$registry" || true' EXIT
        for i in $(seq 200); do "$exe" explain "$address/x:y" >/dev/null 2>&1 && break; [ -n "$(ss -Hltn 2>/dev/null)" ] && break; sleep 0.05; done

        """;

    private readonly TempDirectory _work = new();
    private readonly SignedRelease _release;

    public OfflineTests() => _release = new SignedRelease(_work["release"]);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Kubelet => _work["root/opt/bin/kubelet"];

    public async ValueTask DisposeAsync()
    {
        await _release.DisposeAsync();
        _work.Dispose();
    }

    [Fact]
    public async Task A_node_that_sees_only_its_registry_installs_what_upstream_signed_and_can_say_so_later()
    {
        await ArchiveAsync();

        var ended = await FencedAsync("""
            "$exe" copy oci-archive:image.tar "$address/hyperkube:v1.36.4" -q
            "$exe" --format json install "$address/hyperkube:v1.36.4" --root "$root" --trusted-root release/trusted_root.json >install.json
            "$exe" --format json verify "$address/hyperkube:v1.36.4" --trusted-root release/trusted_root.json >verify.json
            # As the DaemonSet does: nobody, without a right, and with no place to write to.
            chmod 755 "$0" release
            TMPDIR=/nonexistent setpriv --reuid=65532 --regid=65532 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
                "$exe" --format json verify "$root/opt/bin/kubelet" --image "$address/hyperkube:v1.36.4" \
                --trusted-root release/trusted_root.json >file.json
            printf x >>"$root/opt/bin/kubelet"
            code=0
            "$exe" --format json verify "$root/opt/bin/kubelet" --image "$address/hyperkube:v1.36.4" \
                --trusted-root release/trusted_root.json >wrong.json 2>wrong.txt || code=$?
            echo "wrong: $code"
            """);

        ended.Well();
        Assert.Contains("wrong: 4", ended.Out, StringComparison.Ordinal);
        Assert.All(
            HostScene.Read(_work["install.json"]).GetProperty("binaries").EnumerateArray(),
            b => Assert.Equal("signature", b.GetProperty("verified").GetString()));
        Assert.Equal(4, HostScene.Read(_work["verify.json"]).GetProperty("platforms").EnumerateArray().Sum(p => p.GetProperty("binaries").GetArrayLength()));
        Assert.Equal("signature", HostScene.Read(_work["file.json"]).GetProperty("platforms")[0].GetProperty("binaries")[0].GetProperty("verified").GetString());
        Assert.Equal("bad-signature", HostScene.Read(_work["wrong.json"]).GetProperty("error").GetProperty("kind").GetString());
    }

    // Whatever a registry, a disk or a line does to a blob: nothing of it gets to the host, and the next answer may be right.
    [Fact]
    public async Task One_bit_on_the_way_is_refused_wherever_it_flips()
    {
        await ArchiveAsync();

        var ended = await FencedAsync("""
            "$exe" copy oci-archive:image.tar "$address/hyperkube:v1.36.4" -q
            for blob in $(find registry/docker/registry/v2/blobs -name data -size -2000k | sort); do
                cp "$blob" good
                size=$(stat -c %s "$blob")
                at=$((size / 2))
                byte=$(od -An -tu1 -j "$at" -N 1 "$blob")
                printf "\\$(printf %o $((byte ^ 4)))" | dd of="$blob" bs=1 seek="$at" conv=notrunc 2>/dev/null
                ! cmp -s "$blob" good
                code=0
                "$exe" --timeout 20s --format json install "$address/hyperkube:v1.36.4" --root "$root" --platform linux/amd64 \
                    --trusted-root release/trusted_root.json >flip.json 2>flip.txt || code=$?
                echo "flip: $code $(find "$root" -name 'kube*' -o -name '.hyperkube-*' | wc -l) $(head -c 60 "$blob" | tr -dc 'a-zA-Z{' | head -c 12) $(tr '\n' ' ' <flip.txt | tail -c 160)"
                rm -rf "$root"; mkdir "$root"
                cp good "$blob"
            done
            "$exe" install "$address/hyperkube:v1.36.4" --root "$root" --platform linux/amd64 --trusted-root release/trusted_root.json -q
            """);

        ended.Well();
        var flips = ended.Out.Split('\n').Where(l => l.StartsWith("flip: ", StringComparison.Ordinal)).ToList();
        foreach (var flip in flips)
        {
            TestContext.Current.SendDiagnosticMessage("{0}", flip);
        }

        // An index, two manifests, two configs, two layers of evidence, four of binaries; those of the other platform are not read.
        Assert.Equal(11, flips.Count);
        Assert.Equal(5, flips.Count(f => f.StartsWith("flip: 0 2 ", StringComparison.Ordinal)));
        Assert.All(flips.Where(f => !f.StartsWith("flip: 0 ", StringComparison.Ordinal)), f => Assert.StartsWith("flip: 4 0 ", f, StringComparison.Ordinal));
        Assert.Equal(await File.ReadAllBytesAsync(ReleaseTree.PathOf(_work["release"], Version, Amd64, "kubelet"), Ct), await File.ReadAllBytesAsync(Kubelet, Ct));
    }

    // Loopback upstream and log; then a file, as somebody carries it through the fence.
    private async Task ArchiveAsync()
    {
        _release.Write(Version, padTo: 300_000);
        (await Exe.Here.RunAsync(
        [
            "build", Version, "--verify", "signature", "--source", _work["release"], "--cache", "none",
            "-o", $"oci-archive:{_work["image.tar"]}", .. _release.BuildWords,
        ])).Well();
        Directory.CreateDirectory(_work["root"]);
    }

    private async Task<Ended> FencedAsync(string script)
    {
        Machine.NeedsRoot();
        Machine.Needs("unshare", "ip", "docker-registry", "setpriv");
        var address = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{DockerRegistry.FreePort()}");
        await File.WriteAllTextAsync(
            _work["registry.yml"],
            $$$"""
            version: 0.1
            log: {level: error}
            storage: {filesystem: {rootdirectory: {{{_work["registry"]}}}}}
            http: {addr: {{{address}}}}
            """,
            Ct);
        return await Run.ProgramAsync(
            "unshare", ["--net", "sh", "-euc", Fence + script, _work.Path, Exe.Here.Program, address, _work["root"]]);
    }
}
