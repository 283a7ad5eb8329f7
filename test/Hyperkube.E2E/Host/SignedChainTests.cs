using System.Text.Json;
using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.E2E.Host;

/// <summary>The release team's signature from upstream to a node behind a fence: looked up once where the image is built, checked again where
/// it runs, and by others' programs on the way. The release is of stand-ins that carry Go's build information; the signer is the test
/// authority's, under the team's name.</summary>
public sealed class SignedChainTests : IAsyncDisposable
{
    private const string Version = "v1.36.4";

    private readonly TempDirectory _work = new();
    private readonly SignedRelease _release;
    private readonly ReleaseSite _site;

    public SignedChainTests()
    {
        _release = new SignedRelease(_work["release"]);
        _release.Write(Version, padTo: 3 << 20);
        _site = ReleaseSite.Start(_work["release"]);
        Directory.CreateDirectory(_work["root"]);
    }

    private string TrustedRoot => _release.TrustedRoot;

    private string Layout => $"oci:{_work["layout"]}:{Version}";

    public async ValueTask DisposeAsync()
    {
        await _site.DisposeAsync();
        await _release.DisposeAsync();
        _work.Dispose();
    }

    [Fact]
    public async Task From_upstream_to_a_node_that_reaches_nothing_but_a_registry()
    {
        Machine.NeedsRoot();
        Machine.Needs("unshare");
        Machine.Needs("ip");
        await using var publishing = await DockerRegistry.StartAsync();
        await using var fenced = await DockerRegistry.StartAsync();
        await BuildAsync($"{publishing.Address}/hyperkube:{Version}");
        (await Exe.Here.RunAsync(["copy", $"{publishing.Address}/hyperkube:{Version}", $"oci-archive:{_work["usb.tar"]}"])).Well();
        (await Exe.Here.RunAsync(["copy", $"oci-archive:{_work["usb.tar"]}:{Version}", $"{fenced.Address}/mirror/hyperkube:{Version}"])).Well();

        var ended = (await Run.ProgramAsync(
            Machine.Script("fenced.sh"),
            [
                fenced.ConfigFile, fenced.Address[(fenced.Address.IndexOf(':', StringComparison.Ordinal) + 1)..], Exe.Here.Program,
                .. InstallWords($"{fenced.Address}/mirror/hyperkube:{Version}"),
            ])).Well();

        using var json = JsonDocument.Parse(ended.Out);
        Assert.All(
            json.RootElement.GetProperty("binaries").EnumerateArray(), b => Assert.Equal("signature", b.GetProperty("verified").GetString()));
        Assert.Equal(
            await File.ReadAllBytesAsync(PathOf("kubelet"), TestContext.Current.CancellationToken),
            await File.ReadAllBytesAsync(_work["root/opt/bin/kubelet"], TestContext.Current.CancellationToken));
        Assert.Single(_release.Rekor.Questions); // By the builder.
    }

    [Fact]
    public async Task What_the_builder_assembles_is_taken_by_cosign_and_by_sigstores_own_verifier()
    {
        using SigstoreJudges judges = new(_release.Authority);
        (await Exe.Here.RunAsync(
            ["fetch", Version, "--source", _site.Url.ToString(), "--to", _work["usb"], "--cache", _work["cache"], "--verify", "signature",
                .. _release.BuildWords])).Well();

        foreach (var file in (string[])["bin/linux/amd64/kubelet", "bin/linux/arm64/kubectl", "kubernetes-release.spdx"])
        {
            var content = await File.ReadAllBytesAsync(_work[$"usb/{Version}/{file}"], TestContext.Current.CancellationToken);
            var bundle = await File.ReadAllBytesAsync(_work[$"usb/{Version}/{file}.sigstore.json"], TestContext.Current.CancellationToken);
            (await judges.CosignAsync(bundle, content, isDocument: false, CertificateRecipe.Email)).Well();
            (await judges.JavaScriptAsync(bundle, content, CertificateRecipe.Email)).Well();
        }
    }

