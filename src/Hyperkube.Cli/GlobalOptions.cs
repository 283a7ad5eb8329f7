using System.CommandLine;

namespace Hyperkube.Cli;

/// <summary>How results are written.</summary>
internal enum OutputFormat
{
    /// <summary>For a person.</summary>
    Text,

    /// <summary>One JSON document.</summary>
    Json,
}

/// <summary>How much is said beside the result.</summary>
internal enum Verbosity
{
    /// <summary>Progress, warnings, errors.</summary>
    Normal,

    /// <summary>Errors.</summary>
    Quiet,

    /// <summary>What led to an error too.</summary>
    Debug,
}

/// <summary>When colours are used.</summary>
internal enum ColorMode
{
    /// <summary>On a terminal that has them.</summary>
    Auto,

    /// <summary>Always.</summary>
    Always,

    /// <summary>Never.</summary>
    Never,
}

/// <summary>The flags that every command has.</summary>
internal sealed class GlobalOptions
{
    internal Option<OutputFormat> Format { get; } = new("--format")
    {
        Description = "How the result is written to standard output; text unless told",
        HelpName = "text|json",
        CustomParser = Parsers.Word(("text", OutputFormat.Text), ("json", OutputFormat.Json)),
        Recursive = true,
    };

    internal Option<Verbosity> Verbosity { get; } = new("--verbosity")
    {
        Description = "How much is said on standard error; normal unless told",
        HelpName = "quiet|normal|debug",
        CustomParser = Parsers.Word(("normal", Cli.Verbosity.Normal), ("quiet", Cli.Verbosity.Quiet), ("debug", Cli.Verbosity.Debug)),
        Recursive = true,
    };

    internal Option<bool> Quiet { get; } = new("-q") { Description = "The same as --verbosity quiet", Recursive = true };

    internal Option<bool> Verbose { get; } = new("-v") { Description = "The same as --verbosity debug", Recursive = true };

    internal Option<ColorMode> Color { get; } = new("--color")
    {
        Description = "When colours are used; auto unless told",
        HelpName = "auto|always|never",
        CustomParser = Parsers.Word(("auto", ColorMode.Auto), ("always", ColorMode.Always), ("never", ColorMode.Never)),
        Recursive = true,
    };

    internal Option<TimeSpan?> Timeout { get; } = new("--timeout")
    {
        Description = "End the whole command with exit code 6 after this long: 30s, 5m, 1h30m",
        HelpName = "DURATION",
        CustomParser = Parsers.Duration,
        Recursive = true,
    };

    internal IEnumerable<Option> All => [Format, Verbosity, Quiet, Verbose, Color, Timeout];

    /// <summary>The format, also when the rest of the line cannot be read.</summary>
    internal OutputFormat FormatOf(ParseResult line) =>
        line.GetResult(Format) is { } result && !result.Errors.Any() ? line.GetValue(Format) : OutputFormat.Text;

    internal Verbosity VerbosityOf(ParseResult line) =>
        line.GetValue(Quiet) ? Cli.Verbosity.Quiet
        : line.GetValue(Verbose) ? Cli.Verbosity.Debug
        : line.GetValue(Verbosity);
}
