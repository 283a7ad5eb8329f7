using System.CommandLine;

namespace Hyperkube.Cli;

/// <summary>Finds the word that somebody may have meant.</summary>
internal static class Spelling
{
    // Of two slips a person still recognises the word.
    private const int MaxSlips = 2;

    /// <summary>The command or flag that is nearest to a word which is none.</summary>
    /// <returns>Null when nothing is near.</returns>
    internal static string? Nearest(Command command, string word)
    {
        var flags = command.Options.Concat(command.Parents.OfType<Command>().SelectMany(c => c.Options.Where(o => o.Recursive)));
        return command.Subcommands.Select(c => c.Name).Concat(flags.Select(o => o.Name))
            .Select(name => (Name: name, Slips: Slips(word, name)))
            .Where(n => n.Slips <= MaxSlips && n.Slips < n.Name.TrimStart('-').Length / 2)
            .OrderBy(n => n.Slips).ThenBy(n => n.Name, StringComparer.Ordinal)
            .Select(n => n.Name)
            .FirstOrDefault();
    }

    // Letters too many, missing, wrong, or in another order.
    // Source: https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance (optimal string alignment)
    private static int Slips(string from, string to)
    {
        int[][] slips = [.. Enumerable.Range(0, from.Length + 1).Select(_ => new int[to.Length + 1])];
        for (var i = 0; i <= from.Length; i++)
        {
            for (var j = 0; j <= to.Length; j++)
            {
                slips[i][j] = i == 0 || j == 0 ? i + j : int.Min(
                    int.Min(slips[i - 1][j], slips[i][j - 1]) + 1,
                    slips[i - 1][j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                {
                    slips[i][j] = int.Min(slips[i][j], slips[i - 2][j - 2] + 1);
                }
            }
        }

        return slips[^1][^1];
    }
}
