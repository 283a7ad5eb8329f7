using System.Text.Json;

namespace Hyperkube.Cli.Tests;

public sealed class EnvironmentFlagsTests : IDisposable
{
    private readonly Shell _shell = new();

    public void Dispose() => _shell.Dispose();

    [Theory]
    [InlineData("HYPERKUBE_BUILD_SOURCE")]
    [InlineData("HYPERKUBE_SOURCE")]
    public async Task A_variable_stands_for_a_flag(string variable)
    {
        _shell.Variables[variable] = _shell.Tree;

        (await _shell.RunAsync("build", Shell.Version, "-o", Layout)).With(0);
    }

    [Fact]
    public async Task The_variable_of_the_command_wins_over_the_general_one()
    {
        _shell.Variables["HYPERKUBE_BUILD_SOURCE"] = _shell.Tree;
        _shell.Variables["HYPERKUBE_SOURCE"] = "/no/such/directory";

        (await _shell.RunAsync("build", Shell.Version, "-o", Layout)).With(0);
    }

    [Fact]
    public async Task The_flag_wins_over_both()
    {
        _shell.Variables["HYPERKUBE_BUILD_SOURCE"] = "/no/such/directory";
        _shell.Variables["HYPERKUBE_SOURCE"] = "/no/such/directory";

        (await _shell.BuildAsync("-o", Layout)).With(0);
    }

    [Fact]
    public async Task The_short_flag_wins_too()
    {
        _shell.Variables["HYPERKUBE_OUTPUT"] = $"oci:{_shell["other"]}";

        (await _shell.BuildAsync("-o", Layout)).With(0);

        Assert.False(Directory.Exists(_shell["other"]));
    }

    [Fact]
    public async Task The_variable_of_another_command_does_not_count()
    {
        _shell.Variables["HYPERKUBE_FETCH_SOURCE"] = "/no/such/directory";
        _shell.Variables["HYPERKUBE_SOURCE"] = _shell.Tree;

        (await _shell.RunAsync("build", Shell.Version, "-o", Layout)).With(0);
    }

    [Fact]
    public async Task An_empty_variable_is_as_good_as_none()
    {
        _shell.Variables["HYPERKUBE_PLATFORM"] = "";
        _shell.Variables["HYPERKUBE_BUILD_JOBS"] = "";

        (await _shell.BuildAsync("-o", Layout)).With(0);
    }

    [Theory]
    [InlineData("linux/arm64 linux/amd64")]
    [InlineData("  linux/arm64\n\tlinux/amd64 ")]
    [InlineData("linux/arm64,linux/amd64")]
    public async Task A_flag_that_repeats_takes_its_values_with_white_space_between(string value)
    {
        var expected = await _shell.DigestAsync("-o", Layout);
        _shell.Variables["HYPERKUBE_PLATFORM"] = value;

        Assert.Equal(expected, await _shell.DigestAsync("-o", Layout));
    }

    [Fact]
    public async Task Several_outputs_fit_into_one_variable()
    {
        _shell.Variables["HYPERKUBE_OUTPUT"] = $"{Layout} oci-archive:{_shell["image.tar"]}";

        (await _shell.BuildAsync()).With(0);

        Assert.True(File.Exists(_shell["layout/index.json"]) && File.Exists(_shell["image.tar"]));
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("false", false)]
    public async Task A_switch_is_true_or_false(string value, bool moves)
    {
        (await _shell.BuildAsync("-o", $"{Layout}:x")).With(0);
        _shell.Variables["HYPERKUBE_MOVE_TAG"] = value;

        (await _shell.BuildAsync("-o", $"{Layout}:x", "--platform", "linux/amd64")).With(moves ? 0 : 4);
    }

    [Theory]
    [InlineData("HYPERKUBE_MOVE_TAG", "perhaps")]
    [InlineData("HYPERKUBE_JOBS", "many")]
    [InlineData("HYPERKUBE_BUILD_PLATFORM", "amd64")]
    [InlineData("HYPERKUBE_FORMAT", "xml")]
    public async Task A_variable_that_makes_no_sense_is_a_bad_call(string variable, string value)
    {
        _shell.Variables[variable] = value;

        (await _shell.BuildAsync("-o", Layout)).With(2);
    }

    [Theory]
    [InlineData("build", "latest")]
    [InlineData("build", "v1.36.4", "--no-such-flag")]
    [InlineData("bild")]
    public async Task The_format_counts_for_refusals_too(params string[] words)
    {
        _shell.Variables["HYPERKUBE_FORMAT"] = "json";

        var ended = (await _shell.RunAsync(words)).With(2);

        Assert.Equal(JsonValueKind.Object, ended.Json.GetProperty("error").ValueKind);
    }

    [Fact]
    public async Task Required_flags_can_be_set_so()
    {
        _shell.Variables["HYPERKUBE_FETCH_TO"] = _shell["to"];
        _shell.Variables["HYPERKUBE_SOURCE"] = _shell.Tree;

        (await _shell.RunAsync("fetch", Shell.Version)).With(0);
    }

    [Fact]
    public async Task Global_flags_can_be_set_so_for_one_command()
    {
        _shell.Variables["HYPERKUBE_BUILD_VERBOSITY"] = "quiet";

        Assert.Equal("", (await _shell.BuildAsync("-o", Layout)).With(0).Error);
    }

    [Fact]
    public async Task A_variable_also_counts_on_a_line_where_flags_have_ended()
    {
        _shell.Variables["HYPERKUBE_SOURCE"] = _shell.Tree;

        (await _shell.RunAsync("build", "-o", Layout, "--", Shell.Version)).With(0);
    }

    // A name of ours that begins so is no flag.
    [Fact]
    public async Task Help_cannot_be_set_so()
    {
        _shell.Variables["HYPERKUBE_HELP"] = "true";
        _shell.Variables["HYPERKUBE_VERSION"] = "true";

        (await _shell.BuildAsync("-o", Layout)).With(0);

        Assert.True(File.Exists(_shell["layout/index.json"]));
    }

    private string Layout => $"oci:{_shell["layout"]}";
}
