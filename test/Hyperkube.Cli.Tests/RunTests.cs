using System.Text.Json;
using System.Text.RegularExpressions;
using Hyperkube.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Hyperkube.Cli.Tests;

/// <summary>What all commands have in common: refusals, exit codes, formats, verbosity, deadlines.</summary>
public sealed class RunTests : IDisposable
{
    private readonly Shell _shell = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _shell.Dispose();

    [Theory]
    [InlineData("build", "v1.36.4", "--no-such-flag")]
    [InlineData("build", "latest")]
    [InlineData("build", "v1.36.4", "v1.36.5")]
    [InlineData("build", "v1.36.4", "--platform", "amd64")]
    [InlineData("build", "v1.36.4", "--platform", "linux/amd64,")]
    [InlineData("build", "v1.36.4", "--binary", "../x")]
    [InlineData("build", "v1.36.4", "--compression", "gzip:10")]
    [InlineData("build", "v1.36.4", "--compression", "xz")]
    [InlineData("build", "v1.36.4", "--jobs", "0")]
    [InlineData("build", "v1.36.4", "--jobs", "many")]
    [InlineData("build", "v1.36.4", "--verify", "nothing")]
    [InlineData("build", "v1.36.4", "--tag", "UPPER")]
    [InlineData("build", "v1.36.4", "-o", "oci:")]
    [InlineData("build", "v1.36.4", "--timeout", "soon")]
    [InlineData("build", "v1.36.4", "--timeout", "2147483647h")]
    [InlineData("build", "v1.36.4", "--format", "xml")]
    [InlineData("build", "v1.36.4", "--format", "1")]
    [InlineData("build", "v1.36.4", "--verbosity", "7")]
    [InlineData("build", "v1.36.4", "--color", "red")]
    [InlineData("fetch", "v1.36.4")]
    [InlineData("fetch", "--to", "dir")]
    [InlineData("inspect")]
    [InlineData("inspect", "registry.example/hyperkube")]
    public async Task A_command_line_that_cannot_be_is_refused_with_2_and_a_hint(params string[] words)
    {
        var ended = (await _shell.RunAsync(words)).With(2);

        Assert.Equal("", ended.Out);
        Assert.NotEmpty(ended.Message);
        Assert.Equal($"  try: hyperkube {words[0]} --help", ended.Hint);
    }

    [Theory]
    [InlineData]
    [InlineData("bilding")]
    [InlineData("--no-such-flag")]
    public async Task A_line_without_a_command_is_refused_with_2_and_a_hint(params string[] words)
    {
        var ended = (await _shell.RunAsync(words)).With(2);

        Assert.Equal("  try: hyperkube --help", ended.Hint);
    }

    // As a script writes it when its own variable is empty: --source "$MIRROR"
    [Theory]
    [InlineData("--source")]
    [InlineData("--cache")]
    [InlineData("--ca")]
    [InlineData("--digest-file")]
    [InlineData("--tag")]
    [InlineData("--output")]
    [InlineData("--platform")]
    [InlineData("--binary")]
    public async Task An_empty_value_is_refused_and_no_bug(string flag)
    {
        await using var site = ReleaseSite.Start(_shell.Tree);
        List<string> words = ["build", Shell.Version, "-o", $"oci:{_shell["layout"]}", flag, ""];
        if (flag != "--source")
        {
            words.AddRange(["--source", site.Url.ToString()]);
        }

        (await _shell.RunAsync(words)).With(2);
    }

    [Fact]
    public async Task An_empty_destination_is_refused_and_not_the_current_directory() =>
        (await _shell.RunProcessAsync("fetch", Shell.Version, "--source", _shell.Tree, "--to", "")).With(2);

    [Theory]
    [InlineData("--help")]
    [InlineData("build --help")]
    [InlineData("fetch --help --format json")]
    [InlineData("inspect -h")]
    [InlineData("--version")]
    public async Task Help_and_version_are_no_failure(string words)
    {
        var ended = (await _shell.RunAsync(words.Split(' '))).With(0);

        Assert.NotEmpty(ended.Out);
        Assert.Equal("", ended.Error);
    }

    [Fact]
    public async Task A_success_is_one_JSON_document()
    {
        var ended = (await _shell.BuildAsync("--format", "json", "-o", $"oci:{_shell["layout"]}")).With(0);

        Assert.Equal(JsonValueKind.Object, ended.Json.ValueKind);
        Assert.False(ended.Json.TryGetProperty("error", out _));
        Assert.EndsWith("}\n", ended.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "usage", "build", "v1.36.4", "--no-such-flag")]
    [InlineData(2, "usage", "build", "v1.36.4", "--source", "/no/such/directory")]
    [InlineData(2, "usage", "build", "v1.36.4", "-o", "registry.example/hyperkube")]
    [InlineData(3, "not-found", "inspect", "oci:/no/such/directory")]
    public async Task A_failure_is_one_JSON_document_too(int code, string kind, params string[] words)
    {
        var ended = (await _shell.RunAsync([.. words, "--format", "json"])).With(code);

        var error = Assert.Single(ended.Json.EnumerateObject()).Value;
        Assert.Equal(code, error.GetProperty("code").GetInt32());
        Assert.Equal(kind, error.GetProperty("kind").GetString());
        Assert.Equal(ended.Message["hyperkube: ".Length..], error.GetProperty("message").GetString());
        Assert.Equal(ended.Hint, error.TryGetProperty("hint", out var hint) ? $"  try: {hint}" : "");
    }

