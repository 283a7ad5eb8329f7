using System.Security.Cryptography;
using System.Text.Json;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;
using static Hyperkube.Cli.Tests.SignedShell;

namespace Hyperkube.Cli.Tests.Commands;

/// <summary>verify and install with <c>--key</c> and <c>--policy</c>: the image itself has to be signed, by somebody of the caller's.</summary>
public sealed class DemandedSignatureTests : IAsyncLifetime
{
    private readonly SignedShell _signed = new();
    private string _digest = "";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Ours => _signed.Shell["ours.pub"];

    private string Theirs => _signed.Shell["theirs.pub"];

    private string Image => $"{_signed.Layout}:{Shell.Version}";

    public async ValueTask InitializeAsync()
    {
        _digest = await _signed.BuildAsync();
        foreach (var name in (string[])["ours", "theirs"])
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            await File.WriteAllTextAsync(_signed.Shell[$"{name}.pem"], key.ExportPkcs8PrivateKeyPem(), Ct);
            await File.WriteAllTextAsync(_signed.Shell[$"{name}.pub"], key.ExportSubjectPublicKeyInfoPem(), Ct);
        }
    }

    public ValueTask DisposeAsync() => _signed.DisposeAsync();

    [Theory]
    [InlineData("verify")]
    [InlineData("install")]
    public async Task A_key_is_demanded(string command)
    {
        AssertKind("unsigned", (await RunAsync(command, "--key", Ours)).With(4));
        await SignAsync("theirs");
        AssertKind("bad-signature", (await RunAsync(command, "--key", Ours)).With(4));
        await SignAsync("ours");

        AssertTaken(command, (await RunAsync(command, "--key", Ours)).With(0).Json, $"the key {Ours}");
    }

    [Theory]
    [InlineData("verify")]
    [InlineData("install")]
    public async Task A_policy_is_demanded(string command)
    {
        var policy = await PolicyAsync("*", "ours.pub", "theirs.pub");
        await SignAsync("theirs");

        AssertKind("bad-signature", (await RunAsync(command, "--policy", policy)).With(4)); // Both have to have signed.
        AssertKind("unsigned", (await RunAsync(command, "--policy", await PolicyAsync("example.org/*", "ours.pub"))).With(4));
        await SignAsync("ours");

        AssertTaken(command, (await RunAsync(command, "--policy", await PolicyAsync("*", "ours.pub", "theirs.pub"))).With(0).Json, $"the key {Ours}");
    }

    // Where our own pipeline logs what it signs, in a log of its own, which then says when.
    [Theory]
    [InlineData("verify")]
    [InlineData("install")]
    public async Task A_keys_signature_in_a_private_log_is_taken_by_that_logs_root(string command)
    {
        await using SigningServer services = new(_signed.Release.Authority);
        await SignAsync("ours", "--rekor-url", $"{services.Url}", "--trusted-root", _signed.Release.TrustedRoot);

        var json = (await RunAsync(command, "--key", Ours)).With(0).Json;

        AssertTaken(command, json, $"the key {Ours}");
        Assert.True(command == "install" || json.Items("signatures")[0].Text("signedAt").StartsWith("2024-05-17T10:00:00", StringComparison.Ordinal));
        AssertKind("bad-signature", (await RunAsync(command, "--key", Theirs)).With(4));
    }

    [Fact]
    public async Task A_file_is_judged_by_an_image_that_has_to_be_signed()
    {
        var file = _signed.PathOf(Amd64, "kubelet");
        string[] words = ["verify", file, "--image", Image, "--key", Ours, .. _signed.Trust];

        AssertKind("unsigned", (await _signed.RunAsync(words)).With(4));
        await SignAsync("ours");

        Assert.Equal(_digest, Assert.Single((await _signed.RunAsync(words)).With(0).Json.Items("signatures")).Text("image"));
        (await _signed.RunAsync("verify", file, "--bundle", _signed.BundleOf(Amd64, "kubelet"), "--key", Ours)).With(2);
    }

    [Theory]
    [InlineData("verify")]
    [InlineData("install")]
    public async Task What_cannot_be_demanded_is_2(string command)
    {
        var policy = await PolicyAsync("*", "ours.pub");

        (await RunAsync(command, "--key", Ours, "--policy", policy)).With(2);
        (await RunAsync(command, "--key", _signed.Shell["ours.pem"])).With(2);
        (await RunAsync(command, "--key", _signed.Shell["none"])).With(2);
        await File.WriteAllTextAsync(policy, "[[repositories]]\n", Ct);
        (await RunAsync(command, "--policy", policy)).With(2);
    }

    [Fact]
    public async Task What_is_installed_is_installed_again_only_where_the_demand_is_met()
    {
        await SignAsync("ours");
        (await RunAsync("install", "--key", Ours)).With(0);

        AssertKind("bad-signature", (await RunAsync("install", "--key", Theirs)).With(4));
        Assert.False((await RunAsync("install", "--key", Ours)).With(0).Json.GetProperty("changed").GetBoolean());
    }

    // Whoever moves a tag between two looks would have one image judged for its signature, and another one for its binaries.
    [Fact]
    public async Task A_tag_that_moves_meanwhile_is_looked_at_once()
    {
        await using TestRegistry registry = new();
        var reference = $"{registry.Url.Authority}/hyperkube:{Shell.Version}";
        await SignAsync("ours");
        (await _signed.RunAsync("copy", Image, reference)).With(0);
        _signed.Release.Write("v1.36.3");
        var other = await _signed.BuildAsync("v1.36.3");
        (await _signed.RunAsync("copy", $"{_signed.Layout}:v1.36.3", $"{registry.Url.Authority}/hyperkube:v1.36.3")).With(0);
        var looks = 0;
        registry.Alter = (call, answer) =>
        {
            if (call.Path.EndsWith($"/manifests/{Shell.Version}", StringComparison.Ordinal))
            {
                looks++;
                _ = registry.AddManifest("hyperkube", registry.Content("hyperkube", other), "application/vnd.oci.image.index.v1+json", Shell.Version);
            }

            return answer;
        };

        var json = (await _signed.RunAsync(["verify", reference, "--key", Ours, .. _signed.Trust])).With(0).Json;

        Assert.Equal((_digest, 1), (json.Text("digest"), looks));
        Assert.All(json.Items("platforms").SelectMany(p => p.Items("binaries")), b => Assert.Equal(Shell.Version, b.Text("version")));
    }

    private static void AssertKind(string kind, Ended ended) => Assert.Equal(kind, ended.Json.GetProperty("error").Text("kind"));

    private void AssertTaken(string command, JsonElement json, string signer)
    {
        Assert.Equal(_digest, json.Text("digest"));
        if (command == "verify")
        {
            Assert.Contains(json.Items("signatures"), s => s.Text("signer") == signer && s.Text("image") == _digest);
        }
        else
        {
            Assert.All(json.Items("binaries"), b => Assert.Equal("policy", b.Text("versionProof"))); // The signed image says it.
        }
    }

    private async Task<string> PolicyAsync(string match, params string[] keys)
    {
        var path = _signed.Shell["policy.toml"];
        await File.WriteAllTextAsync(
            path,
            $"[[repository]]\nmatch = \"{match}\"\nsignatures = {keys.Length}\n"
            + string.Concat(keys.Select(k => $"\n[[repository.signer]]\nkey = \"{k}\"\n")),
            Ct);
        return path;
    }

    private async Task SignAsync(string key, params string[] more) =>
        (await _signed.RunAsync(["sign", Image, "--key", _signed.Shell[$"{key}.pem"], .. more])).With(0);

    private Task<Ended> RunAsync(string command, params string[] more) => _signed.RunAsync([.. Words(command), .. more, .. _signed.Trust]);

    private string[] Words(string command) => command == "verify" ? ["verify", Image]
        : ["install", Image, "--root", Directory.CreateDirectory(_signed.Shell["host"]).FullName, "--platform", "linux/amd64"];
}
