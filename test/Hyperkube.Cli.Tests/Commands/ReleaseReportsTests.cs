using System.Text.Json;
using System.Text.RegularExpressions;
using Hyperkube.Testing;

namespace Hyperkube.Cli.Tests.Commands;

/// <summary>What is told of a release run: the catalog, GitHub, Prometheus.</summary>
public sealed class ReleaseReportsTests : IAsyncLifetime
{
    private readonly Shell _shell = new();
    private readonly TestRegistry _registry = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Repository => $"{_registry.Url.Authority}/hyperkube";

    public async ValueTask InitializeAsync()
    {
        foreach (var version in (string[])["v1.35.0", "v1.36.0"])
        {
            ReleaseTree.Write(_shell.Tree, version);
        }

        await File.WriteAllTextAsync(_shell["versions"], "v1.36.4\nv1.36.0\nv1.35.0\n", TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _registry.DisposeAsync();
        _shell.Dispose();
    }

    [Fact]
    public async Task The_catalog_has_everything_that_is_published_and_the_same_bytes_every_time()
    {
        await File.WriteAllTextAsync(_shell["eol.yaml"], "---\nbranches:\n- endOfLifeDate: \"2027-02-28\"\n  release: \"1.35\"\n", Ct);
        (await RunAsync("--catalog", _shell["catalog"], "--end-of-life", _shell["eol.yaml"])).With(0);
        var first = (await ReadAsync("catalog/catalog.json"), await ReadAsync("catalog/index.html"));

        (await RunAsync("--catalog", _shell["catalog"], "--end-of-life", _shell["eol.yaml"])).With(0);

        Assert.Equal(first, (await ReadAsync("catalog/catalog.json"), await ReadAsync("catalog/index.html")));
        using var catalog = JsonDocument.Parse(first.Item1);
        using var schema = JsonDocument.Parse(await File.ReadAllTextAsync(Testing.Repository.PathOf("docs/reference/catalog.schema.json"), Ct));
        JsonSchema.Check(schema.RootElement, schema.RootElement, catalog.RootElement, "catalog.json");
        var releases = catalog.RootElement.GetProperty("releases").EnumerateArray().ToList();
        Assert.Equal("v1.36.4 v1.36.0 v1.35.0", string.Join(' ', releases.Select(r => r.GetProperty("version"))));
        Assert.Equal($"{Repository}:v1.36.4@{_registry.Tag("hyperkube", "v1.36.4")}", releases[0].GetProperty("reference").GetString());
        Assert.All(releases, r => Assert.Equal("unsigned", r.GetProperty("verification").GetString()));
        Assert.Equal("2027-02-28", catalog.RootElement.GetProperty("minors")[1].GetProperty("endOfLife").GetString());
        Assert.Equal(["catalog.json", "index.html"], Directory.EnumerateFileSystemEntries(_shell["catalog"]).Select(Path.GetFileName).Order()!);
    }

    // Two jobs, two logins: one may write the registry, the other may write at GitHub.
    [Fact]
    public async Task What_is_published_can_be_told_by_somebody_who_may_publish_nothing()
    {
        (await RunAsync("--minimum", "v1.36.4")).With(0);
        var before = _registry.Calls.Count;

        var ended = (await RunAsync("--no-publish", "--catalog", _shell["catalog"], "--format", "json")).With(0);

        Assert.All(_registry.Calls.Skip(before), c => Assert.True(c.Method is "GET" or "HEAD", c.ToString()));
        Assert.Equal("present build build", string.Join(' ', ended.Json.EnumerateArray().Select(e => e.GetProperty("action"))));
        using var catalog = JsonDocument.Parse(await ReadAsync("catalog/catalog.json"));
        Assert.Equal("v1.36.4", Assert.Single(catalog.RootElement.GetProperty("releases").EnumerateArray()).GetProperty("version").GetString());
    }

    // A page that loads nothing, runs nothing but its own script, and can be read without it.
    [Fact]
    public async Task The_page_needs_nothing_else()
    {
        (await RunAsync("--catalog", _shell["catalog"])).With(0);
        var page = await ReadAsync("catalog/index.html");

        Assert.DoesNotMatch("(?i)(src|href|url\\(|@import)[ =\"']*(http|//)", page);
        Assert.DoesNotMatch("(?i)\\son[a-z]+=", page);
        Assert.DoesNotMatch("(?i)\\sstyle=", page);
        Assert.Contains("default-src 'none'", page, StringComparison.Ordinal);
        foreach (var (element, directive) in (ReadOnlySpan<(string, string)>)[("style", "style-src"), ("script", "script-src")])
        {
            var content = Regex.Match(page, $"<{element}>(.*?)</{element}>", RegexOptions.Singleline).Groups[1].Value;
            var hash = Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(content)));
            Assert.Contains($"{directive} 'sha256-{hash}'", page, StringComparison.Ordinal);
        }

