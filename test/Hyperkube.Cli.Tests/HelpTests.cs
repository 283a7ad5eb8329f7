using Hyperkube.Testing;

namespace Hyperkube.Cli.Tests;

/// <summary>Help is what most people read first, and a promise: the texts are kept in files.</summary>
public sealed class HelpTests : IDisposable
{
    private readonly Shell _shell = new();

    public void Dispose() => _shell.Dispose();

    // As a process, because a terminal's width and the program's name would show.
    [Theory]
    [InlineData("hyperkube")]
    [InlineData("build")]
    [InlineData("fetch")]
    [InlineData("versions")]
    [InlineData("release")]
    [InlineData("copy")]
    [InlineData("explain")]
    [InlineData("inspect")]
    [InlineData("verify")]
    [InlineData("install")]
    [InlineData("status")]
    [InlineData("rollback")]
    [InlineData("sign")]
    [InlineData("trust")]
    [InlineData("trust update")]
    public async Task The_help_is_the_one_in_the_file(string command)
    {
        var help = (await HelpAsync(command)).Out;

        Assert.Equal(Golden.TextFor($"test/Hyperkube.Cli.Tests/Golden/{command.Replace(' ', '-')}.txt", help), help);
    }

    [Theory]
    [InlineData("build")]
    [InlineData("fetch")]
    [InlineData("versions")]
    [InlineData("release")]
    [InlineData("copy")]
    [InlineData("explain")]
    [InlineData("inspect")]
    [InlineData("verify")]
    [InlineData("install")]
    [InlineData("status")]
    [InlineData("rollback")]
    [InlineData("sign")]
    [InlineData("trust")]
    [InlineData("trust update")]
    public async Task Every_command_has_an_example(string command) =>
        Assert.Contains($"\n    hyperkube {command} ", (await HelpAsync(command)).Out, StringComparison.Ordinal);

    [Fact]
    public async Task The_overview_names_every_command_variables_and_exit_codes()
    {
        var help = (await HelpAsync("hyperkube")).Out;

        Assert.All(
            ["  build", "  fetch", "  versions", "  release", "  copy", "  inspect", "  verify", "  explain", "  install", "  status", "  rollback", "  sign", "  trust", "HYPERKUBE_<FLAG>", "Exit codes: 0"],
            word => Assert.Contains(word, help, StringComparison.Ordinal));
    }

    // What does not fit on a screen is not read.
    [Fact]
    public async Task The_overview_has_a_line_for_each_command_and_no_example()
    {
        var lines = (await HelpAsync("hyperkube")).Out.Split('\n');

        Assert.DoesNotContain(lines, l => l.Contains("Example", StringComparison.Ordinal));
        Assert.InRange(lines.Length, 20, 40);
        Assert.All(lines, l => Assert.InRange(l.Length, 0, 140));
    }

    [Theory]
    [InlineData("instal", "there is no command 'instal'", "install, or hyperkube --help")]
    [InlineData("rolback", "there is no command 'rolback'", "rollback, or hyperkube --help")]
    [InlineData("deploy", "there is no command 'deploy'", "hyperkube --help")]
    [InlineData("trust updaet", "there is no command 'updaet'", "update, or hyperkube trust --help")]
    [InlineData("install x.example/y:z --plain-htpp", "Unrecognized command or argument '--plain-htpp'", "--plain-http, or hyperkube install --help")]
    [InlineData("status --fromat json", "Unrecognized command or argument '--fromat'; Unrecognized command or argument 'json'", "--format, or hyperkube status --help")]
    [InlineData("status --zzz", "Unrecognized command or argument '--zzz'", "hyperkube status --help")]
    public async Task What_is_misspelt_is_said_with_what_was_meant(string words, string message, string hint)
    {
        var ended = await _shell.RunAsync(words.Split(' '));

        Assert.Equal($"hyperkube: {message}\n  try: {hint}\n", ended.With(2).Error);
    }

    // A person without an example gives up; one with an example that fails, too.
    [Fact]
    public async Task The_examples_can_be_typed()
    {
        foreach (var command in (string[])["build", "fetch", "versions", "release", "copy", "explain", "inspect", "verify", "install", "status", "rollback", "sign", "trust", "trust update"])
        {
            var examples = (await HelpAsync(command)).Out.Split('\n')
                .Where(l => l.StartsWith($"    hyperkube {command} ", StringComparison.Ordinal)).Select(l => l.Trim()).ToList();
            Assert.NotEmpty(examples);
            foreach (var example in examples)
            {
                // Nothing but the word that keeps it from being done is wrong with it.
                var ended = await _shell.RunAsync([.. example.Split(' ').Skip(1), "--no-such-flag"]);
                Assert.Equal("hyperkube: Unrecognized command or argument '--no-such-flag'", ended.With(2).Message);
            }
        }
    }

    private async Task<Ended> HelpAsync(string command) =>
        (await _shell.RunProcessAsync(command == "hyperkube" ? ["--help"] : [.. command.Split(' '), "--help"])).With(0);
}