    [Fact]
    public async Task Flags_of_all_commands_may_stand_in_front_of_the_command()
    {
        string[] global = ["--format", "json", "--verbosity", "quiet", "--timeout", "5m", "--color", "never"];

        var ended = (await _shell.RunAsync([.. global, "build", Shell.Version, "--source", _shell.Tree, "-o", $"oci:{_shell["layout"]}"])).With(0);

        Assert.Equal("v1.36.4", ended.Json.GetProperty("version").GetString());
        Assert.Equal("", ended.Error);
    }

    [Fact]
    public async Task Progress_is_one_plain_line_per_finished_step()
    {
        var ended = (await _shell.BuildAsync("-o", $"oci:{_shell["layout"]}")).With(0);

        var lines = ended.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(8, lines.Length); // Two binaries of two platforms, each fetched and packed.
        Assert.Single(lines, l => Regex.IsMatch(
            l, @"^fetch kubelet linux/amd64: checked, sha256:[0-9a-f]{12}… \(\d+\.\d s\)$", RegexOptions.None, TimeSpan.FromSeconds(5)));
        Assert.DoesNotContain('\u001b', ended.Error);
    }

    [Theory]
    [InlineData("-q")]
    [InlineData("--verbosity=quiet")]
    public async Task Quiet_leaves_the_result_and_errors(string flag)
    {
        var built = (await _shell.BuildAsync("-o", $"oci:{_shell["layout"]}", flag)).With(0);
        var failed = (await _shell.RunAsync("inspect", "oci:/no/such/directory", flag)).With(3);

        Assert.Equal("", built.Error);
        Assert.NotEmpty(built.Out);
        Assert.NotEmpty(failed.Message);
    }

    [Theory]
    [InlineData("-v")]
    [InlineData("--verbosity=debug")]
    public async Task Debug_adds_what_led_to_an_error(string flag)
    {
        var normal = (await _shell.RunAsync("inspect", "oci:/no/such/directory")).With(3);
        var debug = (await _shell.RunAsync("inspect", "oci:/no/such/directory", flag)).With(3);

        Assert.DoesNotContain("   at ", normal.Error, StringComparison.Ordinal);
        Assert.Contains("   at ", debug.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_deadline_ends_the_whole_command_with_6()
    {
        await using var site = ReleaseSite.Start(_shell.Tree);
        site.Intercept = _ => new SiteAnswer { Silent = true };
        FakeTimeProvider time = new();
        _shell.Time = time;

        var running = _shell.RunAsync("build", Shell.Version, "--source", site.Url.ToString(), "--timeout", "5s", "--format", "json");
        while (site.Requests.Count == 0)
        {
            await Task.Delay(1, Ct);
        }

        time.Advance(TimeSpan.FromSeconds(5));
        var ended = (await running).With(6);

        Assert.Equal("timed-out", ended.Json.GetProperty("error").GetProperty("kind").GetString());
        Assert.Contains("--timeout 5s", ended.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_site_that_cannot_be_reached_is_6_and_names_the_ways_out()
    {
        string url;
        await using (var gone = ReleaseSite.Start(_shell.Tree))
        {
            url = gone.Url.ToString();
        }

        var ended = (await _shell.RunAsync("build", Shell.Version, "--source", url)).With(6);

        Assert.Contains(url, ended.Message, StringComparison.Ordinal);
        Assert.Contains("--source", ended.Hint, StringComparison.Ordinal);
        Assert.Contains("make demo", ended.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(404, 3, "not-found")]
    [InlineData(403, 5, "access-denied")]
    [InlineData(503, 6, "unavailable")]
    public async Task What_the_site_says_decides_the_exit_code(int status, int code, string kind)
    {
        await using var site = ReleaseSite.Start(_shell.Tree);
        site.Intercept = _ => SiteAnswer.Text("", status);

        var ended = (await _shell.RunAsync("build", Shell.Version, "--source", site.Url.ToString(), "--format", "json")).With(code);

        Assert.Equal(kind, ended.Json.GetProperty("error").GetProperty("kind").GetString());
    }

    [Fact]
    public async Task A_disk_that_refuses_is_7()
    {
        await File.WriteAllTextAsync(_shell["file"], "", Ct);

        (await _shell.BuildAsync("-o", $"oci:{_shell["file"]}/layout")).With(7);
    }
}
