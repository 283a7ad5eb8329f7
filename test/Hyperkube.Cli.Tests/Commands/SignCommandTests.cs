using System.Security.Cryptography;
using Hyperkube.Cli.Commands;
using Hyperkube.Oci;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layout;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Cli.Tests.Commands;

public sealed class SignCommandTests : IAsyncLifetime
{
    private const string Password = "open sesame";

    private static readonly PbeParameters Encryption = new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000);

    private readonly Shell _shell = new();
    private string _digest = "";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Image => $"oci:{_shell["layout"]}:{Shell.Version}";

    public async ValueTask InitializeAsync()
    {
        _digest = await _shell.DigestAsync("-o", Image);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await File.WriteAllTextAsync(_shell["key.pem"], key.ExportPkcs8PrivateKeyPem(), Ct);
        await File.WriteAllTextAsync(_shell["encrypted.pem"], key.ExportEncryptedPkcs8PrivateKeyPem(Password, Encryption), Ct);
        await File.WriteAllTextAsync(_shell["key.pub"], key.ExportSubjectPublicKeyInfoPem(), Ct);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await File.WriteAllTextAsync(_shell["other.pub"], other.ExportSubjectPublicKeyInfoPem(), Ct);
    }

    public ValueTask DisposeAsync()
    {
        _shell.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task The_JSON_result_is_the_contract_and_a_second_run_writes_nothing()
    {
        var first = (await SignAsync("key.pem", "--format", "json")).With(0).Json;
        var files = _shell.Files.ToList();
        var second = (await SignAsync("key.pem", "--format", "json")).With(0).Json;

        Assert.Equal("reference digest signatures", string.Join(' ', first.EnumerateObject().Select(p => p.Name)));
        Assert.Equal($"{Image} {_digest}", $"{first.GetProperty("reference")} {first.GetProperty("digest")}");
        var signed = Assert.Single(first.GetProperty("signatures").EnumerateArray());
        Assert.Equal("digest action bundle tag", string.Join(' ', signed.EnumerateObject().Select(p => p.Name)));
        Assert.Equal($"{_digest} signed", $"{signed.GetProperty("digest")} {signed.GetProperty("action")}");
        Assert.Equal($"{ReferrersIndex.TagOf(Digest.Parse(_digest))}.sig", signed.GetProperty("tag").GetString());
        var present = Assert.Single(second.GetProperty("signatures").EnumerateArray());
        Assert.Equal("digest action", string.Join(' ', present.EnumerateObject().Select(p => p.Name)));
        Assert.Equal("present", present.GetProperty("action").GetString());
        Assert.Equal(files, _shell.Files);
    }

    [Fact]
    public async Task Recursive_signs_the_platforms_and_the_text_says_what_was_written()
    {
        var text = (await SignAsync("key.pem", "--recursive", "--no-legacy-tag")).With(0).Out;

        var lines = text.TrimEnd().Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.StartsWith($"{_digest}  signed  bundle sha256:", lines[0], StringComparison.Ordinal);
        Assert.DoesNotContain(".sig", text, StringComparison.Ordinal);
        Assert.Equal(4, (await _shell.RunAsync("inspect", Image, "--format", "json")).With(0).Json.GetProperty("referrers").GetArrayLength() + 1);
    }

    [Fact]
    public async Task The_password_comes_from_the_environment_or_the_terminal()
    {
        Assert.Contains("no password was given", (await SignAsync("encrypted.pem")).With(2).Message, StringComparison.Ordinal);
        _shell.Secret = "wrong";
        Assert.Contains("the password does not open it", (await SignAsync("encrypted.pem")).With(2).Message, StringComparison.Ordinal);
        _shell.Secret = Password;
        (await SignAsync("encrypted.pem")).With(0);
        _shell.Secret = null;
        _shell.Variables["COSIGN_PASSWORD"] = Password;
        (await SignAsync("encrypted.pem")).With(0);
        Assert.Contains("SIGNING_PASSWORD: not set", (await SignAsync("encrypted.pem", "--password-env", "SIGNING_PASSWORD")).With(2).Message, StringComparison.Ordinal);
        _shell.Variables["SIGNING_PASSWORD"] = "wrong";
        var refused = (await SignAsync("encrypted.pem", "--password-env", "SIGNING_PASSWORD")).With(2);
        Assert.Contains("SIGNING_PASSWORD", refused.Hint, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_key_and_without_a_token_nobody_signs()
    {
        var refused = (await _shell.RunAsync("sign", Image)).With(2);

        Assert.Contains("sign: neither a key nor a token", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whom_a_token_names_signs_without_a_key()
    {
        using SigstoreAuthority authority = new();
        await using SigningServer services = new(authority);
        await File.WriteAllTextAsync(_shell["root.json"], authority.TrustedRoot().ToJsonString(), Ct);
        const string Subject = "https://github.com/o/r/.github/workflows/w.yaml@refs/heads/main";
        const string Issuer = "https://token.actions.githubusercontent.com";
        await File.WriteAllTextAsync(
            _shell["policy.toml"], $"[[repository]]\nmatch = \"*\"\n\n[[repository.signer]]\nidentity = \"{Subject}\"\nissuer = \"{Issuer}\"\n", Ct);
        _shell.Variables["ACTIONS_ID_TOKEN_REQUEST_URL"] = $"{new Uri(services.Url, SigningServer.Token)}?v=1";
        _shell.Variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = SigningServer.Bearer;

        (await _shell.RunAsync(
            "sign", Image, "--fulcio-url", $"{services.Url}", "--rekor-url", $"{services.Url}",
            "--timestamp-url", $"{new Uri(services.Url, SigningServer.Timestamp)}", "--trusted-root", _shell["root.json"])).With(0);

        var layout = ImageLayout.Open(_shell["layout"]);
        var root = (await layout.ResolveAsync(Shell.Version, Ct))!;
        var policy = new ImageSignatureRequest(null, _shell["policy.toml"]).Open(_shell["root.json"])!;
        var signature = Assert.Single(await policy.CheckAsync(layout, ImageReference.Parse(Image), root, Ct));
        Assert.Equal(Subject, signature.Proof.Signer!.Subject);
    }

    [Fact]
    public async Task Other_commands_can_demand_the_signature()
    {
        var layout = ImageLayout.Open(_shell["layout"]);
        var root = (await layout.ResolveAsync(Shell.Version, Ct))!;
        var ours = new ImageSignatureRequest(_shell["key.pub"], null).Open()!;
        await Assert.ThrowsAsync<HyperkubeException>(() => ours.CheckAsync(layout, ImageReference.Parse(Image), root, Ct));

        (await SignAsync("key.pem")).With(0);

        Assert.Single(await ours.CheckAsync(layout, ImageReference.Parse(Image), root, Ct));
        var theirs = new ImageSignatureRequest(_shell["other.pub"], null).Open()!;
        var refused = await Assert.ThrowsAsync<HyperkubeException>(() => theirs.CheckAsync(layout, ImageReference.Parse(Image), root, Ct));
        Assert.Equal(ErrorKind.BadSignature, refused.Kind);
        Assert.Null(new ImageSignatureRequest(null, null).Open());
        Assert.Equal(ErrorKind.Usage, Assert.Throws<HyperkubeException>(() => new ImageSignatureRequest("a", "b").Open()).Kind);
    }

    [Theory]
    [InlineData(2, "--key and --identity-token: expected one of them", "oci:one", "--key", "KEY", "--identity-token", "env")]
    [InlineData(2, "--key and --fulcio-url: expected one of them", "oci:one", "--key", "KEY", "--fulcio-url", "https://fulcio.example.org")]
    [InlineData(2, "--rekor-url: not the URL of a service", "oci:one", "--key", "KEY", "--rekor-url", "http://rekor.example.org")]
    [InlineData(2, "no such file", "oci:one", "--key", "no.pem")]
    [InlineData(2, "expected a registry or oci:DIR", "oci-archive:one.tar", "--key", "KEY")]
    [InlineData(3, "no image layout", "oci:one", "--key", "KEY")]
    public async Task Bad_calls_say_what_was_expected(int code, string expected, params string[] words) =>
        Assert.Contains(
            expected,
            (await _shell.RunAsync(["sign", .. words.Select(w => w == "KEY" ? _shell["key.pem"] : w)])).With(code).Message,
            StringComparison.Ordinal);

    private Task<Ended> SignAsync(string key, params string[] more) => _shell.RunAsync(["sign", Image, "--key", _shell[key], .. more]);
}
