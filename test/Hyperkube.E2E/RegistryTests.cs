using System.Security.Cryptography;
using System.Text;
using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E;

/// <summary>A real registry takes what we push, real clients read it there, and we read what they push.</summary>
[Collection(Alone.Name)]
public sealed class RegistryTests : IDisposable
{
    private const string Version = "v1.36.4";
    private const string User = "alice";
    private const string Password = "s3cret";

    private readonly TempDirectory _work = new();

    public RegistryTests() => ReleaseTree.Write(_work["release"], Version, padTo: 300_000);

    public void Dispose() => _work.Dispose();

    [Fact]
    public async Task A_build_is_pushed_and_real_clients_read_it()
    {
        await using var registry = await DockerRegistry.StartAsync();
        var image = $"{registry.Address}/node/hyperkube:{Version}";

        var digest = await BuildAsync(image);

        Assert.Equal(digest, (await Run.ProgramAsync(Machine.Sid("crane"), ["digest", image])).Text);
        Assert.Contains("PASS", (await Run.ProgramAsync(Machine.Sid("crane"), ["validate", "--remote", image])).Well().Out, StringComparison.Ordinal);
        Assert.Contains(digest, (await Run.ProgramAsync(Machine.Sid("oras"), ["resolve", "--plain-http", image])).Text, StringComparison.Ordinal);
        Machine.Needs("skopeo");
        var raw = await Run.ProgramAsync("skopeo", ["inspect", "--raw", "--tls-verify=false", $"docker://{image}"]);
        Assert.Equal(digest, $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(raw.Well().Out)))}");
        using Sandbox podman = new("podman", "crun");
        (await podman.RunAsync("podman", "pull", "--tls-verify=false", image)).Well();
        await using var docker = await Dockerd.StartAsync(onThisNetwork: true);
        (await docker.RunAsync("pull", image)).Well();
        await using var containerd = await Containerd.StartNewestAsync();
        (await containerd.RunAsync("images", "pull", "--local", "--plain-http", image)).Well();
    }

    [Fact]
    public async Task Make_docker_push_pushes_all_platforms_of_one_version()
    {
        await using var registry = await DockerRegistry.StartAsync();
        Machine.Needs("make");

        (await Run.ProgramAsync(
            "make",
            ["-C", Machine.Repository, "docker-push", $"IMAGE_REPOSITORY={registry.Address}/pushed", $"KUBERNETES_VERSION={Version}", $"HYPERKUBE={Exe.Here.Program}"],
            new Dictionary<string, string> { ["HYPERKUBE_SOURCE"] = _work["release"], ["HYPERKUBE_CACHE"] = _work["cache"] })).Well();

        var seen = await Exe.Here.ResultAsync(["inspect", $"{registry.Address}/pushed:{Version}"]);
        Assert.Equal(2, seen.GetProperty("platforms").GetArrayLength());
    }

    [Fact]
    public async Task A_registry_with_a_private_authority_and_logins_is_pushed_to_and_read()
    {
        using TestAuthority authority = new();
        await using var registry = await DockerRegistry.StartAsync(new RegistrySetup { Authority = authority, Login = (User, Password) });
        var image = $"{registry.Address}/node/hyperkube:{Version}";
        string[] trusting = ["--ca", registry.AuthorityFile];
        await BuildAsync($"oci:{_work["oci"]}");
        string[] copy = ["copy", $"oci:{_work["oci"]}:{Version}", image];

        var untrusted = await Exe.Here.RunAsync(copy);
        var anonymous = await Exe.Here.RunAsync([.. copy, .. trusting]);
        var wrong = await Exe.Here.RunAsync([.. copy, .. trusting, "--authfile", registry.AuthFile(User, "wrong")]);
        (await Exe.Here.RunAsync([.. copy, .. trusting, "--authfile", registry.AuthFile(User, Password)])).Well();

        Assert.Equal(6, untrusted.Code);
        Assert.Contains("issued by CN=hyperkube test authority", untrusted.Error, StringComparison.Ordinal);
        Assert.Contains("--ca FILE", untrusted.Error, StringComparison.Ordinal);
        Assert.Equal(5, anonymous.Code);
        Assert.Contains("401 Unauthorized: UNAUTHORIZED: authentication required, asked without a login", anonymous.Error, StringComparison.Ordinal);
        Assert.Equal(5, wrong.Code);
        Assert.Contains($"asked with the login of {User} (", wrong.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong)", wrong.Error, StringComparison.Ordinal);
        (await Exe.Here.RunAsync(["inspect", image, .. trusting, "--authfile", registry.AuthFile(User, Password)])).Well();
    }

    [Fact]
    public async Task A_registry_with_tokens_is_asked_for_no_more_than_is_needed_and_mounts_what_it_has()
    {
        await using JwtIssuer issuer = new(User, Password);
        await using var registry = await DockerRegistry.StartAsync(new RegistrySetup { Issuer = issuer });
        var auth = registry.AuthFile(User, Password);
        var first = $"{registry.Address}/first:{Version}";
        await BuildAsync(first, "--authfile", auth);

        var result = await Exe.Here.ResultAsync(["copy", first, $"{registry.Address}/second", "--authfile", auth]);

        // Only documents and configs come down: the layers are taken over where they are.
        Assert.InRange(result.GetProperty("bytesDownloaded").GetInt64(), 1, 40_000);
        Assert.All(issuer.Scopes, s => Assert.Matches("^repository:(first|second):(pull|pull,push|push,pull)$", s));
        Assert.Contains("repository:first:pull", issuer.Scopes);
        (await Exe.Here.RunAsync(["inspect", $"{registry.Address}/second:{Version}", "--authfile", auth])).Well();
    }

    [Fact]
    public async Task A_mirror_that_fetches_and_keeps_is_read_through_hosts_toml()
    {
        await using var upstream = await DockerRegistry.StartAsync();
        await using var mirror = await DockerRegistry.StartAsync(new RegistrySetup { CacheOf = upstream.Address });
        var digest = await BuildAsync($"{upstream.Address}/node/hyperkube:{Version}");
        WriteHosts("registry.example.com", $"[host.\"http://{mirror.Address}\"]\n  capabilities = [\"pull\", \"resolve\"]\n");
        string[] read = ["inspect", $"registry.example.com/node/hyperkube:{Version}", "--hosts-dir", _work["hosts"]];

        var seen = await Exe.Here.ResultAsync(read);
        await upstream.DisposeAsync();
        var explained = await Exe.Here.ResultAsync(["explain", .. read[1..]]);

        Assert.Equal(digest, seen.GetProperty("digest").GetString());
        var first = explained.GetProperty("hosts")[0];
        Assert.Equal($"http://{mirror.Address}/v2", first.GetProperty("url").GetString());
        Assert.EndsWith("hosts.toml:1", first.GetProperty("origin").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_nginx_that_keeps_blobs_in_front_of_a_registry_changes_nothing()
    {
        await using var registry = await DockerRegistry.StartAsync();
        await using var nginx = await NginxMirror.StartAsync(registry.Address);
        var digest = await BuildAsync($"{nginx.Address}/node/hyperkube:{Version}");

        foreach (var round in (string[])["one", "two"])
        {
            (await Exe.Here.RunAsync(["copy", $"{nginx.Address}/node/hyperkube:{Version}", $"oci:{_work[round]}"])).Well();
        }

        Assert.Equal(digest, (await Exe.Here.ResultAsync(["inspect", $"oci:{_work["two"]}"])).GetProperty("digest").GetString());
    }

    [Theory]
    [InlineData("oci")]
    [InlineData("v2s2")]
    public async Task What_skopeo_pushes_we_read(string format)
    {
        Machine.Needs("skopeo");
        await using var registry = await DockerRegistry.StartAsync();
        await BuildAsync($"oci:{_work["oci"]}");
        (await Run.ProgramAsync("skopeo",
            ["copy", "--insecure-policy", "--all", "--format", format, "--dest-tls-verify=false", $"oci:{_work["oci"]}:{Version}", $"docker://{registry.Address}/theirs:v1"])).Well();

        await ReadsAsItIsAsync($"{registry.Address}/theirs:v1");
    }

    [Fact]
    public async Task What_crane_pushes_we_read()
    {
        await using var registry = await DockerRegistry.StartAsync();
        await BuildAsync($"docker-archive:{_work["image.tar"]}:local/image:v1", "--platform", "linux/amd64");
        (await Run.ProgramAsync(Machine.Sid("crane"), ["push", _work["image.tar"], $"{registry.Address}/theirs:v1"])).Well();

        await ReadsAsItIsAsync($"{registry.Address}/theirs:v1");
    }

    [Fact]
    public async Task What_oras_attaches_comes_along_through_an_archive_to_another_registry()
    {
        await using var here = await DockerRegistry.StartAsync();
        await using var there = await DockerRegistry.StartAsync();
        var image = $"{here.Address}/node/hyperkube:{Version}";
        await BuildAsync(image);
        await File.WriteAllTextAsync(_work["sbom.json"], "{}", TestContext.Current.CancellationToken);
        (await Run.ProgramAsync(Machine.Sid("oras"),
            ["attach", "--plain-http", "--disable-path-validation", "--artifact-type", "application/example.sbom", image, $"{_work["sbom.json"]}:application/json"],
            new Dictionary<string, string> { ["HOME"] = _work.Path })).Well();

        (await Exe.Here.RunAsync(["copy", image, $"oci-archive:{_work["usb.tar"]}:{Version}"])).Well();
        (await Exe.Here.RunAsync(["copy", $"oci-archive:{_work["usb.tar"]}:{Version}", $"{there.Address}/copied"])).Well();

        var found = await Run.ProgramAsync(Machine.Sid("oras"), ["discover", "--plain-http", "--format", "json", $"{there.Address}/copied:{Version}"]);
        Assert.Contains("application/example.sbom", found.Well().Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cosign_signs_by_tag_comes_along()
    {
        await using var here = await DockerRegistry.StartAsync();
        await using var there = await DockerRegistry.StartAsync();
        var image = $"{here.Address}/node/hyperkube";
        var digest = await BuildAsync($"{image}:{Version}");
        Dictionary<string, string> environment = new() { ["COSIGN_PASSWORD"] = "", ["HOME"] = _work.Path };
        (await Run.ProgramAsync(Machine.Sid("cosign"), ["generate-key-pair", "--output-key-prefix", _work["cosign"]], environment)).Well();
        (await Run.ProgramAsync(Machine.Sid("cosign"),
            ["sign", "--key", _work["cosign.key"], "--tlog-upload=false", "--new-bundle-format=false", "--use-signing-config=false", "--yes",
                "--allow-insecure-registry", $"{image}@{digest}"],
            environment)).Well();

        (await Exe.Here.RunAsync(["copy", $"{image}:{Version}", $"{there.Address}/copied"])).Well();

        (await Run.ProgramAsync(Machine.Sid("cosign"),
            ["verify", "--key", _work["cosign.pub"], "--insecure-ignore-tlog=true", "--allow-insecure-registry", $"{there.Address}/copied@{digest}"],
            environment)).Well();
    }

    private async Task<string> BuildAsync(string output, params string[] more)
    {
        var built = await Exe.Here.ResultAsync(["build", Version, "--source", _work["release"], "--cache", _work["cache"], "-o", output, .. more]);
        return built.GetProperty("digest").GetString()!;
    }

    // The registry's bytes are the measure, whoever wrote them.
    private async Task ReadsAsItIsAsync(string image)
    {
        var digest = (await Run.ProgramAsync(Machine.Sid("crane"), ["digest", image])).Text;

        (await Exe.Here.RunAsync(["copy", image, $"oci:{_work["read"]}"])).Well();

        var seen = await Exe.Here.ResultAsync(["inspect", $"oci:{_work["read"]}"]);
        Assert.Equal(digest, seen.GetProperty("digest").GetString());
        Assert.Contains("/kubelet", seen.GetProperty("platforms")[0].GetProperty("binaries").EnumerateArray().Select(b => b.GetProperty("path").GetString()));
    }

    private void WriteHosts(string registry, string toml)
    {
        Directory.CreateDirectory(_work[$"hosts/{registry}"]);
        File.WriteAllText(_work[$"hosts/{registry}/hosts.toml"], toml);
    }
}