        var without = Regex.Replace(page, "<script>.*?</script>", "", RegexOptions.Singleline);
        Assert.All(
            (string[])["v1.36.4", "v1.35.0", _registry.Tag("hyperkube", "v1.35.0")!],
            text => Assert.Contains(text, without, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_signed_release_is_shown_as_verified_and_another_authoritys_as_wrong()
    {
        await using SignedRelease signed = new(_shell["signed"]);
        signed.Write("v1.36.4");
        await File.WriteAllTextAsync(_shell["one"], "v1.36.4\n", Ct);
        string[] words =
        [
            "release", Repository, "--source", _shell["signed"], "--versions", _shell["one"], "--minimum", "v1.30.0", "--catalog", _shell["catalog"],
        ];

        (await _shell.RunAsync([.. words, .. signed.BuildWords])).With(0);
        Assert.Contains("\"verification\": \"signature\"", await ReadAsync("catalog/catalog.json"), StringComparison.Ordinal);

        await using SignedRelease other = new(_shell["other"]);
        (await _shell.RunAsync([.. words, .. other.BuildWords])).With(0);
        Assert.Contains("\"verification\": \"invalid\"", await ReadAsync("catalog/catalog.json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Announcements_are_complete_and_once()
    {
        await using GitHubServer github = new("acme/hyperkube", "t0ken", ("KUBERNETES_VERSION", "v1.0.0\n"));
        _shell.Variables["GITHUB_API_URL"] = github.Url.ToString();
        _shell.Variables["GITHUB_TOKEN"] = "wrong";
        _shell.Variables["GH_TOKEN"] = "t0ken";

        (await RunAsync("--github", "acme/hyperkube")).With(0);
        var before = github.Calls.Count;
        (await RunAsync("--github", "acme/hyperkube")).With(0);

        Assert.All(github.Calls.Skip(before), c => Assert.Equal("GET", c.Method));
        Assert.Equal("v1.35.0 v1.36.0 v1.36.4", string.Join(' ', github.Tags));
        Assert.Equal("v1.35.0\n", github.FileAt("refs/tags/v1.35.0", "KUBERNETES_VERSION"));
        var newest = github.Releases[0];
        Assert.Equal("v1.36.4 true", $"{newest["tag_name"]} {newest["make_latest"]}");
        var notes = (string)newest["body"]!;
        Assert.Contains($"    {Repository}:v1.36.4@{_registry.Tag("hyperkube", "v1.36.4")}\n", notes, StringComparison.Ordinal);
        Assert.Equal(4, Regex.Count(notes, @"\| linux/a[mr][dm]64 \| kube(let|ctl) \| `[0-9a-f]{64}` \|"));
        Assert.Contains("    hyperkube build v1.36.4 --verify checksum -o oci:check", notes, StringComparison.Ordinal);
        Assert.Empty(github.Complaints);
    }

    [Fact]
    public async Task An_announcement_that_fails_is_the_releases_failure_and_is_made_up_for()
    {
        await using GitHubServer github = new("acme/hyperkube", "t0ken", ("KUBERNETES_VERSION", "v1.0.0\n"));
        _shell.Variables["GITHUB_API_URL"] = github.Url.ToString();
        _shell.Variables["GITHUB_TOKEN"] = "t0ken";
        github.Intercept = c => c.Method == "POST" && c.Path.EndsWith("/releases", StringComparison.Ordinal)
            && System.Text.Encoding.UTF8.GetString(c.Body.Span).Contains("v1.35.0", StringComparison.Ordinal)
            ? GitHubServer.Json(422, """{"message":"no"}""") : null;

        var ended = (await RunAsync("--github", "acme/hyperkube", "--format", "json")).With(5);

        Assert.Equal("published", ended.Json[2].GetProperty("action").GetString());
        Assert.Equal(5, ended.Json[2].GetProperty("error").GetProperty("code").GetInt32());
        Assert.False(ended.Json[0].TryGetProperty("error", out _));
        github.Intercept = _ => null;
        (await RunAsync("--github", "acme/hyperkube")).With(0);
        Assert.Equal(3, github.Releases.Count);
    }

    // GitHub's two lists say that all is told: then no image is looked into but those that are compared with upstream.
    [Fact]
    public async Task With_nothing_to_announce_it_is_a_handful_of_requests()
    {
        await using GitHubServer github = new("acme/hyperkube", "t0ken", ("KUBERNETES_VERSION", "v1.0.0\n"));
        _shell.Variables["GITHUB_API_URL"] = github.Url.ToString();
        _shell.Variables["GITHUB_TOKEN"] = "t0ken";
        var patches = Enumerable.Range(0, 12).Select(p => $"v1.34.{p}").ToList();
        patches.ForEach(v => ReleaseTree.Write(_shell.Tree, v));
        await File.WriteAllLinesAsync(_shell["versions"], patches, Ct);
        (await RunAsync("--github", "acme/hyperkube")).With(0);
        Assert.Equal(12, github.Releases.Count);
        var (registry, asked) = (_registry.Calls.Count, github.Calls.Count);

        (await RunAsync("--github", "acme/hyperkube")).With(0);

        Assert.Equal(4, _registry.Calls.Count - registry); // The tags; of the newest patch the index and two manifests.
        Assert.Equal(2, github.Calls.Count - asked);
    }

    // A list that is shorter because of a bad line would say that what is not in it is gone.
    [Fact]
    public async Task What_cannot_be_looked_into_leaves_the_lists_as_they_were()
    {
        string[] lists = ["--image-vector", _shell["vector.yaml"], "--catalog", _shell["catalog"]];
        (await RunAsync(lists)).With(0);
        var before = (await ReadAsync("vector.yaml"), await ReadAsync("catalog/catalog.json"), await ReadAsync("catalog/index.html"));
        _registry.Intercept = c => c.Path.EndsWith("/manifests/v1.35.0", StringComparison.Ordinal) ? SiteAnswer.Of(503) : null;

        var ended = (await RunAsync([.. lists, "--format", "json"])).With(6);

        Assert.Equal(before, (await ReadAsync("vector.yaml"), await ReadAsync("catalog/catalog.json"), await ReadAsync("catalog/index.html")));
        Assert.Contains($"{_shell["vector.yaml"]}: left as it was, because v1.35.0 could not be looked into", ended.Error, StringComparison.Ordinal);
        Assert.Equal("present present failed", string.Join(' ', ended.Json.EnumerateArray().Select(e => e.GetProperty("action"))));
    }

    // Upstream is down: what is published is known all the same.
    [Fact]
    public async Task A_silent_upstream_takes_nothing_off_the_lists()
    {
        (await RunAsync()).With(0);
        await using var site = ReleaseSite.Start(_shell.Tree);
        site.Intercept = _ => SiteAnswer.Of(503);

        (await _shell.RunAsync(
            "release", Repository, "--source", $"{site.Url}", "--verify", "checksum", "--versions", _shell["versions"], "--minimum", "v1.30.0",
            "--image-vector", _shell["vector.yaml"])).With(6);

        Assert.Equal(3, (await ReadAsync("vector.yaml")).Split("- name: hyperkube").Length - 1);
    }

    // The list stays a list as long as its entries say all that went wrong.
    [Fact]
    public async Task One_report_that_fails_keeps_no_other_from_being_made_and_JSON_says_it_beside_the_list()
    {
        await using GitHubServer github = new("acme/hyperkube", "t0ken", ("KUBERNETES_VERSION", "v1.0.0\n"));
        _shell.Variables["GITHUB_API_URL"] = github.Url.ToString();
        _shell.Variables["GITHUB_TOKEN"] = "t0ken";
        await File.WriteAllTextAsync(_shell["file"], "", Ct);

        var ended = (await RunAsync(
            "--image-vector", _shell["file/vector.yaml"], "--catalog", _shell["catalog"], "--github", "acme/hyperkube", "--metrics", _shell["x.prom"],
            "--format", "json")).With(7);

        Assert.Equal("host-failed", ended.Json.GetProperty("error").GetProperty("kind").GetString());
        Assert.Equal(3, ended.Json.GetProperty("releases").EnumerateArray().Count(r => r.GetProperty("action").GetString() == "published"));
        Assert.True(File.Exists(_shell["catalog/catalog.json"]));
        Assert.Equal(3, github.Releases.Count);
        Assert.Equal("0", ValueOf(await ReadAsync("x.prom"), "hyperkube_release_success"));
        Assert.Equal("1", ValueOf(await ReadAsync("x.prom"), "hyperkube_release_failures", "kind=\"host-failed\""));
    }

    [Fact]
    public async Task GitHub_that_does_not_answer_is_said_beside_the_list_and_nothing_else_waits_for_it()
    {
        await using GitHubServer github = new("acme/hyperkube", "another", ("KUBERNETES_VERSION", "v1.0.0\n"));
        _shell.Variables["GITHUB_API_URL"] = github.Url.ToString();
        _shell.Variables["GITHUB_TOKEN"] = "t0ken";

        var ended = (await RunAsync("--github", "acme/hyperkube", "--catalog", _shell["catalog"], "--format", "json")).With(5);

        Assert.Equal("access-denied", ended.Json.GetProperty("error").GetProperty("kind").GetString());
        Assert.Equal(3, ended.Json.GetProperty("releases").GetArrayLength());
        Assert.True(File.Exists(_shell["catalog/catalog.json"]));
        Assert.Single(github.Calls);
    }

    // The alert looks at the last success, and at whether the last run was one.
    [Fact]
    public async Task A_run_that_is_cut_off_says_so_in_its_metrics()
    {
        (await RunAsync("--metrics", _shell["x.prom"], "--minimum", "v1.36.4")).With(0);
        ToldTime time = new(TimeSpan.FromHours(1));
        _shell.Time = time;
        _registry.Intercept = c =>
        {
            if (c.Method == "POST")
            {
                time.Elapse();
                return new SiteAnswer { Silent = true };
            }

            return null;
        };

        var ended = (await RunAsync("--metrics", _shell["x.prom"], "--timeout", "1h", "--format", "json")).With(6);

        Assert.Equal("timed-out", ended.Json.GetProperty("error").GetProperty("kind").GetString());
        Assert.Equal("present", ended.Json.GetProperty("releases")[0].GetProperty("action").GetString());
        Assert.Equal("0", ValueOf(await ReadAsync("x.prom"), "hyperkube_release_success"));
        Assert.Equal("1", ValueOf(await ReadAsync("x.prom"), "hyperkube_release_failures", "kind=\"interrupted\""));
    }

    [Fact]
    public async Task The_image_vector_names_the_tag_that_is_there_also_with_zstd()
    {
        (await RunAsync("--compression", "zstd", "--image-vector", _shell["vector.yaml"])).With(0);

        Assert.Contains(
            $"tag: \"v1.36.4-zstd@{_registry.Tag("hyperkube", "v1.36.4-zstd")}\"\n  version: \"v1.36.4\"\n  targetVersion: \"1.36.4\"\n",
            await ReadAsync("vector.yaml"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--github acme", "expected OWNER/REPO")]
    [InlineData("--github acme/x/y", "expected OWNER/REPO")]
    [InlineData("--github acme/x?y", "expected OWNER/REPO")]
    [InlineData("--github acme/x", "neither the variable GH_TOKEN nor GITHUB_TOKEN")]
    [InlineData("--end-of-life ./none", "no such file")]
    [InlineData("--shard 1/2 --catalog x", "--shard: a part of the releases")]
    [InlineData("--holds ./none", "no such file")]
    public async Task What_cannot_be_told_is_said_before_anything_is_done(string words, string expected)
    {
        Assert.Contains(expected, (await RunAsync(words.Split(' '))).With(2).Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_registry.Calls, c => c.Method is not ("GET" or "HEAD"));
    }

    [Fact]
    public async Task Metrics_tell_what_was_done_and_a_failed_run_keeps_the_last_success()
    {
        File.Delete(_shell.PathOf("linux/arm64", "kubectl") + ".sha256");
        (await RunAsync("--metrics", _shell["x.prom"])).With(0);
        var first = await ReadAsync("x.prom");
        _registry.Intercept = _ => SiteAnswer.Text("", 403);
        (await RunAsync("--metrics", _shell["x.prom"])).With(5);
        var second = await ReadAsync("x.prom");

        Assert.Equal("2", ValueOf(first, "hyperkube_release_versions", "action=\"published\""));
        Assert.Equal("1", ValueOf(first, "hyperkube_release_versions", "action=\"pending\""));
        Assert.Equal("1", ValueOf(first, "hyperkube_release_success"));
        Assert.Equal("0", ValueOf(second, "hyperkube_release_success"));
        Assert.Equal("1", ValueOf(second, "hyperkube_release_failures", "kind=\"access-denied\""));
        Assert.Equal(
            ValueOf(first, "hyperkube_release_last_success_timestamp_seconds"), ValueOf(second, "hyperkube_release_last_success_timestamp_seconds"));
        Assert.NotEqual("0", ValueOf(first, "hyperkube_release_published_bytes"));

        // Each name once, with help and type before its values: https://prometheus.io/docs/instrumenting/exposition_formats/
        var name = "";
        foreach (var line in first.TrimEnd('\n').Split('\n'))
        {
            name = line.StartsWith("# HELP ", StringComparison.Ordinal) ? line.Split(' ')[2] : name;
            Assert.Matches($"^(# (HELP {name} \\S.*|TYPE {name} gauge)|{name}\\{{repository=\"[^\"]+\"(,[a-z]+=\"[^\"]+\")?\\}} [0-9.]+)$", line);
        }

        Assert.Equal(first.Split('\n').Count(l => l.StartsWith("# HELP", StringComparison.Ordinal)), Regex.Matches(first, "(?m)^# TYPE (\\S+)").Select(m => m.Groups[1].Value).Distinct().Count());
    }

    private static string ValueOf(string metrics, string name, string label = "") =>
        Regex.Match(metrics, $"(?m)^{name}\\{{[^}}]*{Regex.Escape(label)}\\}} (\\S+)$").Groups[1].Value;

    private Task<string> ReadAsync(string file) => File.ReadAllTextAsync(_shell[file], Ct);

    private Task<Ended> RunAsync(params string[] words) => _shell.RunAsync(
        ["release", Repository, "--source", _shell.Tree, "--verify", "checksum", "--versions", _shell["versions"], .. words.Contains("--minimum") ? (string[])[] : ["--minimum", "v1.30.0"], .. words]);

    /// <summary>A clock on which one wait is over when a test says so.</summary>
    private sealed class ToldTime(TimeSpan wait) : TimeProvider
    {
        private ITimer? _timer;

        internal void Elapse() => _timer?.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            _timer = dueTime == wait ? timer : _timer;
            return timer;
        }
    }

    /// <summary>As much of JSON Schema as the published one uses.</summary>
    private static class JsonSchema
    {
        internal static void Check(JsonElement root, JsonElement schema, JsonElement value, string where)
        {
            foreach (var rule in schema.EnumerateObject())
            {
                switch (rule.Name)
                {
                    case "$ref":
                        Check(root, root.GetProperty("$defs").GetProperty(rule.Value.GetString()!["#/$defs/".Length..]), value, where);
                        break;
                    case "type":
                        Assert.True(TypeOf(value) == rule.Value.GetString(), $"{where}: {TypeOf(value)}");
                        break;
                    case "const":
                        Assert.True(JsonElement.DeepEquals(rule.Value, value), where);
                        break;
                    case "enum":
                        Assert.True(rule.Value.EnumerateArray().Any(v => JsonElement.DeepEquals(v, value)), $"{where}: {value}");
                        break;
                    case "pattern":
                        Assert.Matches(rule.Value.GetString()!, value.GetString()!);
                        break;
                    case "minimum":
                        Assert.True(value.GetInt64() >= rule.Value.GetInt64(), where);
                        break;
                    case "required":
                        Assert.All(rule.Value.EnumerateArray(), r => Assert.True(value.TryGetProperty(r.GetString()!, out _), $"{where}: no {r}"));
                        break;
                    case "properties":
                        foreach (var property in value.EnumerateObject())
                        {
                            Assert.True(rule.Value.TryGetProperty(property.Name, out var inner), $"{where}: {property.Name} is not in the schema");
                            Check(root, inner, property.Value, $"{where}/{property.Name}");
                        }

                        break;
                    case "items":
                        Assert.All(value.EnumerateArray(), (item, i) => Check(root, rule.Value, item, $"{where}[{i}]"));
                        break;
                    default:
                        Assert.Contains(rule.Name, (string[])["$schema", "$defs", "title", "description"]);
                        break;
                }
            }
        }

        private static string TypeOf(JsonElement value) => value.ValueKind switch
        {
            JsonValueKind.Object => "object",
            JsonValueKind.Array => "array",
            JsonValueKind.String => "string",
            JsonValueKind.Number => "integer",
            _ => "other",
        };
    }
}
