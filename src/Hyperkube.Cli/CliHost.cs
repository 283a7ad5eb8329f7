namespace Hyperkube.Cli;

/// <summary>What surrounds a run of the program: everything that a test wants to be its own.</summary>
internal sealed record CliHost
{
    /// <summary>Where results go.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Where everything else goes.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Whether <see cref="Error"/> is a terminal that can redraw.</summary>
    public required bool ErrorIsTerminal { get; init; }

    /// <summary>The value of an environment variable, or null.</summary>
    public required Func<string, string?> Variable { get; init; }

    /// <summary>Asks a person for a secret, which is not shown; null where nobody can be asked.</summary>
    public Func<string, string?> AskSecret { get; init; } = _ => null;

    /// <summary>Makes the process ready for a run of many releases.</summary>
    public Action BeginLongRun { get; init; } = () => { };

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
