using System.CommandLine.Parsing;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Hyperkube.Cli;

/// <summary>Command-line words to values, with the value's own error text.</summary>
internal static class Parsers
{
    private static readonly TimeSpan MaxDuration = TimeSpan.FromDays(24); // What timers can hold.

    internal static T? One<T>(ArgumentResult result)
        where T : class, IParsable<T> =>
        TryParse<T>(result, result.Tokens[^1].Value, out var value) ? value : null;

    /// <summary>Several values, each word one of them.</summary>
    internal static IReadOnlyList<T> Each<T>(ArgumentResult result)
        where T : class, IParsable<T> => Read<T>(result, result.Tokens.Select(t => t.Value));

    /// <summary>Several values, each word one or more of them with commas between.</summary>
    internal static IReadOnlyList<T> Many<T>(ArgumentResult result)
        where T : class, IParsable<T> => Read<T>(result, result.Tokens.SelectMany(t => t.Value.Split(',')));

    /// <summary>A word that is not empty.</summary>
    internal static string? Text(ArgumentResult result) => Texts(result) is [.., var last] ? last : null;

    /// <summary>Words that are not empty.</summary>
    internal static string[] Texts(ArgumentResult result)
    {
        var words = result.Tokens.Select(t => t.Value).ToArray();
        if (words.Contains("", StringComparer.Ordinal))
        {
            result.AddError($"{NameOf(result)} '': expected a value");
        }

        return words;
    }

    /// <summary>Words that are no flags: one that was mistyped ends up where any number of words may stand.</summary>
    internal static string[] Names(ArgumentResult result)
    {
        foreach (var token in result.Tokens.Where(t => t.Value.StartsWith('-')))
        {
            result.AddError($"Unrecognized command or argument '{token.Value}'.");
        }

        return [.. result.Tokens.Select(t => t.Value)];
    }

    private static List<T> Read<T>(ArgumentResult result, IEnumerable<string> words)
        where T : class, IParsable<T>
    {
        List<T> values = [];
        foreach (var word in words)
        {
            if (TryParse<T>(result, word, out var value) && !values.Contains(value))
            {
                values.Add(value);
            }
        }

        return values;
    }

    /// <summary>A number of bytes.</summary>
    internal static long? Size(ArgumentResult result)
    {
        var text = result.Tokens[^1].Value;
        if (Sizes.TryParse(text, out var bytes))
        {
            return bytes;
        }

        result.AddError($"{NameOf(result)} '{text}': expected a size such as 500MB or 8GiB");
        return null;
    }

    /// <summary>One of a few words.</summary>
    internal static Func<ArgumentResult, T?> Word<T>(params IReadOnlyList<(string Word, T Value)> words) => result =>
    {
        var text = result.Tokens[^1].Value;
        foreach (var (word, value) in words)
        {
            if (word == text)
            {
                return value;
            }
        }

        result.AddError($"{NameOf(result)} '{text}': expected {string.Join(" or ", words.Select(w => w.Word))}");
        return default;
    };

    /// <summary>A whole number in a range.</summary>
    internal static Func<ArgumentResult, int?> Number(int min, int max) => result =>
    {
        var text = result.Tokens[^1].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
        {
            return number;
        }

        result.AddError($"{NameOf(result)} '{text}': expected a number from {min} to {max}");
        return null;
    };

    /// <summary>A duration such as <c>30s</c>, <c>5m</c> or <c>1h30m</c>.</summary>
    internal static TimeSpan? Duration(ArgumentResult result)
    {
        var text = result.Tokens[^1].Value;
        if (TryParseDuration(text, out var duration))
        {
            return duration;
        }

        result.AddError($"{NameOf(result)} '{text}': not a duration; expected 30s, 5m or 1h30m");
        return null;
    }

    internal static bool TryParseDuration(string text, out TimeSpan duration)
    {
        var seconds = 0L;
        var rest = text.AsSpan();
        foreach (var (unit, factor) in ((char, long)[])[('h', 3600), ('m', 60), ('s', 1)])
        {
            var end = rest.IndexOf(unit);
            if (end < 0)
            {
                continue;
            }

            if (!int.TryParse(rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            {
                duration = default;
                return false;
            }

            seconds += count * factor;
            rest = rest[(end + 1)..];
        }

        var isInRange = seconds > 0 && seconds <= (long)MaxDuration.TotalSeconds;
        duration = isInRange ? TimeSpan.FromSeconds(seconds) : default;
        return rest.IsEmpty && isInRange;
    }

    private static string NameOf(ArgumentResult result) => (result.Parent as OptionResult)?.Option.Name ?? result.Argument.Name;

    private static bool TryParse<T>(ArgumentResult result, string word, [NotNullWhen(true)] out T? value)
        where T : class, IParsable<T>
    {
        try
        {
            value = T.Parse(word, CultureInfo.InvariantCulture);
            return true;
        }
        catch (FormatException e)
        {
            result.AddError(e.Message);
            value = null;
            return false;
        }
    }
}
