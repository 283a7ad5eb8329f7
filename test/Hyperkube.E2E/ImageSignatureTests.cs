using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Oci;
using Hyperkube.Oci.Layout;
using Hyperkube.Publishing;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.E2E;

/// <summary>cosign takes the signatures that we write, in both forms, and we take those that it writes.</summary>
public sealed class ImageSignatureTests : IDisposable
{
    private const string Version = "v1.36.4";
    private const string Older = "--new-bundle-format=false";

    private readonly TempDirectory _work = new();
    private readonly SigstoreAuthority _authority = new();
    private readonly SigstoreJudges _judges;

    public ImageSignatureTests()
    {
        _judges = new SigstoreJudges(_authority);
        ReleaseTree.Write(_work["release"], Version, padTo: 10_000);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _judges.Dispose();
        _authority.Dispose();
        _work.Dispose();
    }

    [Theory]
    [InlineData("cosign")]
    [InlineData("ec")]
    [InlineData("ec-encrypted")]
    [InlineData("p384")]
    [InlineData("p521")]
    [InlineData("rsa")]
    [InlineData("ed25519")]
    public async Task What_we_sign_with_a_key_of_any_kind_cosign_takes_in_both_forms(string kind)
    {
        await using var registry = await DockerRegistry.StartAsync();
        var (key, pub) = await KeyAsync("ours", kind);
        var (_, other) = await KeyAsync("other", "ec");
        var image = await BuildAsync($"{registry.Address}/node/hyperkube:{Version}");

        await SignAsync(image, key);

        foreach (var form in (string[][])[[], [Older]])
        {
            (await CosignVerifyAsync(image, pub, form)).Well();
            Assert.NotEqual(0, (await CosignVerifyAsync(image, other, form)).Code);
        }

        Assert.Null(await OurComplaintAsync(image, pub));
        Assert.Equal(ErrorKind.BadSignature, (await OurComplaintAsync(image, other))?.Kind);
        Assert.Contains("present", (await SignAsync(image, key)).Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_cosign_signs_with_a_key_we_take_in_both_forms(bool older)
    {
        await using var registry = await DockerRegistry.StartAsync();
        var (key, pub) = await KeyAsync("ours", "cosign");
        var (_, other) = await KeyAsync("other", "ec");
        var image = await BuildAsync($"{registry.Address}/node/hyperkube:{Version}");
        Assert.Equal(ErrorKind.Unsigned, (await OurComplaintAsync(image, pub))?.Kind);

        await CosignSignAsync(image, key, older);

        Assert.Null(await OurComplaintAsync(image, pub));
        Assert.Equal(ErrorKind.BadSignature, (await OurComplaintAsync(image, other))?.Kind);

        // Ours is added to theirs where their form has one place for all, and the form that is missing is written.
        var (ec, ecPub) = await KeyAsync("second", "ec");
        await SignAsync(image, ec);
        await SignAsync(image, key);
        foreach (var each in (string[])[pub, ecPub])
        {
            (await CosignVerifyAsync(image, each)).Well();
            (await CosignVerifyAsync(image, each, Older)).Well();
        }
    }

    // Before the tag is there: the image, the image of each platform, and what is said about them.
    [Fact]
    public async Task What_build_pushes_signed_cosign_takes_with_all_that_is_attached()
    {
        await using var registry = await DockerRegistry.StartAsync();
        var (key, pub) = await KeyAsync("ours", "ec");
        var (_, other) = await KeyAsync("other", "ec");
        var image = await BuildAsync($"{registry.Address}/node/hyperkube:{Version}", "--sign-key", key);

        var platforms = (await Exe.Here.ResultAsync(["inspect", image])).GetProperty("platforms").EnumerateArray()
            .Select(p => $"{registry.Address}/node/hyperkube@{p.GetProperty("digest").GetString()}").ToList();
        foreach (var each in platforms.Prepend(image))
        {
            (await CosignVerifyAsync(each, pub)).Well();
            (await CosignVerifyAsync(each, pub, Older)).Well();
            Assert.NotEqual(0, (await CosignVerifyAsync(each, other)).Code);
        }

        (await CosignVerifyAttestationAsync(image, pub, "slsaprovenance1")).Well();
        foreach (var platform in platforms)
        {
            (await CosignVerifyAttestationAsync(platform, pub, "spdxjson")).Well();
            Assert.NotEqual(0, (await CosignVerifyAttestationAsync(platform, other, "spdxjson")).Code);
        }
    }

    // A certificate of minutes instead of a key, a log entry, and a time from an authority of its own or from the log alone.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_token_signs_cosign_takes_from_whom_it_names_alone(bool isTimestamped)
    {
        const string Subject = "https://github.com/o/r/.github/workflows/w.yaml@refs/heads/main";
        const string Issuer = "https://token.actions.githubusercontent.com";
        await using SigningServer services = new(_authority);
        await using var registry = await DockerRegistry.StartAsync();
        var image = await BuildAsync($"{registry.Address}/node/hyperkube:{Version}");
        await File.WriteAllTextAsync(_work["token"], SigningServer.TokenOf(Subject, Issuer), Ct);
        string[] timestamp = isTimestamped ? ["--timestamp-url", $"{new Uri(services.Url, SigningServer.Timestamp)}"] : [];

        await Exe.Here.ResultAsync(
        [
            "sign", image, "--identity-token", _work["token"], "--fulcio-url", $"{services.Url}", "--rekor-url", $"{services.Url}",
            "--trusted-root", _judges["root.json"], .. timestamp,
        ]);

        foreach (var form in (string[][])[[], [Older]])
        {
            (await CosignVerifyIdentityAsync(Subject, form)).Well();
            Assert.NotEqual(0, (await CosignVerifyIdentityAsync("https://github.com/o/r/.github/workflows/other.yaml@refs/heads/main", form)).Code);
        }

        Task<Ended> CosignVerifyIdentityAsync(string subject, string[] form) => _judges.RunCosignAsync(
        [
            "verify", "--certificate-identity", subject, "--certificate-oidc-issuer", Issuer, "--allow-http-registry",
            "--trusted-root", _judges["root.json"], .. form, image,
        ]);
    }

    // Sigstore's own verifier looks at the document, not at what it is about.
    [Fact]
    public async Task What_a_token_signs_sigstores_own_verifier_takes_from_whom_it_names_alone()
    {
        const string Subject = "us@example.org";
        await using SigningServer services = new(_authority);
        var image = await BuildAsync($"oci:{_work["layout"]}:{Version}");
        await File.WriteAllTextAsync(_work["token"], SigningServer.TokenOf(Subject, CertificateRecipe.Google), Ct);
        await Exe.Here.ResultAsync(
        [
            "sign", image, "--identity-token", _work["token"], "--fulcio-url", $"{services.Url}", "--rekor-url", $"{services.Url}",
            "--trusted-root", _judges["root.json"],
        ]);
        var bundles = Directory.GetFiles(_work["layout/blobs/sha256"]).Where(f => new FileInfo(f).Length < 1 << 16).Select(File.ReadAllBytes)
            .Where(b => b.AsSpan().StartsWith("""{"mediaType":"application/vnd.dev.sigstore.bundle"""u8)).ToList();

        var bundle = Assert.Single(bundles);
        (await _judges.JavaScriptAsync(bundle, [], Subject)).Well();
        Assert.NotEqual(0, (await _judges.JavaScriptAsync(bundle, [], "others@example.org")).Code);
        var at = bundle.AsSpan().IndexOf("\"payload\":\""u8) + 30;
        bundle[at] = bundle[at] == (byte)'A' ? (byte)'B' : (byte)'A';
        Assert.NotEqual(0, (await _judges.JavaScriptAsync(bundle, [], Subject)).Code);
    }

    // skopeo reads the older form, of each platform's image alone, and compares names: with the tag, where nothing else is said.
    [Theory]
    [InlineData("matchRepository", "ours", true)]
    [InlineData("matchRepoDigestOrExact", "ours", true)]
    [InlineData("matchRepository", "other", false)]
    [InlineData("matchRepository", null, false)]
    public async Task What_we_sign_skopeo_takes_where_its_policy_demands_that_key(string match, string? signer, bool isTaken)
    {
        var skopeo = Machine.Sid("skopeo");
        await using var registry = await DockerRegistry.StartAsync();
        var image = $"{registry.Address}/node/hyperkube:{Version}";
        var (_, pub) = await KeyAsync("ours", "ec");
        var (other, _) = await KeyAsync("other", "ec");
        await BuildAsync(image);
        if (signer is not null)
        {
            await SignAsync(image, signer == "ours" ? _judges["ours.pem"] : other, "--recursive");
        }

        Directory.CreateDirectory(_judges["registries.d"]);
        await File.WriteAllTextAsync(Path.Combine(_judges["registries.d"], "test.yaml"), $"docker:\n  {registry.Address}:\n    use-sigstore-attachments: true\n", Ct);
        await File.WriteAllTextAsync(
            _judges["policy.json"],
            $$"""
            {"default": [{"type": "reject"}],
             "transports": {"docker": {"{{registry.Address}}": [
               {"type": "sigstoreSigned", "keyPath": "{{pub}}", "signedIdentity": {"type": "{{match}}"} }]} } }
            """,
            Ct);
        var copied = await Run.ProgramAsync(
            skopeo,
            [
                "--policy", _judges["policy.json"], "--registries.d", _judges["registries.d"], "copy", "--all", "--src-tls-verify=false",
                $"docker://{image}", $"dir:{_judges["copied"]}",
            ]);

        Assert.True((copied.Code == 0) == isTaken, copied.Error);
        if (!isTaken)
        {
            Assert.Contains(signer is null ? "no signature exists" : "signature verification failed", copied.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_signature_of_another_image_is_refused_by_both()
    {
        await using var registry = await DockerRegistry.StartAsync();
        var (key, pub) = await KeyAsync("ours", "ec");
        var signed = await BuildAsync($"{registry.Address}/node/hyperkube:{Version}");
        var other = await BuildAsync($"{registry.Address}/node/hyperkube:other", "--platform", "linux/amd64");
        await SignAsync(signed, key);

        foreach (var suffix in (string[])["", ".sig"])
        {
            var moved = await Run.ProgramAsync(Machine.Sid("crane"), ["copy", "--insecure", TagOf(signed) + suffix, TagOf(other) + suffix]);
            moved.Well();
        }

        Assert.NotEqual(0, (await CosignVerifyAsync(other, pub)).Code);
        Assert.NotEqual(0, (await CosignVerifyAsync(other, pub, Older)).Code);
        Assert.Equal(ErrorKind.BadSignature, (await OurComplaintAsync(other, pub))?.Kind);
        (await CosignVerifyAsync(signed, pub)).Well();
    }

    [Fact]
    public async Task Signatures_of_all_platforms_travel_through_an_archive_and_verify_there()
    {
        await using var here = await DockerRegistry.StartAsync();
        await using var there = await DockerRegistry.StartAsync();
        var (key, pub) = await KeyAsync("ours", "cosign");
        var image = await BuildAsync($"{here.Address}/node/hyperkube:{Version}");
        await SignAsync(image, key, "--recursive");

        await Exe.Here.ResultAsync(["copy", $"{here.Address}/node/hyperkube:{Version}", $"oci-archive:{_work["image.tar"]}:{Version}"]);
        await Exe.Here.ResultAsync(["copy", $"oci-archive:{_work["image.tar"]}:{Version}", $"{there.Address}/fenced/hyperkube"]);

        var copied = $"{there.Address}/fenced/hyperkube@{image.Split('@')[1]}";
        var platforms = (await Exe.Here.ResultAsync(["inspect", copied])).GetProperty("platforms").EnumerateArray()
            .Select(p => $"{there.Address}/fenced/hyperkube@{p.GetProperty("digest").GetString()}");
        foreach (var each in platforms.Prepend(copied))
        {
            (await CosignVerifyAsync(each, pub)).Well();
            (await CosignVerifyAsync(each, pub, Older)).Well();
        }

        Assert.Null(await OurComplaintAsync(copied, pub));
        using var archive = await ArchiveReader.OpenAsync(_work["image.tar"], Ct);
        var root = (await archive.ResolveAsync(Version, Ct))!;
        Assert.Single(await SignaturePolicy.OfKey(pub).CheckAsync(archive, ImageReference.Parse($"oci-archive:{_work["image.tar"]}"), root, Ct));
    }

    // Through a layout, which has to bring the signatures along.
    private static async Task<HyperkubeException?> OurComplaintAsync(string image, string pub)
    {
        using TempDirectory copy = new();
        await Exe.Here.ResultAsync(["copy", image, $"oci:{copy["layout"]}:v1"]);
        var layout = ImageLayout.Open(copy["layout"]);
        try
        {
            await SignaturePolicy.OfKey(pub).CheckAsync(layout, ImageReference.Parse(image), (await layout.ResolveAsync("v1", Ct))!, Ct);
            return null;
        }
        catch (HyperkubeException e)
        {
            return e;
        }
    }

    private async Task<string> BuildAsync(string output, params string[] more)
    {
        var built = await Exe.Here.ResultAsync(
            ["build", Version, "--source", _work["release"], "--cache", _work["cache"], "-o", output, .. more]);
        return $"{output[..output.LastIndexOf(':')]}@{built.GetProperty("digest").GetString()}";
    }

    private static async Task<Ended> SignAsync(string image, string key, params string[] more) =>
        (await Exe.Here.RunAsync(
            ["sign", image, "--key", key, "--password-env", "KEY_PASSWORD", .. more],
            new Dictionary<string, string> { ["KEY_PASSWORD"] = key.EndsWith(".pem", StringComparison.Ordinal) ? "secret" : "" })).Well();

    private Task<Ended> CosignVerifyAsync(string image, string pub, params string[] more) => _judges.RunCosignAsync(
    [
        "verify", "--key", pub, "--insecure-ignore-tlog", "--allow-http-registry", "--trusted-root", _judges["root.json"], .. more, image,
    ]);

    private Task<Ended> CosignVerifyAttestationAsync(string image, string pub, string type) => _judges.RunCosignAsync(
    [
        "verify-attestation", "--key", pub, "--type", type, "--insecure-ignore-tlog", "--allow-http-registry",
        "--trusted-root", _judges["root.json"], image,
    ]);

    private async Task CosignSignAsync(string image, string key, bool older)
    {
        string[] form = older
            ? [Older, "--use-signing-config=false", "--tlog-upload=false"]
            : ["--signing-config", _judges["signing.json"], "--trusted-root", _judges["root.json"]];
        (await _judges.RunCosignAsync(["sign", "--yes", "--key", key, "--allow-http-registry", .. form, image])).Well();
    }

    // HOST/REPO@sha256:HEX to HOST/REPO:sha256-HEX.
    private static string TagOf(string image) => image.Replace("@sha256:", ":sha256-", StringComparison.Ordinal);

    private async Task<(string Key, string Public)> KeyAsync(string name, string kind)
    {
        if (kind == "cosign")
        {
            (await _judges.RunCosignAsync("generate-key-pair", "--output-key-prefix", _judges[name])).Well();
            return (_judges[$"{name}.key"], _judges[$"{name}.pub"]);
        }

        Machine.Needs("openssl");
        var (key, pub) = (_judges[$"{name}.pem"], _judges[$"{name}.pub"]);
        string[] make = kind switch
        {
            "rsa" => ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            "ed25519" => ["-algorithm", "ED25519"],
            "p384" or "p521" => ["-algorithm", "EC", "-pkeyopt", $"ec_paramgen_curve:P-{kind[1..]}"],
            _ => ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        };
        string[] encrypted = kind == "ec-encrypted" ? ["-aes256", "-pass", "pass:secret"] : [];
        (await Run.ProgramAsync("openssl", ["genpkey", .. make, .. encrypted, "-out", key])).Well();
        (await Run.ProgramAsync("openssl", ["pkey", "-in", key, "-passin", "pass:secret", "-pubout", "-out", pub])).Well();
        return (key, pub);
    }
}
