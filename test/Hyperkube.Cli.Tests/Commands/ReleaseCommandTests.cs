using System.Text;
using System.Text.Json;
using Hyperkube.Testing;

namespace Hyperkube.Cli.Tests.Commands;

/// <summary>Releases are found, built and published; each fails alone; what is published is only what the registry says.</summary>
public sealed class ReleaseCommandTests : IAsyncLifetime
{
    private readonly Shell _shell = new();
    private readonly TestRegistry _registry = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Repository => $"{_registry.Url.Authority}/hyperkube";

    public ValueTask InitializeAsync()
    {
        Directory.Delete(_shell.Tree, recursive: true);
        Write("v1.30.1", "v1.30.14", "v1.31.0");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _registry.DisposeAsync();
        _shell.Dispose();
    }

    [Fact]
    public async Task What_is_missing_is_published_newest_first_and_a_second_run_does_nothing()
    {
        var first = Actions((await RunAsync()).With(0));

        Assert.Equal("v1.31.0=published v1.30.14=published v1.30.1=published", first);
        var before = _registry.Calls.Count;
        Assert.Equal("v1.31.0=present v1.30.14=present v1.30.1=present", Actions((await RunAsync()).With(0)));
        Assert.All(_registry.Calls.Skip(before), c => Assert.True(c.Method is "GET" or "HEAD", c.ToString()));
        Assert.InRange(_registry.Calls.Count - before, 1, 1 + (2 * 3)); // The tags; of each minor's newest patch the index and two manifests.
        Assert.Equal("v1.31.0=present v1.30.14=present v1.30.1=present", Actions((await RunAsync("--audit")).With(0)));
        Assert.Empty(Directory.EnumerateDirectories(_shell["cache/hyperkube"], ".hyperkube-*"));
    }

    [Fact]
    public async Task What_a_killed_run_has_left_goes_also_when_there_is_nothing_to_do()
    {
        (await RunAsync()).With(0);
        Directory.CreateDirectory(_shell["cache/hyperkube/.hyperkube-stage-abandoned/layout"]);

        Assert.DoesNotContain("published", Actions((await RunAsync()).With(0)), StringComparison.Ordinal);

        Assert.Empty(Directory.EnumerateDirectories(_shell["cache/hyperkube"], ".hyperkube-*"));
    }

    [Fact]
    public async Task The_JSON_result_is_a_list_with_the_promised_fields()
    {
        var json = (await RunAsync()).With(0).Json;

        Assert.Equal(JsonValueKind.Array, json.ValueKind);
        Assert.All(json.EnumerateArray(), e => Assert.Equal("version action digest reason", string.Join(' ', e.EnumerateObject().Select(p => p.Name))));
        Assert.Equal(_registry.Tag("hyperkube", "v1.31.0"), json[0].GetProperty("digest").GetString());
    }

    [Fact]
    public async Task It_publishes_what_build_builds()
    {
        (await RunAsync()).With(0);

        var built = (await _shell.RunAsync(
            "build", "v1.30.1", "--source", _shell.Tree, "--verify", "checksum", "-o", $"oci:{_shell["layout"]}", "--format", "json")).With(0);

        Assert.Equal(built.Json.GetProperty("digest").GetString(), _registry.Tag("hyperkube", "v1.30.1"));
    }

    // Three releases of four files: what is kept is what may be kept, and the one that came last.
    [Theory]
    [InlineData("8GiB", 12)]
    [InlineData("0", 1)]
    public async Task The_disk_holds_what_it_may(string size, int files)
    {
        await using var site = ReleaseSite.Start(_shell.Tree);

        var ended = await _shell.RunAsync(
            "release", Repository, "--source", $"{site.Url}", "--verify", "checksum", "--minimum", "v1.30.0", "--jobs", "1",
            "--cache", _shell["few"], "--cache-size", size, "--format", "json");

        Assert.Equal("v1.31.0=published v1.30.14=published v1.30.1=published", Actions(ended.With(0)));
        Assert.Equal(files, Directory.GetFiles(_shell["few/sha256"]).Length);
        var refused = (await RunTextAsync("--cache-size", "8G")).With(2);
        Assert.Contains("--cache-size '8G': expected a size such as 500MB or 8GiB", refused.Message, StringComparison.Ordinal);
    }

