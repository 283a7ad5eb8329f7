namespace Hyperkube.E2E.Programs;

/// <summary>Runs programs to their end.</summary>
internal static class Run
{
    internal static async Task<Ended> ProgramAsync(
        string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? outputFile = null)
    {
        using var running = RunningProgram.Start(program, arguments, environment, outputFile);
        return await running.EndAsync();
    }

    /// <summary>Runs a shell's line; further words are its <c>$0</c>, <c>$1</c> and so on.</summary>
    internal static Task<Ended> ShellAsync(string script, params string[] words) =>
        ProgramAsync("sh", ["-euc", script, .. words]);
}
