using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Cli.Tests.Commands;

/// <summary>What is pushed is signed before it has its tag: the image, each of its platforms, each document about them.</summary>
public sealed class SignedPublishingTests : IAsyncLifetime
{
    private const string Bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";

    private readonly Shell _shell = new();
    private readonly TestRegistry _registry = new();
    private readonly SigstoreAuthority _authority = new();
    private readonly SigningServer _services;

    public SignedPublishingTests() => _services = new SigningServer(_authority);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Repository => $"{_registry.Url.Authority}/hyperkube";

    public async ValueTask InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await File.WriteAllTextAsync(_shell["key.pem"], key.ExportPkcs8PrivateKeyPem(), Ct);
        await File.WriteAllTextAsync(_shell["root.json"], _authority.TrustedRoot().ToJsonString(), Ct);
        await File.WriteAllTextAsync(
            _shell["token"], SigningServer.TokenOf("https://example.com/release", "https://token.example.com"), Ct);
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _registry.DisposeAsync();
        _authority.Dispose();
        _shell.Dispose();
    }

    [Fact]
    public async Task All_of_it_is_signed_before_the_tag_is_there()
    {
        (await BuildAsync("--sign-key", _shell["key.pem"])).With(0);

        // Two platforms with a list of parts each, and the index with its provenance: each image and each document has a signature.
        Assert.Equal(["bundle", "bundle", "spdx"], await KindsAsync("linux/amd64"));
        Assert.Equal(["bundle", "bundle", "spdx"], await KindsAsync("linux/arm64"));
        Assert.Equal(["bundle", "bundle", "slsa"], await KindsAsync(platform: null));
        var tags = _registry.Calls.Where(c => c is { Method: "PUT", IsManifest: true } && !c.Path.Contains("sha256:", StringComparison.Ordinal)).Select(c => c.Path).ToList();
        Assert.Equal(4, tags.Count);
        Assert.All(tags[..3], t => Assert.EndsWith(".sig", t, StringComparison.Ordinal));
        Assert.EndsWith($"/{Shell.Version}", tags[3], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_push_signs_nothing_again()
    {
        (await BuildAsync("--sign-key", _shell["key.pem"])).With(0);
        var before = _registry.Calls.Count;

        (await BuildAsync("--sign-key", _shell["key.pem"])).With(0);

        Assert.All(_registry.Calls.Skip(before), c => Assert.True(c.Method is "GET" or "HEAD", c.ToString()));
    }

    [Fact]
    public async Task Without_the_documents_the_image_is_signed_all_the_same()
    {
        (await BuildAsync("--no-referrers", "--sign-key", _shell["key.pem"])).With(0);

        Assert.Equal(["bundle"], await KindsAsync("linux/amd64"));
        Assert.Equal(["bundle"], await KindsAsync(platform: null));
    }

    // A certificate is good for ten minutes; a release of many versions takes longer.
    [Theory]
    [InlineData(0, 1)]
    [InlineData(9, 2)]
    public async Task One_certificate_is_used_until_it_ends(int minutes, int certificates)
    {
        Directory.Delete(_shell.Tree, recursive: true);
        ReleaseTree.Write(_shell.Tree, "v1.31.0");
        ReleaseTree.Write(_shell.Tree, "v1.31.1");
        await File.WriteAllTextAsync(_shell["tree/release-notes-index.json"], """{"v1.31.0":"https://example.com","v1.31.1":"https://example.com"}""", Ct);
        SkippingTime time = new() { Now = SigstoreAuthority.SignedAt };
        _shell.Time = time;
        _registry.Alter = (call, answer) =>
        {
            if (call is { Method: "PUT" } && call.Path.EndsWith("/v1.31.1", StringComparison.Ordinal))
            {
                time.Now += TimeSpan.FromMinutes(minutes); // The first one is published.
                _services.AlterCertificate = recipe => recipe with { Lifetime = TimeSpan.FromHours(1) };
            }

            return answer;
        };

        (await _shell.RunAsync(
            ["release", Repository, "--source", _shell.Tree, "--verify", "checksum", "--minimum", "v1.31.0", "--jobs", "1", .. Keyless])).With(0);

        Assert.Equal(certificates, _services.Count(SigningServer.Certify));
    }

    [Fact]
    public async Task Who_cannot_sign_does_not_publish()
    {
        _services.Intercept = call => call.Path == SigningServer.Certify ? SiteAnswer.Text("no", 400) : null;

        var refused = await BuildAsync([.. Keyless]);

        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains(SigningServer.Certify, refused.Error, StringComparison.Ordinal);
        Assert.Null(_registry.Tag("hyperkube", Shell.Version));
    }

    [Theory]
    [InlineData("--sign-key and --sign-identity-token: expected one of them", "--sign-key", "a", "--sign-identity-token", "env")]
    [InlineData("--sign-rekor-url: nothing is signed; expected --sign-key or --sign-identity-token beside it", "--sign-rekor-url", "https://rekor.example.com")]
    [InlineData("--sign-key missing.pem: no such file", "--sign-key", "missing.pem")]
    [InlineData("--sign-password-env NOBODY: not set", "--sign-key", "ENCRYPTED", "--sign-password-env", "NOBODY")]
    public async Task Bad_calls_say_what_was_expected(string expected, params string[] words)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var pem = key.ExportEncryptedPkcs8PrivateKeyPem("x", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000));
        await File.WriteAllTextAsync(_shell["encrypted.pem"], pem, Ct);

        var refused = (await BuildAsync([.. words.Select(w => w == "ENCRYPTED" ? _shell["encrypted.pem"] : w)])).With(2);

        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        Assert.Null(_registry.Tag("hyperkube", Shell.Version));
    }

    private string[] Keyless =>
    [
        "--sign-identity-token", _shell["token"], "--sign-fulcio-url", $"{_services.Url}", "--sign-rekor-url", $"{_services.Url}",
        "--sign-trusted-root", _shell["root.json"],
    ];

    private Task<Ended> BuildAsync(params string[] more) => _shell.RunAsync(
        ["build", Shell.Version, "--source", _shell.Tree, "--verify", "checksum", "-o", $"{Repository}:{Shell.Version}", "--format", "json", .. more]);

    // What refers to an image, by kind.
    private async Task<IReadOnlyList<string>> KindsAsync(string? platform)
    {
        var root = _registry.Tag("hyperkube", Shell.Version)!;
        using var index = JsonDocument.Parse(_registry.Content("hyperkube", root));
        var subject = platform is null ? root : index.RootElement.GetProperty("manifests").EnumerateArray()
            .Single(m => $"linux/{m.GetProperty("platform").GetProperty("architecture")}" == platform).GetProperty("digest").GetString()!;
        using HttpClient http = new();
        var list = JsonNode.Parse(await http.GetStringAsync(new Uri(_registry.Root, $"/v2/hyperkube/referrers/{subject}"), Ct))!;
        return
        [
            .. list["manifests"]!.AsArray().Select(m => (string)m!["artifactType"]! is var type && type == Bundle ? "bundle"
                : type.Contains("spdx", StringComparison.Ordinal) ? "spdx" : "slsa").Order(StringComparer.Ordinal),
        ];
    }
}
