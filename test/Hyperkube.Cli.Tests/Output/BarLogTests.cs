using System.Text.RegularExpressions;
using Hyperkube.Testing;

namespace Hyperkube.Cli.Tests.Output;

/// <summary>Bars on what says that it is a terminal.</summary>
public sealed class BarLogTests : IDisposable
{
    private const char Escape = '\u001b';

    private readonly Shell _shell = new() { IsTerminal = true };

    public BarLogTests() => _shell.Variables["TERM"] = "xterm";

    private string Layout => $"oci:{_shell["layout"]}";

    public void Dispose() => _shell.Dispose();

    [Fact]
    public async Task Every_finished_step_stays_on_the_screen_and_the_result_is_as_without_bars()
    {
        var ended = (await _shell.BuildAsync("-o", Layout)).With(0);

        Assert.Contains(Escape, ended.Error);
        foreach (var step in (string[])["fetch kubelet linux/amd64", "pack kubectl linux/arm64"])
        {
            Assert.Contains($"✓ {step}: ", Plain(ended.Error), StringComparison.Ordinal);
        }

        _shell.IsTerminal = false;
        Assert.Equal((await _shell.BuildAsync("-o", Layout)).With(0).Out, ended.Out);
    }

    [Theory]
    [InlineData("TERM", "dumb")]
    [InlineData("TERM", "")]
    [InlineData("CI", "true")]
    public async Task Where_nobody_watches_there_are_plain_lines(string variable, string value)
    {
        _shell.Variables[variable] = value;

        Assert.DoesNotContain(Escape, (await _shell.BuildAsync("-o", Layout)).With(0).Error);
    }

    [Fact]
    public async Task JSON_on_standard_output_is_not_touched_by_bars()
    {
        var ended = (await _shell.BuildAsync("-o", Layout, "--format", "json")).With(0);

        Assert.Equal("v1.36.4", ended.Json.GetProperty("version").GetString());
    }

    [Theory]
    [InlineData("NO_COLOR", "1", false)]
    [InlineData("HYPERKUBE_COLOR", "never", false)]
    [InlineData("HYPERKUBE_COLOR", "always", true)]
    public async Task Colours_can_be_had_and_forgone(string variable, string value, bool coloured)
    {
        _shell.Variables[variable] = value;

        var ended = (await _shell.BuildAsync("-o", Layout)).With(0);

        Assert.Equal(coloured, HasColour(ended.Error));
    }

    [Fact]
    public async Task A_failure_is_told_after_the_bars_are_gone()
    {
        await using var site = ReleaseSite.Start(_shell.Tree);
        site.Intercept = request => request.Path.EndsWith("/kubectl", StringComparison.Ordinal) ? SiteAnswer.Text("no", 403) : null;

        var ended = (await _shell.RunAsync("build", Shell.Version, "--source", site.Url.ToString(), "-o", Layout)).With(5);

        var lines = Plain(ended.Error).Split('\r')[^1].TrimEnd('\n').Split('\n');
        Assert.StartsWith("hyperkube: GET ", lines[^2], StringComparison.Ordinal);
        Assert.StartsWith("  try: ", lines[^1], StringComparison.Ordinal);
    }

    // Names and addresses hold brackets, which mean something to whoever draws the bars.
    [Fact]
    public async Task A_warning_with_brackets_is_shown_as_it_is()
    {
        await using var site = ReleaseSite.Start(_shell.Tree);

        var ended = await _shell.RunAsync(
            "build", Shell.Version, "--source", "http://[::1]:1/release", "--source", site.Url.ToString(), "-o", Layout);

        var said = Plain(ended.With(0).Error).Replace("\n", "", StringComparison.Ordinal);
        Assert.Contains("http://[::1]:1/release", said, StringComparison.Ordinal);
    }

    // A foreground or a background; bold and dim are no colours.
    private static bool HasColour(string text) => Regex.IsMatch(
        text, "\u001b\\[([0-9;]*;)?(3[0-8]|4[0-8]|9[0-7]|10[0-7])(;[0-9;]*)?m", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));

    private static string Plain(string text) =>
        Regex.Replace(text, "\u001b\\[[0-9;?]*[A-Za-z]", "", RegexOptions.None, TimeSpan.FromSeconds(5));
}
