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
    /// <summary>Errors.</summary>
    Quiet,

    /// <summary>Progress and warnings too.</summary>
    Normal,

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
        Description = "How the result is written to standard output: text or json",
        HelpName = "text|json",
        Recursive = true,
    };

    internal Option<Verbosity> Verbosity { get; } = new("--verbosity")
    {
        Description = "How much is said on standard error: quiet, normal or debug",
        HelpName = "quiet|normal|debug",
        DefaultValueFactory = _ => Cli.Verbosity.Normal,
        Recursive = true,
    };

    internal Option<bool> Quiet { get; } = new("-q") { Description = "The same as --verbosity quiet", Recursive = true };

    internal Option<bool> Verbose { get; } = new("-v") { Description = "The same as --verbosity debug", Recursive = true };

    internal Option<ColorMode> Color { get; } = new("--color")
    {
        Description = "When colours are used: auto, always or never",
        HelpName = "auto|always|never",
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

    internal Verbosity VerbosityOf(ParseResult line) =>
        line.GetValue(Quiet) ? Cli.Verbosity.Quiet
        : line.GetValue(Verbose) ? Cli.Verbosity.Debug
        : line.GetValue(Verbosity);
}
