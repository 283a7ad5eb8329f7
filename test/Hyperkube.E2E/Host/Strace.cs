using System.Text.RegularExpressions;
using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E.Host;

/// <summary>Runs the program under strace: to see what it asks of the kernel, or to let the kernel refuse.</summary>
internal static partial class Strace
{
    /// <summary>Runs it while something happens to some of its calls.</summary>
    /// <param name="call">For example <c>renameat</c>.</param>
    /// <param name="what">For example <c>signal=KILL:when=2</c>: each thread counts its own.</param>
    /// <param name="command">The program's words.</param>
    /// <param name="only">Only calls that are about this path.</param>
    internal static Task<Ended> InjectAsync(string call, string what, string[] command, string? only = null)
    {
        Machine.Needs("strace");
        return Run.ProgramAsync(
            "strace",
            ["-f", "-qq", "-o", "/dev/null", "-e", $"trace={call}", "-e", $"inject={call}:{what}",
                .. only is null ? (string[])[] : ["-P", only],
                Exe.Here.Program, .. command]);
    }

    /// <summary>Its calls, in the order in which they ended, with the paths of what is open; random parts of names are cut off.</summary>
    internal static async Task<IReadOnlyList<string>> TraceAsync(string calls, string output, string[] command, string? only = null)
    {
        Machine.Needs("strace");
        (await Run.ProgramAsync(
            "strace", ["-f", "-qq", "-y", "-s", "256", "-o", output, "-e", $"trace={calls}", .. only is null ? (string[])[] : ["-P", only],
                Exe.Here.Program, .. command])).Well();
        Dictionary<string, string> open = [];
        List<string> ended = [];
        foreach (var line in await File.ReadAllLinesAsync(output, TestContext.Current.CancellationToken))
        {
            var (thread, call) = (line.Split(' ')[0], line[line.IndexOf(' ')..].Trim());
            if (call.EndsWith("<unfinished ...>", StringComparison.Ordinal))
            {
                open[thread] = call[..^"<unfinished ...>".Length].TrimEnd();
            }
            else
            {
                ended.Add(Random().Replace(Resumed().Replace(call, _ => open[thread]), ""));
            }
        }

        return ended;
    }

    [GeneratedRegex("^<... [a-z0-9_]+ resumed>", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Resumed();

    [GeneratedRegex("-[0-9a-f]{32}", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Random();
}
