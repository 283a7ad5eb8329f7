using Hyperkube.Oci;
using Hyperkube.Testing;
using static Hyperkube.Cli.Tests.SignedShell;

namespace Hyperkube.Cli.Tests.Commands;

/// <summary>verify as a shell sees it: images and files, with the evidence that they carry or that is named.</summary>
public sealed class VerifyCommandTests : IAsyncDisposable
{
    private readonly SignedShell _signed = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _signed.DisposeAsync();

    [Fact]
    public async Task The_JSON_result_of_an_image_is_the_contract()
    {
        var digest = await _signed.BuildAsync();

        var json = (await VerifyAsync(_signed.Layout)).With(0).Json;

        Assert.Equal("reference digest platforms", json.Names());
        Assert.Equal((_signed.Layout, digest), (json.Text("reference"), json.Text("digest")));
        Assert.Equal(["linux/amd64", "linux/arm64"], json.Items("platforms").Select(p => p.Text("platform")));
        foreach (var platform in json.Items("platforms"))
        {
            Assert.Equal("platform digest binaries", platform.Names());
            Assert.Equal(["/kubectl", "/kubelet"], platform.Items("binaries").Select(b => b.Text("path")).Order());
            foreach (var binary in platform.Items("binaries"))
            {
                Assert.Equal("name path sha256 size verified signer issuer signedAt logIndex version package commit", binary.Names());
                Assert.Equal(
                    ("signature", "krel-staging@k8s-releng-prod.iam.gserviceaccount.com", "https://accounts.google.com", Shell.Version),
                    (binary.Text("verified"), binary.Text("signer"), binary.Text("issuer"), binary.Text("version")));
                Assert.Equal($"k8s.io/kubernetes/cmd/{binary.Text("name")}", binary.Text("package"));
                var file = _signed.PathOf(Platform.Parse(platform.Text("platform")), binary.Text("name"));
                Assert.Equal(Digest.Of(await File.ReadAllBytesAsync(file, Ct)).Hex, binary.Text("sha256"));
            }
        }
    }

