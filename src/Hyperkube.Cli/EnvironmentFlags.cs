using System.CommandLine;

namespace Hyperkube.Cli;

/// <summary>Flags from environment variables: <c>HYPERKUBE_BUILD_SOURCE</c>, else <c>HYPERKUBE_SOURCE</c>, for
/// <c>build --source</c>. The flag wins.</summary>
internal static class EnvironmentFlags
{
    /// <summary>The words to parse: the given ones and those that variables add.</summary>
    internal static IReadOnlyList<string> Complete(RootCommand root, IReadOnlyList<string> words, Func<string, string?> variable)
    {
        var line = root.Parse(words);
        var command = line.CommandResult.Command;
        var recursive = root.Options.Where(o => o.Recursive);
        List<string> added = [];
        foreach (var option in command == root ? recursive : command.Options.Concat(recursive))
        {
            if (option.Name.StartsWith("--", StringComparison.Ordinal) && option.Action is null
                && line.GetResult(option) is null or { Implicit: true } && Value(command, option, variable) is { } value)
            {
                added.AddRange(Words(option, value));
            }
        }

        // Right behind the command: at the end they might stand behind "--", where nothing is a flag.
        var at = Names(command).Aggregate(0, (from, name) => words.ToList().IndexOf(name, from) + 1);
        return [.. words.Take(at), .. added, .. words.Skip(at)];
    }

    /// <summary>The variable that sets a flag for one command.</summary>
    internal static string NameFor(Command command, Option option) =>
        $"HYPERKUBE_{string.Join('_', [.. Names(command).Select(Upper), Upper(option.Name[2..])])}";

    /// <summary>The words that lead to a command: <c>trust</c>, <c>update</c>.</summary>
    internal static IReadOnlyList<string> Names(Command command)
    {
        List<string> names = [];
        for (Symbol? at = command; at is Command and not RootCommand; at = at.Parents.SingleOrDefault())
        {
            names.Insert(0, at.Name);
        }

        return names;
    }

    private static string? Value(Command command, Option option, Func<string, string?> variable) =>
        variable(NameFor(command, option)) is { Length: > 0 } specific ? specific
        : variable($"HYPERKUBE_{Upper(option.Name[2..])}") is { Length: > 0 } general ? general
        : null;

    // A flag that may repeat takes its values with white space between; a switch takes true or false.
    private static IEnumerable<string> Words(Option option, string value) =>
        option.Arity.MaximumNumberOfValues > 1
            ? value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).SelectMany(v => new[] { option.Name, v })
            : [$"{option.Name}={value}"];

    private static string Upper(string name) => name.Replace('-', '_').ToUpperInvariant();
}
