using System.Text.Json;
using System.Text.RegularExpressions;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Deploy;

/// <summary>The release job's manifests and workflows.</summary>
public sealed class ReleaseManifestTests
{
    private const string Directory = "deploy/kubernetes/release";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("cronjob.yaml")]
    [InlineData("indexed-job.yaml")]
    public async Task The_job_is_nobody_and_every_field_is_one_of_the_api(string file)
    {
        var read = await KubectlAsync("label", file);
        var typed = await KubectlAsync("set", file); // Decodes into the API's own types: a field that they do not have is lost.
        var job = file == "cronjob.yaml" ? read.GetProperty("spec").GetProperty("jobTemplate").GetProperty("spec") : read.GetProperty("spec");
        var pod = job.GetProperty("template").GetProperty("spec");
        var container = Assert.Single(pod.GetProperty("containers").EnumerateArray());

        Assert.DoesNotContain(Lost(read, typed, "").Except(["/metadata/labels"]), p => !p.EndsWith("/env/4", StringComparison.Ordinal));
        Assert.True(pod.GetProperty("securityContext").GetProperty("runAsNonRoot").GetBoolean());
        Assert.Equal("RuntimeDefault", pod.GetProperty("securityContext").GetProperty("seccompProfile").GetProperty("type").GetString());
        Assert.False(pod.GetProperty("automountServiceAccountToken").GetBoolean());
        Assert.True(container.GetProperty("securityContext").GetProperty("readOnlyRootFilesystem").GetBoolean());
        Assert.Equal("""{"drop":["ALL"]}""", JsonSerializer.Serialize(container.GetProperty("securityContext").GetProperty("capabilities")));
        Assert.DoesNotContain(pod.GetProperty("volumes").EnumerateArray(), v => v.TryGetProperty("hostPath", out _));
    }

    // A part that meets a broken release must not end the others' work.
    [Fact]
    public async Task The_parts_of_the_indexed_job_fail_alone()
    {
        var spec = (await KubectlAsync("set", "indexed-job.yaml")).GetProperty("spec");

        Assert.Equal("Indexed", spec.GetProperty("completionMode").GetString());
        Assert.Equal(2, spec.GetProperty("backoffLimitPerIndex").GetInt32());
        Assert.False(spec.TryGetProperty("backoffLimit", out _)); // Of all parts together: unlimited by default.
        Assert.Equal(
            "FailIndex Ignore", string.Join(' ', spec.GetProperty("podFailurePolicy").GetProperty("rules").EnumerateArray().Select(r => r.GetProperty("action").GetString())));
    }

    // Each job may do what it does, and nothing else.
    [Theory]
    [InlineData("ci.yml", "check: contents=read")]
    [InlineData("release.yml", "publish: contents=read packages=write id-token=write; announce: contents=write packages=read")]
    [InlineData("tool.yml", "image: contents=read packages=write id-token=write")]
    public async Task Each_job_may_do_this_and_nothing_else(string file, string expected)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Machine.Repository, ".github/workflows", file), Ct);
        var jobs = Regex.Matches(text[text.IndexOf("\njobs:\n", StringComparison.Ordinal)..], "(?m)^  ([a-z]+):\n((?:    .*\n|\n)+)");

        Assert.Equal(expected, string.Join("; ", jobs.Select(j =>
        {
            var permissions = Regex.Match(j.Groups[2].Value, "(?m)^    permissions:\n((?:      .*\n)+)").Groups[1].Value;
            return $"{j.Groups[1].Value}: {string.Join(' ', Regex.Matches(permissions, "([a-z-]+): ([a-z]+)").Select(p => $"{p.Groups[1].Value}={p.Groups[2].Value}"))}";
        })));
    }

    // vX.Y.Z are Kubernetes' tags: neither a version of the tool, nor a reason to publish it.
    [Fact]
    public async Task The_tools_own_versions_have_tags_of_their_own()
    {
        var targets = await File.ReadAllTextAsync(Path.Combine(Machine.Repository, "Directory.Build.targets"), Ct);
        var tool = await File.ReadAllTextAsync(Path.Combine(Machine.Repository, ".github/workflows/tool.yml"), Ct);

        Assert.Contains("<MinVerTagPrefix>tool/v</MinVerTagPrefix>", targets, StringComparison.Ordinal);
        Assert.Contains("tags: [\"tool/v*\"]", tool, StringComparison.Ordinal);
    }

    // The words of the job are words of the command.
    [Theory]
    [InlineData("cronjob.yaml")]
    [InlineData("indexed-job.yaml")]
    public async Task Its_words_can_be_said(string file)
    {
        var text = await File.ReadAllTextAsync(PathOf(file), Ct);
        var words = Regex.Matches(text, "(?m)^ +- (release|--.*|\\$\\(REPOSITORY\\))$").Select(m => m.Groups[1].Value)
            .Select(w => w.Replace("$(REPOSITORY)", "registry.example.com/hyperkube", StringComparison.Ordinal)
                .Replace("$(JOB_COMPLETION_INDEX)", "0", StringComparison.Ordinal)).ToList();

        var ended = await Exe.Here.RunAsync([.. words, "--no-such-flag"]);

        Assert.True(words.Count >= 5);
        Assert.Equal(2, ended.Code);
        Assert.Contains("hyperkube: Unrecognized command or argument '--no-such-flag'\n", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_kustomization_makes_it_whole()
    {
        var ended = (await Run.ProgramAsync(Machine.Sid("kubectl"), ["kustomize", Path.Combine(Machine.Repository, Directory)])).Well();

        Assert.Equal(
            "Namespace ConfigMap CronJob", string.Join(' ', Regex.Matches(ended.Out, "(?m)^kind: (\\S+)$").Select(m => m.Groups[1].Value)));
        Assert.Contains("repository: registry.example.com/hyperkube", ended.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("name: hyperkube-release-", ended.Out, StringComparison.Ordinal);
    }

    // Nobody else's code runs in them, no job may do what it need not, and no script takes text of others for its own.
    [Theory]
    [InlineData("ci.yml")]
    [InlineData("release.yml")]
    [InlineData("tool.yml")]
    public async Task A_workflow_trusts_nobody_and_may_do_little(string file)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Machine.Repository, ".github/workflows", file), Ct);

        Assert.DoesNotMatch("(?m)^ *-? *uses:", text);
        Assert.Contains("\npermissions: {}\n", text, StringComparison.Ordinal);
        Assert.Equal(Regex.Count(text, "(?m)^    runs-on: "), Regex.Count(text, "(?m)^    permissions:$"));
        Assert.Equal(Regex.Count(text, "(?m)^    runs-on: "), Regex.Count(text, "(?m)^    timeout-minutes: "));
        Assert.DoesNotContain("pull_request_target", text, StringComparison.Ordinal);
        foreach (var script in Scripts(text))
        {
            Assert.DoesNotContain("${{", script, StringComparison.Ordinal);
            (await Run.ProgramAsync("bash", ["-n", "-c", script])).Well();
        }
    }

    [Theory]
    [InlineData("release.yml", 2)]
    [InlineData("tool.yml", 2)]
    public async Task The_words_of_the_workflow_can_be_said(string file, int count)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Machine.Repository, ".github/workflows", file), Ct);
        var lines = Regex.Matches(text, "artifacts/publish/(?:linux-x64/)?hyperkube ((?:release|copy|sign) .*)").Select(m => m.Groups[1].Value).ToList();

        Assert.Equal(count, lines.Count);
        foreach (var line in lines)
        {
            var words = line.Replace("$REPOSITORY", "registry.example.com/hyperkube", StringComparison.Ordinal)
                .Replace("$GITHUB_REPOSITORY", "acme/hyperkube", StringComparison.Ordinal).Replace("$version", "v1.2.0", StringComparison.Ordinal)
                .Replace("$PART", "1", StringComparison.Ordinal).Replace("\"", "", StringComparison.Ordinal);
            var ended = await Exe.Here.RunAsync([.. words.Split(' '), "--no-such-flag"]);
            Assert.Equal(2, ended.Code);
            Assert.Contains("hyperkube: Unrecognized command or argument '--no-such-flag'", ended.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Actionlint_finds_no_fault_in_the_workflows_and_finds_those_that_are_made()
    {
        var workflows = System.IO.Directory.GetFiles(Path.Combine(Machine.Repository, ".github/workflows"));
        (string What, string Instead)[] faults =
        [
            ("needs: publish", "needs: nobody"), ("${{ matrix.part }}", "${{ matrix.part"), ("github.token", "github.tokens"),
            ("packages: write", "packages: all"), ("ubuntu-24.04", "ubuntu-42.04"), ("cron: \"23 ", "cron: \"63 "),
        ];
        using TempDirectory work = new();
        var release = await File.ReadAllTextAsync(workflows.Single(w => w.EndsWith("/release.yml", StringComparison.Ordinal)), Ct);

        var whole = await ActionlintAsync(workflows);

        Assert.True(whole.Code == 0, $"{whole.Out}{whole.Error}");
        foreach (var (what, instead) in faults)
        {
            Assert.Contains(what, release, StringComparison.Ordinal);
            await File.WriteAllTextAsync(work["release.yml"], release.Replace(what, instead, StringComparison.Ordinal), Ct);
            var broken = await ActionlintAsync(work["release.yml"]);
            Assert.True(broken.Code == 1 && broken.Out.StartsWith($"{work["release.yml"]}:", StringComparison.Ordinal), $"{instead}: {broken.Out}{broken.Error}");
        }
    }

    // What deploy/ runs is what tool.yml publishes and make tool-image builds.
    [Fact]
    public async Task Every_manifest_runs_the_image_that_is_published()
    {
        var makefile = await File.ReadAllTextAsync(Path.Combine(Machine.Repository, "Makefile"), Ct);
        Assert.Contains("--output oci:dist/hyperkube-tool", makefile, StringComparison.Ordinal);
        Assert.Contains(
            "copy \"oci:dist/hyperkube-tool:$version\"", await File.ReadAllTextAsync(Path.Combine(Machine.Repository, ".github/workflows/tool.yml"), Ct), StringComparison.Ordinal);
        foreach (var file in System.IO.Directory.GetFiles(Path.Combine(Machine.Repository, "deploy/kubernetes"), "*.yaml", SearchOption.AllDirectories))
        {
            var images = Regex.Matches(await File.ReadAllTextAsync(file, Ct), "(?m)^ +image: (.*)$").Select(m => m.Groups[1].Value);
            Assert.All(images, i => Assert.True(i is "REGISTRY/hyperkube-tool:VERSION" || i.StartsWith("registry.k8s.io/pause:", StringComparison.Ordinal), $"{file}: {i}"));
        }
    }

    // What stands below "run: |", without its margin, and what stands behind "run: ".
    private static IEnumerable<string> Scripts(string text) =>
        Regex.Matches(text, "(?m)^( *)(?:- )?run: \\|\\n((?:\\1  +.*\\n|\\n)+)").Select(m => m.Groups[2].Value)
            .Concat(Regex.Matches(text, "(?m)run: ([^|\\s].*)$").Select(m => m.Groups[1].Value));

    private static Task<Ended> ActionlintAsync(params string[] files)
    {
        Machine.Needs("node");
        return Run.ProgramAsync(
            "node",
            [Path.Combine(Machine.Repository, "test/Hyperkube.E2E/judges/actionlint.mjs"), .. files],
            new Dictionary<string, string> { ["HYPERKUBE_JUDGES"] = Machine.Judges() });
    }

    private static async Task<JsonElement> KubectlAsync(string how, string file)
    {
        string[] words = how == "label" ? ["label", "x=y"] : ["set", "env", "x=y"];
        var ended = (await Run.ProgramAsync(
            Machine.Sid("kubectl"),
            [.. words[..^1], "--local", "--dry-run=client", "-f", PathOf(file), words[^1], "-o", "json"])).Well();
        using var json = JsonDocument.Parse(ended.Out);
        return json.RootElement.Clone();
    }

    private static string PathOf(string file) => Path.Combine(Machine.Repository, Directory, file);

    private static IEnumerable<string> Lost(JsonElement all, JsonElement kept, string path) => (all.ValueKind, kept.ValueKind) switch
    {
        (JsonValueKind.Object, JsonValueKind.Object) => all.EnumerateObject().SelectMany(
            p => kept.TryGetProperty(p.Name, out var other) ? Lost(p.Value, other, $"{path}/{p.Name}") : [$"{path}/{p.Name}"]),
        (JsonValueKind.Array, JsonValueKind.Array) => all.EnumerateArray().Zip(kept.EnumerateArray()).SelectMany((p, i) => Lost(p.First, p.Second, $"{path}/{i}")),
        _ => JsonElement.DeepEquals(all, kept) ? [] : [path],
    };
}
