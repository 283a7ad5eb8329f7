using System.Security.Cryptography;
using System.Text;
using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.E2E;

/// <summary>The program that the public suite of Sigstore judges, by the suite's own words.</summary>
/// <remarks>Source: https://github.com/sigstore/sigstore-conformance/blob/main/docs/cli_protocol.md</remarks>
public sealed class ConformanceTests : IDisposable
{
    private const string Identity = "--certificate-identity", Issuer = "--certificate-oidc-issuer";

    private static readonly byte[] Artifact = Encoding.ASCII.GetBytes("not really a kubelet");
    private static readonly string[] Kubernetes = [Identity, CertificateRecipe.Email, Issuer, CertificateRecipe.Google];

    private readonly SigstoreAuthority _authority = new();
    private readonly SigstoreJudges _judges;

    public ConformanceTests()
    {
        _judges = new SigstoreJudges(_authority);
        File.WriteAllBytes(_judges["artifact"], Artifact);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static string Digest => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Artifact))}";

    private string[] Root => ["--trusted-root", _judges["root.json"]];

    public void Dispose()
    {
        _judges.Dispose();
        _authority.Dispose();
    }

    [Theory]
    [InlineData(1, false, false)]
    [InlineData(2, false, true)]
    [InlineData(3, false, false)]
    [InlineData(3, true, false)]
    [InlineData(3, true, true)]
    public async Task A_bundle_is_verified_by_the_file_and_by_its_digest_alone(int version, bool secondVersion, bool isDocument)
    {
        var bundle = Write(new SigningRecipe
        {
            Version = version,
            SecondVersion = secondVersion,
            Statement = isDocument ? SigstoreTests.StatementAbout(Artifact) : null,
        });

        foreach (var artifact in (string[])[_judges["artifact"], Digest])
        {
            var ended = await RunAsync(["--bundle", bundle, .. Kubernetes, .. Root, artifact]);
            Assert.True(ended.Code == 0, ended.Error);
            Assert.Equal(0, (await RunAsync(["--staging", "--bundle", bundle, .. Kubernetes, .. Root, artifact])).Code);
        }

        await File.WriteAllTextAsync(_judges["other"], "other", Ct);
        foreach (var artifact in (string[])[_judges["other"], Digest[..^1] + (Digest[^1] == '0' ? '1' : '0')])
        {
            Assert.Equal(1, (await RunAsync(["--bundle", bundle, .. Kubernetes, .. Root, artifact])).Code);
        }
    }

    [Fact]
    public async Task Another_signer_root_or_key_is_refused()
    {
        var bundle = Write(new SigningRecipe());
        using SigstoreAuthority stranger = new();
        await File.WriteAllTextAsync(_judges["stranger.json"], stranger.TrustedRoot().ToJsonString(), Ct);
        using var key = TestKey.P256();
        await File.WriteAllTextAsync(_judges["key.pub"], key.Pem, Ct);

        foreach (var words in (string[][])
        [
            [Identity, "somebody@example.org", Issuer, CertificateRecipe.Google, .. Root],
            [Identity, CertificateRecipe.Email, Issuer, "https://example.org", .. Root],
            [.. Kubernetes, "--trusted-root", _judges["stranger.json"]],
            [.. Kubernetes], // The public instance.
            ["--key", _judges["key.pub"], .. Root],
        ])
        {
            Assert.Equal(1, (await RunAsync(["--bundle", bundle, .. words, _judges["artifact"]])).Code);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_key_of_the_callers_is_enough_with_a_log(bool secondVersion)
    {
        using var key = TestKey.P256();
        using var other = TestKey.P256();
        await File.WriteAllTextAsync(_judges["key.pub"], key.Pem, Ct);
        await File.WriteAllTextAsync(_judges["other.pub"], other.Pem, Ct);
        var bundle = Write(new SigningRecipe { ManagedKey = key, SecondVersion = secondVersion });

        Assert.Equal(0, (await RunAsync(["--bundle", bundle, "--key", _judges["key.pub"], .. Root, Digest])).Code);
        Assert.Equal(1, (await RunAsync(["--bundle", bundle, "--key", _judges["other.pub"], .. Root, Digest])).Code);
        Assert.Equal(1, (await RunAsync(["--bundle", bundle, .. Kubernetes, .. Root, Digest])).Code);
        bundle = Write(new SigningRecipe { ManagedKey = key, IsLogged = false });
        Assert.Equal(1, (await RunAsync(["--bundle", bundle, "--key", _judges["key.pub"], .. Root, Digest])).Code);
    }

    [Fact]
    public async Task What_is_not_of_the_protocol_is_never_verified()
    {
        var bundle = Write(new SigningRecipe());
        using var key = TestKey.P256();
        await File.WriteAllTextAsync(_judges["key.pub"], key.Pem, Ct);
        string[] good = ["--bundle", bundle, .. Kubernetes, .. Root];

        foreach (var words in (string[][])
        [
            [],
            [.. good],
            [.. good, Digest, "more"],
            [.. good, "--unknown", "x", Digest],
            [.. good, "--key", _judges["key.pub"], Digest],
            [.. good, "--bundle", bundle, Digest],
            [.. good, "sha256:00"],
            [.. good, Digest.ToUpperInvariant().Replace("SHA256", "sha256", StringComparison.Ordinal)],
            [.. good, Digest[7..]],
            [.. good, _judges["none"]],
            [.. Kubernetes, .. Root, Digest],
            ["--bundle", bundle, .. Root, Digest],
            ["--bundle", bundle, .. Kubernetes[..2], .. Root, Digest],
            ["--bundle", _judges["none"], .. Kubernetes, .. Root, Digest],
            ["--bundle", bundle, .. Kubernetes, "--trusted-root", bundle, Digest],
            ["--bundle", _judges["root.json"], .. Kubernetes, .. Root, Digest],
            ["--bundle", bundle, "--key", bundle, .. Root, Digest],
            ["--staging", "--bundle", bundle, .. Kubernetes, Digest], // Whose keys are not here.
        ])
        {
            var ended = await RunAsync(words);
            Assert.True(ended.Code is 1 or 2, $"{string.Join(' ', words)}: {ended.Code} {ended.Error}");
        }

        Assert.NotEqual(0, (await Exe.Conformance.RunAsync(["sign-bundle", .. good, Digest])).Code);
    }

    // cosign 3 with services of our own: what it logs and what it writes are its own.
    [Fact]
    public async Task What_cosign_signs_and_logs_is_verified()
    {
        await using SigningServer services = new(_authority);
        var (key, bundle) = (_judges["cosign"], _judges["signed.json"]);
        await File.WriteAllTextAsync(
            _judges["services.json"],
            $$$"""
            {"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json",
             "rekorTlogUrls":[{"url":"{{{services.Url.ToString().TrimEnd('/')}}}","majorApiVersion":1,"validFor":{"start":"2022-01-01T00:00:00Z"},"operator":"tests"}],
             "rekorTlogConfig":{"selector":"ANY"}}
            """,
            Ct);
        (await _judges.RunCosignAsync("generate-key-pair", "--output-key-prefix", key)).Well();
        (await _judges.RunCosignAsync(
            "sign-blob", "--yes", "--key", $"{key}.key", "--signing-config", _judges["services.json"], "--trusted-root", _judges["root.json"],
            "--bundle", bundle, _judges["artifact"])).Well();

        var ended = await RunAsync(["--bundle", bundle, "--key", $"{key}.pub", .. Root, _judges["artifact"]]);
        Assert.True(ended.Code == 0, ended.Error);
        Assert.Equal(0, (await RunAsync(["--bundle", bundle, "--key", $"{key}.pub", .. Root, Digest])).Code);
        Assert.Equal(1, (await RunAsync(["--bundle", bundle, "--key", $"{key}.pub", .. Root, _judges["root.json"]])).Code);
        Assert.Equal(1, services.Count(SigningServer.Entries));
    }

    private string Write(SigningRecipe recipe)
    {
        var path = _judges["bundle.json"];
        File.WriteAllBytes(path, _authority.Sign(Artifact, recipe).Json);
        return path;
    }

    private static Task<Ended> RunAsync(IReadOnlyList<string> words) => Exe.Conformance.RunAsync(["verify-bundle", .. words]);
}