    // Anywhere on the way: whatever holds, it is refused where it is met next, and says what is wrong.
    [Theory]
    [InlineData("bin/linux/amd64/kubelet", "the SHA-256 is")]
    [InlineData("bin/linux/amd64/kubelet.sha256", "bad-signature")]
    [InlineData("bin/linux/amd64/kubelet.sha512", "the SHA-512 is")]
    [InlineData("bin/linux/amd64/kubelet.sig", "bad-signature")]
    [InlineData("bin/linux/amd64/kubelet.cert", "bad-signature")]
    [InlineData("kubernetes-release.spdx", "the SHA-256 is")]
    [InlineData("kubernetes-release.spdx.sig", "bad-signature")]
    public async Task One_character_changed_upstream_is_refused_by_the_builder(string file, string says)
    {
        var path = _work[$"release/{Version}/{file}"];
        var content = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        var at = content.Length < 10_000 ? 20 : content.Length / 2; // Of the program that is only filling, and no header.
        content[at] = content[at] == (byte)'1' ? (byte)'2' : (byte)'1';
        await File.WriteAllBytesAsync(path, content, TestContext.Current.CancellationToken);

        var ended = await Exe.Here.RunAsync(["--format", "json", .. BuildWords(Layout)]);

        Assert.Equal(4, ended.Code);
        Assert.Contains(says, ended.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_bit_changed_in_any_blob_is_refused_by_the_node()
    {
        await BuildAsync(Layout);
        foreach (var blob in Directory.GetFiles(_work["layout/blobs/sha256"]))
        {
            var content = await File.ReadAllBytesAsync(blob, TestContext.Current.CancellationToken);
            foreach (var at in (int[])[content.Length / 3, content.Length - 1])
            {
                var changed = (byte[])content.Clone();
                changed[at] ^= 1;
                await File.WriteAllBytesAsync(blob, changed, TestContext.Current.CancellationToken);

                var ended = await Exe.Here.RunAsync(InstallWords(Layout));

                Assert.True(ended.Code is 0 or 4, $"{Path.GetFileName(blob)} at {at}: {ended}"); // 0: of the other platform.
                if (ended.Code == 4)
                {
                    var error = HostScene.Result(ended).GetProperty("error");
                    Assert.Equal("bad-digest", error.GetProperty("kind").GetString());
                    Assert.Contains($"expected sha256:{Path.GetFileName(blob)}", error.GetProperty("message").GetString(), StringComparison.Ordinal);
                }

                Assert.Equal(ended.Code == 0, Directory.Exists(_work["root/opt/bin"]) && Directory.GetFiles(_work["root/opt/bin"]).Length > 0);
                Directory.Delete(_work["root"], recursive: true);
                Directory.CreateDirectory(_work["root"]);
            }

            await File.WriteAllBytesAsync(blob, content, TestContext.Current.CancellationToken);
        }

        (await Exe.Here.RunAsync(InstallWords(Layout))).Well();
    }

    // Whoever controls every digest on the way still cannot sign.
    [Fact]
    public async Task An_image_that_is_whole_and_of_another_maker_is_unsigned_or_badly_signed()
    {
        var tampered = await File.ReadAllBytesAsync(PathOf("kubelet"), TestContext.Current.CancellationToken);
        tampered[^1] ^= 1;
        _ = ReleaseTree.WriteFile(_work["release"], Version, ReleaseTree.Platforms[0], "kubelet", tampered);
        (await Exe.Here.RunAsync(["build", Version, "--source", _site.Url.ToString(), "-o", Layout, "--cache", _work["cache"], "--verify", "checksum"])).Well();

        var ended = await Exe.Here.RunAsync(InstallWords(Layout));

        Assert.Equal(4, ended.Code);
        Assert.Contains("\"kind\": \"unsigned\"", ended.Out, StringComparison.Ordinal);
        await using SignedRelease stranger = new(_work["stranger"]); // Under the release team's name, by an authority that nobody here trusts.
        stranger.Write(Version);
        var theirs = $"oci:{_work["theirs"]}:{Version}";
        (await Exe.Here.RunAsync(
            ["build", Version, "--source", _work["stranger"], "-o", theirs, "--cache", "none", "--verify", "signature", .. stranger.BuildWords])).Well();

        ended = await Exe.Here.RunAsync(InstallWords(theirs));

        Assert.Equal(4, ended.Code);
        Assert.Contains("\"kind\": \"bad-signature\"", ended.Out, StringComparison.Ordinal);
        Assert.False(File.Exists(_work["root/opt/bin/kubelet"]));
    }

    private string PathOf(string name) => ReleaseTree.PathOf(_work["release"], Version, ReleaseTree.Platforms[0], name);

    private string[] BuildWords(string output) =>
        ["build", Version, "--source", _site.Url.ToString(), "-o", output, "--cache", _work["cache"], "--verify", "signature", .. _release.BuildWords];

    private async Task BuildAsync(string output) => (await Exe.Here.RunAsync(BuildWords(output))).Well();

    private string[] InstallWords(string reference) =>
        ["--format", "json", "install", reference, "--platform", "linux/amd64", "--root", _work["root"], "--trusted-root", TrustedRoot, "--hosts-dir", "none"];
}