    [Fact]
    public async Task The_text_says_who_signed_what_and_when()
    {
        await _signed.BuildAsync();

        var text = (await _signed.Shell.RunAsync(["verify", _signed.Layout, .. _signed.Trust])).With(0).Out;

        Assert.Contains("/kubelet  sha256:", text, StringComparison.Ordinal);
        Assert.Contains("verified by the Kubernetes release team's signature", text, StringComparison.Ordinal);
        Assert.Contains("signed 2024-05-17 10:00:00 UTC by krel-staging@", text, StringComparison.Ordinal);
        Assert.Contains("built from k8s.io/kubernetes/cmd/kubectl, commit 8cc511e3", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Some_platforms_and_some_binaries_are_enough()
    {
        await _signed.BuildAsync();

        var json = (await VerifyAsync(_signed.Layout, "--platform", "linux/arm64", "--name", "kubectl")).With(0).Json;

        var platform = Assert.Single(json.Items("platforms"));
        Assert.Equal("linux/arm64", platform.Text("platform"));
        Assert.Equal("kubectl", Assert.Single(platform.Items("binaries")).Text("name"));
    }

    [Theory]
    [InlineData("--platform", "linux/s390x")]
    [InlineData("--name", "kube-proxy")]
    public async Task What_the_image_has_not_is_3(string flag, string value)
    {
        await _signed.BuildAsync();

        (await VerifyAsync(_signed.Layout, flag, value)).With(3);
    }

    [Fact]
    public async Task No_image_is_3_and_no_reference_is_2()
    {
        await _signed.BuildAsync();

        (await VerifyAsync($"{_signed.Layout}:v1.0.0")).With(3);
        Assert.Contains("./kubelet", (await VerifyAsync("kubelet")).With(2).Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_that_nobody_signed_is_4_and_each_binary_says_so()
    {
        await _signed.Shell.DigestAsync("-o", _signed.Layout, "--verify", "checksum");

        var ended = (await VerifyAsync(_signed.Layout)).With(4);

        Assert.Equal("unsigned", ended.Json.GetProperty("error").Text("kind"));
        Assert.All(ended.Json.Items("platforms").SelectMany(p => p.Items("binaries")), b =>
        {
            Assert.Equal("none", b.Text("verified"));
            Assert.Equal("unsigned", b.GetProperty("error").Text("kind"));
        });
    }

    [Fact]
    public async Task Who_is_not_believed_proves_nothing()
    {
        await _signed.BuildAsync();

        var publicGood = (await _signed.RunAsync("verify", _signed.Layout)).With(4);
        var another = (await VerifyAsync(_signed.Layout, "--certificate-identity", "us@example.com")).With(4);

        Assert.Equal("bad-signature", publicGood.Json.GetProperty("error").Text("kind"));
        Assert.Equal("bad-signature", another.Json.GetProperty("error").Text("kind"));
        Assert.Contains("krel-staging@", another.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_archive_is_read_as_well()
    {
        await _signed.BuildAsync(Shell.Version, "-o", $"oci-archive:{_signed.Shell["image.tar"]}");

        (await VerifyAsync($"oci-archive:{_signed.Shell["image.tar"]}")).With(0);
    }

    // On every node of a cluster: what stands there, by what the image carries.
    [Theory]
    [InlineData("linux/amd64", "kubelet")]
    [InlineData("linux/arm64", "kubectl")]
    public async Task A_file_is_checked_by_the_evidence_in_an_image(string platform, string name)
    {
        var digest = await _signed.BuildAsync();
        var path = _signed.PathOf(Platform.Parse(platform), name);

        var json = (await VerifyAsync(path, "--image", $"{_signed.Layout}@{digest}")).With(0).Json;

        Assert.Equal(digest, json.Text("digest"));
        var found = Assert.Single(json.Items("platforms"));
        Assert.Equal(platform, found.Text("platform"));
        Assert.Equal((path, "signature", Shell.Version), (
            found.Items("binaries")[0].Text("path"), found.Items("binaries")[0].Text("verified"), found.Items("binaries")[0].Text("version")));
    }

    [Theory]
    [InlineData("one bit", "bad-signature")]
    [InlineData("kubectl in its place", "bad-signature")]
    [InlineData("another version", "bad-signature")]
    [InlineData("a script", "bad-content")]
    [InlineData("empty", "bad-content")]
    public async Task A_file_that_is_another_is_4(string what, string kind)
    {
        await _signed.BuildAsync();
        var kubelet = await File.ReadAllBytesAsync(_signed.PathOf(Amd64, "kubelet"), Ct);
        var file = _signed.Shell["kubelet"];
        await File.WriteAllBytesAsync(
            file,
            what switch
            {
                "one bit" => [.. kubelet[..200], (byte)(kubelet[200] ^ 4), .. kubelet[201..]],
                "kubectl in its place" => await File.ReadAllBytesAsync(_signed.PathOf(Amd64, "kubectl"), Ct),
                "another version" => StandInProgram.Kubernetes(Amd64, "kubelet", "v1.30.0"),
                "a script" => "#!/bin/sh\nexec kubelet-1.30\n"u8.ToArray(),
                _ => [],
            },
            Ct);

        var ended = (await VerifyAsync(file, "--image", _signed.Layout)).With(4);

        Assert.Equal(kind, ended.Json.GetProperty("error").Text("kind"));
    }

    [Fact]
    public async Task A_file_of_another_name_is_told_what_it_is()
    {
        await _signed.BuildAsync();
        File.Copy(_signed.PathOf(Amd64, "kubelet"), _signed.Shell["node-agent"]);

        (await VerifyAsync(_signed.Shell["node-agent"], "--image", _signed.Layout)).With(4);
        (await VerifyAsync(_signed.Shell["node-agent"], "--image", _signed.Layout, "--name", "kubelet")).With(0);
    }

    [Fact]
    public async Task A_file_for_another_platform_than_was_said_is_4()
    {
        await _signed.BuildAsync();

        (await VerifyAsync(_signed.PathOf(Amd64, "kubelet"), "--image", _signed.Layout, "--platform", "linux/arm64")).With(4);
        (await VerifyAsync(
            _signed.PathOf(Amd64, "kubelet"), "--bundle", _signed.BundleOf(Amd64, "kubelet"), "--platform", "linux/arm64")).With(4);
    }

    [Fact]
    public async Task A_file_is_checked_by_a_bundle_without_asking_anybody()
    {
        var json = (await VerifyAsync(_signed.PathOf(Amd64, "kubelet"), "--bundle", _signed.BundleOf(Amd64, "kubelet"))).With(0).Json;

        Assert.Equal("platforms", json.Names());
        Assert.Equal("signature", json.Items("platforms")[0].Items("binaries")[0].Text("verified"));
        Assert.Empty(_signed.Release.Rekor.Questions);
    }

    [Fact]
    public async Task The_evidence_beside_a_file_is_taken_unless_told()
    {
        var file = _signed.Shell["kubelet"];
        File.Copy(_signed.PathOf(Amd64, "kubelet"), file);
        Assert.Contains("--bundle FILE", (await VerifyAsync(file)).With(2).Hint, StringComparison.Ordinal);

        File.Copy(_signed.BundleOf(Amd64, "kubelet"), $"{file}.sigstore.json");

        (await VerifyAsync(file)).With(0);
    }

    [Theory]
    [InlineData("kubectl's", "bad-signature")]
    [InlineData("empty", "bad-signature")]
    [InlineData("renamed", "bad-content")]
    public async Task A_bundle_of_something_else_is_4(string what, string kind)
    {
        var bundle = _signed.BundleOf(Amd64, "kubectl");
        if (what == "empty")
        {
            await File.WriteAllTextAsync(bundle, "", Ct);
        }

        // Truly signed, and called another program.
        var file = what == "renamed" ? _signed.PathOf(Amd64, "kubectl") : _signed.PathOf(Amd64, "kubelet");

        var ended = (await VerifyAsync(file, "--name", "kubelet", "--bundle", bundle)).With(4);

        Assert.Equal(kind, ended.Json.GetProperty("error").Text("kind"));
    }

    [Fact]
    public async Task What_cannot_be_asked_is_2_and_what_is_not_there_is_3()
    {
        var (file, bundle) = (_signed.PathOf(Amd64, "kubelet"), _signed.BundleOf(Amd64, "kubelet"));

        (await VerifyAsync(file, "--bundle", bundle, "--image", "oci:x")).With(2);
        (await VerifyAsync(file, "--bundle", bundle, "--name", "kubelet", "--name", "kubectl")).With(2);
        (await VerifyAsync(file, "--bundle", _signed.Shell["none"])).With(2);
        (await VerifyAsync(_signed.Shell["none"], "--bundle", bundle)).With(3);
    }

    [Theory]
    [InlineData(0, "2999-12-31")]
    [InlineData(4, "2020-12-31")]
    public async Task An_exception_stands_for_a_signature_until_its_day(int code, string day)
    {
        var sha256 = Digest.Of(await File.ReadAllBytesAsync(_signed.PathOf(Amd64, "kubelet"), Ct)).Hex;
        await _signed.BuildAsync(Shell.Version, "--verify", "checksum", "--platform", "linux/amd64", "--binary", "kubelet");
        await File.WriteAllTextAsync(_signed.Shell["exceptions"], $"kubelet {Shell.Version} linux/amd64 {sha256} {day} a reason", Ct);

        var ended = (await VerifyAsync(_signed.Layout, "--exceptions", _signed.Shell["exceptions"])).With(code);

        Assert.Equal(code == 0 ? "exception" : "none", ended.Json.Items("platforms")[0].Items("binaries")[0].Text("verified"));
    }

    // The line names the bytes, so it needs no image that says which version they pass for.
    [Theory]
    [InlineData(0, "exception", "kubelet", "2999-12-31")]
    [InlineData(4, "none", "kubelet", "2020-12-31")]
    [InlineData(4, "none", "kubectl", "2999-12-31")]
    public async Task An_exception_stands_for_the_evidence_of_a_file_too(int code, string verified, string name, string day)
    {
        var (file, wrong) = (_signed.PathOf(Amd64, "kubelet"), _signed.BundleOf(Amd64, "kubectl"));
        var sha256 = Digest.Of(await File.ReadAllBytesAsync(file, Ct)).Hex;
        await File.WriteAllTextAsync(_signed.Shell["exceptions"], $"{name} {Shell.Version} linux/amd64 {sha256} {day} a reason", Ct);
        string[] with = ["--exceptions", _signed.Shell["exceptions"]];

        var mended = (await VerifyAsync([file, "--bundle", wrong, .. with])).With(code);
        var unsigned = (await VerifyAsync([file, .. with])).With(code);

        Assert.All(
            (Ended[])[mended, unsigned], e => Assert.Equal(verified, e.Json.Items("platforms")[0].Items("binaries")[0].Text("verified")));
        Assert.Equal(code == 0, unsigned.Error.Contains("accepted all the same, because --exceptions says: a reason", StringComparison.Ordinal));
    }

    private Task<Ended> VerifyAsync(params IReadOnlyList<string> words) => _signed.RunAsync(["verify", .. words, .. _signed.Trust]);
}
