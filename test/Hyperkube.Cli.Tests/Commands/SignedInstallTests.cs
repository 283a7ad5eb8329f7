using Hyperkube.Oci;
using static Hyperkube.Cli.Tests.SignedShell;

namespace Hyperkube.Cli.Tests.Commands;

/// <summary>install, status and rollback of images that carry the release team's signature, which is what is asked for unless told.</summary>
public sealed class SignedInstallTests : IAsyncDisposable
{
    private readonly SignedShell _signed = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Host => Directory.CreateDirectory(_signed.Shell["host"]).FullName;

    public ValueTask DisposeAsync() => _signed.DisposeAsync();

    [Fact]
    public async Task The_signature_is_asked_for_and_what_it_proves_is_said()
    {
        await _signed.BuildAsync();

        var json = (await InstallAsync(_signed.Layout)).With(0).Json;

        Assert.All(json.Items("binaries"), b => Assert.Equal(
            ("signature", "krel-staging@k8s-releng-prod.iam.gserviceaccount.com", "claimed"),
            (b.Text("verified"), b.Text("signer"), b.Text("versionProof"))));
        Assert.False(json.TryGetProperty("downgrade", out _));
        var status = (await _signed.RunAsync("status", "--root", Host)).With(0).Json;
        Assert.All(status.Items("files"), f =>
        {
            Assert.Equal("signature", f.Text("verified"));
            Assert.StartsWith("2024-05-17T10:00:00", f.Text("signedAt"), StringComparison.Ordinal);
        });
        var text = (await _signed.Shell.RunAsync("status", "--root", Host)).With(0).Out;
        Assert.Contains("verified by the Kubernetes release team's signature", text, StringComparison.Ordinal);
        Assert.Contains("signed     2024-05-17 10:00:00 UTC by krel-staging@", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_text_of_status_does_not_call_unsigned_files_verified()
    {
        await _signed.BuildAsync(Shell.Version, "--verify", "checksum");
        (await InstallAsync(_signed.Layout, "--insecure-skip-signature")).With(0);

        var text = (await _signed.Shell.RunAsync("status", "--root", Host)).With(0).Out;

        Assert.Contains("verified by NOTHING but the registry's word", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_is_not_believed_installs_nothing()
    {
        await _signed.BuildAsync();

        var ended = (await _signed.RunAsync("install", _signed.Layout, "--root", Host)).With(4);
        var another = (await InstallAsync(_signed.Layout, "--certificate-oidc-issuer", "https://example.com")).With(4);

        Assert.Equal("bad-signature", ended.Json.GetProperty("error").Text("kind"));
        Assert.Contains("https://accounts.google.com", another.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(Host, "kube*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_downgrade_is_said_in_words_and_in_JSON()
    {
        _signed.Release.Write("v1.36.3");
        await _signed.BuildAsync();
        await _signed.BuildAsync("v1.36.3");
        (await InstallAsync($"{_signed.Layout}:{Shell.Version}")).With(0);

        var ended = (await InstallAsync($"{_signed.Layout}:v1.36.3")).With(0);

        Assert.True(ended.Json.GetProperty("downgrade").GetBoolean());
        Assert.Contains("v1.36.4 is replaced by v1.36.3, which is OLDER", ended.Error, StringComparison.Ordinal);
    }

    // A mirror that answers with what it once had: upstream's own bytes, and evidence that is in order.
    [Fact]
    public async Task An_old_release_under_a_new_tag_does_not_reach_a_minimum()
    {
        _signed.Release.Write("v1.36.3");
        var old = await _signed.BuildAsync("v1.36.3");
        (await _signed.RunAsync("copy", $"{_signed.Layout}@{old}", $"oci:{_signed.Shell["mirror"]}:{Shell.Version}")).With(0);

        var ended = (await InstallAsync($"oci:{_signed.Shell["mirror"]}:{Shell.Version}", "--minimum-version", Shell.Version)).With(4);

        Assert.Contains("--minimum-version", ended.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_trusted_root_is_asked_by_the_evidence_that_was_kept()
    {
        var digest = await _signed.BuildAsync();
        (await InstallAsync($"{_signed.Layout}@{digest}")).With(0);
        var before = await ReceiptAsync();
        Directory.Delete(_signed.Shell["layout/blobs"], recursive: true); // Nobody reads it.
        var root = _signed.Shell["refreshed.json"];
        await File.WriteAllTextAsync(root, $"{await File.ReadAllTextAsync(_signed.Release.TrustedRoot, Ct)}\n", Ct);

        var json = (await _signed.RunAsync(
            "install", $"{_signed.Layout}@{digest}", "--root", Host, "--platform", "linux/amd64", "--trusted-root", root)).With(0).Json;

        Assert.False(json.GetProperty("changed").GetBoolean());
        Assert.NotEqual(before, await ReceiptAsync());
        Assert.Contains("\"verified\": \"signature\"", await ReceiptAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_hosts_own_list_stands_for_a_broken_signature()
    {
        await _signed.BuildAsync(Shell.Version, "--verify", "checksum", "--binary", "kubelet");
        var sha256 = Digest.Of(await File.ReadAllBytesAsync(_signed.PathOf(Amd64, "kubelet"), Ct)).Hex;
        await File.WriteAllTextAsync(_signed.Shell["list"], $"kubelet {Shell.Version} linux/amd64 {sha256} 2999-12-31 k/k#1", Ct);

        (await InstallAsync(_signed.Layout, "kubelet")).With(4);
        var json = (await InstallAsync(_signed.Layout, "kubelet", "--exceptions", _signed.Shell["list"])).With(0).Json;

        Assert.Equal("exception", json.Items("binaries")[0].Text("verified"));
        Assert.Contains(
            "EXCEPTION in this host's own list", (await _signed.Shell.RunAsync("status", "--root", Host)).With(0).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rollback_goes_back_to_what_was_proved()
    {
        _signed.Release.Write("v1.36.3");
        await _signed.BuildAsync();
        await _signed.BuildAsync("v1.36.3");
        (await InstallAsync($"{_signed.Layout}:v1.36.3")).With(0);
        (await InstallAsync($"{_signed.Layout}:{Shell.Version}")).With(0);

        (await _signed.RunAsync("rollback", "--root", Host)).With(0);

        Assert.All(
            (await _signed.RunAsync("status", "--root", Host)).With(0).Json.Items("files"),
            f => Assert.Equal(("signature", "v1.36.3"), (f.Text("verified"), f.Text("version"))));
        Assert.Equal(2, Directory.GetFiles(Path.Combine(Host, "var/lib/hyperkube/evidence")).Length);
    }

    private Task<string> ReceiptAsync() => File.ReadAllTextAsync(Path.Combine(Host, "var/lib/hyperkube/receipt.json"), Ct);

    private Task<Ended> InstallAsync(params IReadOnlyList<string> words) =>
        _signed.RunAsync(["install", .. words, "--root", Host, "--platform", "linux/amd64", .. _signed.Trust]);
}