    // Without the API, referrers are a tag that every worker reads, completes and writes: a late one writes what it read early.
    [Theory]
    [InlineData(1, 0)]
    [InlineData(int.MaxValue, 6)]
    public async Task What_another_worker_takes_off_the_list_of_referrers_is_put_there_again(int times, int code)
    {
        const string Index = "application/vnd.oci.image.index.v1+json";
        _registry.HasReferrersApi = false;
        _registry.Intercept = call =>
        {
            var list = $"sha256-{call.Path.Split(':')[^1]}";
            if (call is { Method: "GET", IsManifest: true } && _registry.Tag("hyperkube", list) is not null && times-- > 0)
            {
                _registry.AddManifest("hyperkube", Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{Index}}","manifests":[]}"""), Index, list);
            }

            return null;
        };

        (await RunAsync("--jobs", "1")).With(code);

        Assert.Equal(code == 0, _registry.Tag("hyperkube", "v1.31.0") is not null);
    }

    [Fact]
    public async Task A_dry_run_prints_the_plan_and_stops()
    {
        var ended = (await RunTextAsync("--dry-run")).With(0);

        Assert.Equal(
            "v1.31.0           build     missing\nv1.30.14          build     missing\nv1.30.1           build     missing\n3 releases: 3 build\n",
            ended.Out);
        Assert.All(_registry.Calls, c => Assert.Equal("GET", c.Method));
        Assert.Equal("v1.31.0=build v1.30.14=build v1.30.1=build", Actions((await RunAsync("--dry-run")).With(0)));
    }

    [Fact]
    public async Task The_plan_is_printed_before_anything_happens()
    {
        var ended = (await RunTextAsync()).With(0);

        Assert.Contains("v1.30.1           build     missing\n3 releases: 3 build\n", ended.Error, StringComparison.Ordinal);
        Assert.True(
            ended.Error.IndexOf("3 releases: 3 build", StringComparison.Ordinal) < ended.Error.IndexOf("publish v1.", StringComparison.Ordinal));
        Assert.EndsWith("3 releases: 3 published\n", ended.Out, StringComparison.Ordinal);
    }

    // Upstream tags first, and copies the binaries one by one.
    [Fact]
    public async Task Half_a_release_is_pending_and_published_when_it_is_whole()
    {
        var missing = ReleaseTree.PathOf(_shell.Tree, "v1.31.0", new("linux", "arm64"), "kubectl");
        var kept = await File.ReadAllBytesAsync(missing, Ct);
        foreach (var suffix in (string[])["", ".sha256", ".sha512"])
        {
            File.Delete(missing + suffix);
        }

        var json = (await RunAsync()).With(0);
        Assert.Equal("v1.31.0=pending v1.30.14=published v1.30.1=published", Actions(json));
        Assert.Equal("upstream has not yet: kubectl linux/arm64", json.Json[0].GetProperty("reason").GetString());
        ReleaseTree.WriteFile(_shell.Tree, "v1.31.0", new("linux", "arm64"), "kubectl", kept);
        Assert.Equal("v1.31.0=published v1.30.14=present v1.30.1=present", Actions((await RunAsync()).With(0)));
    }

    // The checksum is there, the binary is not: only the fetch finds out.
    [Fact]
    public async Task A_binary_that_is_late_is_pending_too()
    {
        File.Delete(ReleaseTree.PathOf(_shell.Tree, "v1.31.0", new("linux", "arm64"), "kubectl"));

        Assert.Equal("v1.31.0=pending v1.30.14=published v1.30.1=published", Actions((await RunAsync()).With(0)));
    }

    [Fact]
    public async Task A_broken_release_fails_alone_and_can_be_held_until_it_changes()
    {
        var path = ReleaseTree.PathOf(_shell.Tree, "v1.30.14", new("linux", "amd64"), "kubelet");
        var good = await File.ReadAllTextAsync($"{path}.sha512", Ct);
        await File.WriteAllTextAsync($"{path}.sha512", new string('0', 128), Ct);

        var failed = (await RunAsync()).With(4);

        Assert.Equal("v1.31.0=published v1.30.14=failed v1.30.1=published", Actions(failed));
        var error = failed.Json[1].GetProperty("error");
        Assert.Equal("bad-digest", error.GetProperty("kind").GetString());
        var hint = error.GetProperty("hint").GetString()!;
        Assert.StartsWith("if it is broken upstream, hold it until it changes there: add to HELD_KUBERNETES_VERSIONS: v1.30.14 ", hint, StringComparison.Ordinal);

        await File.WriteAllTextAsync(_shell["holds"], $"# broken\n{hint[hint.IndexOf("v1.30.14", StringComparison.Ordinal)..]}\n", Ct);
        var held = (await RunAsync("--holds", _shell["holds"])).With(0);
        Assert.Equal("v1.31.0=present v1.30.14=held v1.30.1=present", Actions(held));

        // The repair alone ends it.
        await File.WriteAllTextAsync($"{path}.sha512", good, Ct);
        Assert.Equal("v1.31.0=present v1.30.14=published v1.30.1=present", Actions((await RunAsync("--holds", _shell["holds"])).With(0)));
    }

    // All that can be broken, and nothing but that repaired: the site gives sizes, entity tags and times as sites do.
    [Theory]
    [InlineData("v1.30.14/bin/linux/amd64/kubelet", "cut")]
    [InlineData("v1.30.14/bin/linux/amd64/kubelet", "altered")]
    [InlineData("v1.30.14/bin/linux/arm64/kubectl.sha256", "altered")]
    [InlineData("v1.30.14/bin/linux/arm64/kubectl.sha256", "page")]
    [InlineData("v1.30.14/bin/linux/arm64/kubectl.sha512", "page")]
    public async Task Whatever_is_repaired_ends_the_hold(string file, string how)
    {
        await using var site = ReleaseSite.Start(_shell.Tree);
        site.Intercept = r => r.Path.StartsWith("v1.30.14/bin", StringComparison.Ordinal) && File.Exists(_shell[$"tree/{r.Path}"])
            ? SiteAnswer.Part(File.ReadAllBytes(_shell[$"tree/{r.Path}"]), r.Header("Range"))
                .With("ETag", $"\"{File.GetLastWriteTimeUtc(_shell[$"tree/{r.Path}"]).Ticks:x}\"")
            : null;
        var good = await File.ReadAllBytesAsync(_shell[$"tree/{file}"], Ct);
        var bad = how switch
        {
            "cut" => good[..^1],
            "altered" => [.. good[..^1], (byte)(good[^1] == (byte)'0' ? '1' : '0')],
            _ => Enumerable.Repeat((byte)'<', 5000).ToArray(),
        };
        await File.WriteAllBytesAsync(_shell[$"tree/{file}"], bad, Ct);
        string[] words =
        [
            "release", Repository, "--source", $"{site.Url}", "--verify", "checksum", "--minimum", "v1.30.0", "--format", "json", "--cache", _shell["site"],
        ];

        var failed = (await _shell.RunAsync(words)).With(4);
        var hint = failed.Json[1].GetProperty("error").GetProperty("hint").GetString()!;
        await File.WriteAllTextAsync(_shell["holds"], hint[hint.IndexOf("v1.30.14", StringComparison.Ordinal)..], Ct);
        words = [.. words, "--holds", _shell["holds"]];
        Assert.Equal("v1.31.0=present v1.30.14=held v1.30.1=present", Actions((await _shell.RunAsync(words)).With(0)));
        await File.WriteAllBytesAsync(_shell[$"tree/{file}"], good, Ct);

        Assert.Equal("v1.31.0=present v1.30.14=published v1.30.1=present", Actions((await _shell.RunAsync(words)).With(0)));
    }

    // Who may push one tag must not be able to stop the job for all.
    [Theory]
    [InlineData("twice", 0, "present")]
    [InlineData("vast", 4, "failed")]
    [InlineData("flood", 4, "failed")]
    public async Task An_odd_image_is_its_own_failure_alone(string odd, int code, string action)
    {
        const string Manifest = "application/vnd.oci.image.manifest.v1+json", Index = "application/vnd.oci.image.index.v1+json";
        (await RunAsync()).With(0);
        var sum = (await File.ReadAllTextAsync($"{ReleaseTree.PathOf(_shell.Tree, "v1.31.0", new("linux", "amd64"), "kubelet")}.sha256", Ct)).Trim();
        var size = odd == "vast" ? long.MaxValue : 2;
        var layer = $$"""
            {"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{{TestRegistry.DigestOf("{}"u8)}}","size":{{size}},"annotations":{
            "dev.hyperkube.file.path":"/kubelet","dev.hyperkube.file.sha256":"{{sum}}","dev.hyperkube.file.size":"2"} }
            """;
        _registry.AddBlob("hyperkube", [.. "{}"u8]);
        var manifest = Encoding.UTF8.GetBytes($$"""
            {"schemaVersion":2,"mediaType":"{{Manifest}}","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{TestRegistry.DigestOf("{}"u8)}}","size":2},"layers":[{{layer}},{{layer}}]}
            """);
        var child = _registry.AddManifest("hyperkube", manifest, Manifest);
        var children = Enumerable.Repeat(
            $$"""{"mediaType":"{{Manifest}}","digest":"{{child}}","size":{{manifest.Length}},"platform":{"os":"linux","architecture":"amd64"} }""", odd == "flood" ? 1000 : 2);
        _registry.AddManifest(
            "hyperkube", Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{Index}}","manifests":[{{string.Join(',', children)}}]}"""), Index, "v1.31.0");

        var before = _registry.Calls.Count;
        Assert.Equal($"v1.31.0={action} v1.30.14=present v1.30.1=present", Actions((await RunAsync("--catalog", _shell["catalog"])).With(code)));

        Assert.InRange(_registry.Calls.Count - before, 1, 40);
        Assert.Contains("v1.30.14", await File.ReadAllTextAsync(_shell["catalog/catalog.json"], Ct), StringComparison.Ordinal);
    }

    // Built for one platform and pushed without an index, as docker push does.
    [Fact]
    public async Task An_image_of_one_platform_is_compared_too()
    {
        (await RunAsync("--platform", "linux/arm64")).With(0);
        using (var index = JsonDocument.Parse(_registry.Content("hyperkube", _registry.Tag("hyperkube", "v1.31.0")!)))
        {
            var child = index.RootElement.GetProperty("manifests")[0];
            var digest = child.GetProperty("digest").GetString()!;
            _registry.AddManifest("hyperkube", _registry.Content("hyperkube", digest), child.GetProperty("mediaType").GetString()!, "v1.31.0");
        }

        Assert.Equal("v1.31.0=present v1.30.14=present v1.30.1=present", Actions((await RunAsync()).With(0)));
        Replace("v1.31.0");

        Assert.Equal("v1.31.0=changed v1.30.14=present v1.30.1=present", Actions((await RunAsync()).With(4)));
    }

    // HEAD, HEAD, PUT, PUT: the tag is the second one's, whatever the first one believes.
    [Fact]
    public async Task What_another_worker_tags_at_the_same_time_is_what_counts()
    {
        _registry.Alter = (call, answer) =>
        {
            if (call is { Method: "PUT", IsManifest: true } && call.Path.EndsWith("/v1.31.0", StringComparison.Ordinal))
            {
                _registry.AddManifest("hyperkube", [.. "{\"schemaVersion\":2,\"manifests\":[]}"u8], "application/vnd.oci.image.index.v1+json", "v1.31.0");
            }

            return answer;
        };

        var ended = (await RunAsync("--image-vector", _shell["vector.yaml"])).With(4);

        Assert.Equal("v1.31.0=failed v1.30.14=published v1.30.1=published", Actions(ended));
        Assert.Equal("tag-conflict", ended.Json[0].GetProperty("error").GetProperty("kind").GetString());
    }

    [Fact]
    public async Task A_dry_run_ends_as_the_run_would_and_a_wrong_call_for_one_hides_no_alarm()
    {
        (await RunAsync()).With(0);
        Write("v1.25.0", "v1.30.1", "v1.30.14", "v1.31.0");
        Replace("v1.31.0");

        Assert.Equal("v1.31.0=changed v1.30.14=present v1.30.1=present", Actions((await RunAsync("--dry-run")).With(4)));

        // v1.25.0 is not signed: a wrong call. The alarm about another one decides.
        var ended = (await _shell.RunAsync(
            "release", Repository, "--source", _shell.Tree, "--minimum", "v1.25.0", "--format", "json")).With(4);
        Assert.Equal("usage", ended.Json[3].GetProperty("error").GetProperty("kind").GetString());
    }

    [Fact]
    public async Task A_release_that_was_tagged_again_upstream_raises_the_alarm_and_stays_as_it_is()
    {
        (await RunAsync()).With(0);
        var published = _registry.Tag("hyperkube", "v1.30.14");
        Replace("v1.30.14");
        Replace("v1.30.1");

        var alarmed = (await RunAsync()).With(4);

        Assert.Equal("v1.31.0=present v1.30.14=changed v1.30.1=present", Actions(alarmed));
        Assert.Contains("kubelet linux/arm64 is sha256:", alarmed.Json[1].GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal("v1.31.0=present v1.30.14=changed v1.30.1=changed", Actions((await RunAsync("--audit")).With(4)));
        Assert.Equal(published, _registry.Tag("hyperkube", "v1.30.14"));
    }

    [Fact]
    public async Task An_image_that_somebody_else_built_is_left_alone_and_no_alarm()
    {
        _registry.AddBlob("hyperkube", [.. "{}"u8]);
        var config = TestRegistry.DigestOf("{}"u8);
        byte[] manifest =
        [
            .. System.Text.Encoding.UTF8.GetBytes($$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{config}}","size":2},"layers":[]}
            """),
        ];
        var theirs = _registry.AddManifest("hyperkube", manifest, "application/vnd.oci.image.manifest.v1+json", "v1.31.0");

        var ended = (await RunAsync("--audit")).With(0);

        Assert.Equal("v1.31.0=foreign v1.30.14=published v1.30.1=published", Actions(ended));
        Assert.Equal(theirs, ended.Json[0].GetProperty("digest").GetString());
        Assert.Equal(theirs, _registry.Tag("hyperkube", "v1.31.0"));
    }

    [Fact]
    public async Task Shards_publish_everything_once()
    {
        var all = "";
        foreach (var shard in (string[])["0/2", "1/2"])
        {
            all += " " + Actions((await RunAsync("--shard", shard)).With(0));
        }

        Assert.Equal(
            "v1.30.14=published v1.30.1=published v1.31.0=published", string.Join(' ', all.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public async Task A_registry_that_refuses_is_the_exit_code_and_each_release_says_so()
    {
        _registry.Intercept = c => c.Method == "POST" ? SiteAnswer.Text("""{"errors":[{"code":"DENIED","message":"no"}]}""", 403) : null;

        var ended = (await RunAsync()).With(5);

        Assert.Equal("v1.31.0=failed v1.30.14=failed v1.30.1=failed", Actions(ended));
        Assert.All(ended.Json.EnumerateArray(), e => Assert.Equal(5, e.GetProperty("error").GetProperty("code").GetInt32()));
        Assert.Null(_registry.Tag("hyperkube", "v1.31.0"));
    }

    // A tag is a promise: nothing that the registry does not have is tagged.
    [Fact]
    public async Task What_the_registry_lost_is_not_tagged()
    {
        _registry.Alter = (call, answer) => call.Method == "HEAD" && call.IsBlob && _registry.Calls.Any(c => c.Method == "PUT" && c.IsManifest)
            ? SiteAnswer.Of(404)
            : answer;

        var ended = (await RunAsync("--minimum", "v1.31.0")).With(4);

        Assert.Contains("was sent, and is not there", ended.Json[0].GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Null(_registry.Tag("hyperkube", "v1.31.0"));
    }

    [Fact]
    public async Task Debug_says_one_line_for_each_decision()
    {
        var ended = (await RunTextAsync("-v")).With(0);

        var lines = ended.Error.Split('\n').Where(l => l.StartsWith("level=debug event=release ", StringComparison.Ordinal)).ToList();
        Assert.Equal(3, lines.Count);
        Assert.Contains(lines, l => l.StartsWith("level=debug event=release version=v1.30.1 action=published digest=sha256:", StringComparison.Ordinal));
        Assert.All(lines, l => Assert.EndsWith(" reason=missing", l, StringComparison.Ordinal));
        Assert.DoesNotContain("level=debug", (await RunTextAsync()).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_minimum_nothing_is_done()
    {
        var ended = (await _shell.RunAsync("release", Repository, "--source", _shell.Tree)).With(2);

        Assert.Contains("neither --minimum nor a file MINIMUM_KUBERNETES_VERSION", ended.Message, StringComparison.Ordinal);
        Assert.Empty(_registry.Calls);
    }

    [Fact]
    public async Task The_image_vector_pins_everything_that_is_published()
    {
        (await RunAsync("--minimum", "v1.30.14", "--image-vector", _shell["vector.yaml"])).With(0);
        (await RunAsync("--image-vector", _shell["again.yaml"])).With(0);

        Assert.Contains(
            $"tag: \"v1.30.14@{_registry.Tag("hyperkube", "v1.30.14")}\"", await File.ReadAllTextAsync(_shell["vector.yaml"], Ct), StringComparison.Ordinal);
        Assert.Equal(3, (await File.ReadAllTextAsync(_shell["again.yaml"], Ct)).Split("- name: hyperkube").Length - 1);
    }

    private Task<Ended> RunAsync(params string[] words) => RunTextAsync([.. words, "--format", "json"]);

    private Task<Ended> RunTextAsync(params string[] words) => _shell.RunAsync(
        ["release", Repository, "--source", _shell.Tree, "--verify", "checksum", .. words.Contains("--minimum") ? (string[])[] : ["--minimum", "v1.30.0"], .. words]);

    private static string Actions(Ended ended) =>
        string.Join(' ', ended.Json.EnumerateArray().Select(e => $"{e.GetProperty("version")}={e.GetProperty("action")}"));

    private void Write(params string[] versions)
    {
        foreach (var version in versions)
        {
            ReleaseTree.Write(_shell.Tree, version);
        }

        File.WriteAllText(_shell["tree/release-notes-index.json"], JsonSerializer.Serialize(versions.ToDictionary(v => v, _ => "https://example.com")));
    }

    // Other bytes under the same version, with checksums that fit.
    private void Replace(string version) => ReleaseTree.WriteFile(
        _shell.Tree, version, new("linux", "arm64"), "kubelet", StandInProgram.Create(new("linux", "arm64"), $"Kubernetes {version} again\n"));
}
