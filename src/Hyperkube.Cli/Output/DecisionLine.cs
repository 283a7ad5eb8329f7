using System.Text;

namespace Hyperkube.Cli.Output;

/// <summary>A decision as one line of words and <c>name=value</c>, which log collectors take apart.</summary>
/// <remarks>Source: https://brandur.org/logfmt</remarks>
internal static class DecisionLine
{
    internal static string Of(string what, IReadOnlyList<(string Name, string? Value)> fields)
    {
        StringBuilder line = new($"level=debug event={Quoted(what)}");
        foreach (var (name, value) in fields)
        {
            if (value is not null)
            {
                line.Append(' ').Append(name).Append('=').Append(Quoted(value));
            }
        }

        return line.ToString();
    }

    private static string Quoted(string value) =>
        value.Length > 0 && !value.Any(c => c is ' ' or '"' or '=' or '\\' || char.IsControl(c))
            ? value
            : $"\"{new string([.. value.Select(c => char.IsControl(c) ? ' ' : c)]).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
