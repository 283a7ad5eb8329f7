using System.Globalization;
using System.Text;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;

namespace Hyperkube.Publishing.Catalog;

/// <summary>Until when upstream supports each minor, as the Kubernetes project's own <c>schedule.yaml</c> and <c>eol.yaml</c> say.
/// </summary>
/// <remarks>Of these files only the lines <c>release: 1.34</c> and <c>endOfLifeDate: 2026-10-27</c> of an entry count.
/// Source: https://github.com/kubernetes/website/tree/main/data/releases</remarks>
public sealed class EndOfLife
{
    private readonly Dictionary<string, DateOnly> _dates = new(StringComparer.Ordinal);

    private EndOfLife()
    {
    }

    /// <summary>Nothing is known.</summary>
    public static EndOfLife Unknown { get; } = new();

    /// <summary>Reads files; later ones win.</summary>
    /// <exception cref="HyperkubeException">One cannot be read, or says nothing of the kind (<see cref="ErrorKind.Usage"/>).</exception>
    public static EndOfLife Load(IEnumerable<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        EndOfLife all = new();
        foreach (var path in paths)
        {
            if (all.Read(Encoding.UTF8.GetString(SmallFile.ReadNamed(path, "--end-of-life").Span)) == 0)
            {
                throw new HyperkubeException(
                    ErrorKind.Usage, $"--end-of-life {path}: no date in it; expected schedule.yaml or eol.yaml of the Kubernetes website");
            }
        }

        return all;
    }

    /// <summary>The last day of support of a minor, or null when nobody said.</summary>
    public DateOnly? Of(string minor) => _dates.TryGetValue(minor, out var date) ? date : null;

    // An entry begins with a dash at the left margin; what is deeper (patches, the next one) is not its own.
    private int Read(string text)
    {
        var found = 0;
        string? minor = null;
        DateOnly? date = null;
        foreach (var line in text.Split('\n').Append("- "))
        {
            if (line.StartsWith('-') && line.TrimEnd() != "---")
            {
                if (minor is not null && date is { } end)
                {
                    _dates[minor] = end;
                    found++;
                }

                (minor, date) = (null, null);
            }

            if (line.Length < 3 || line[..2] is not ("- " or "  ") || line[2] is ' ' or '-'
                || line.Split(':', 2) is not [var name, var value])
            {
                continue;
            }

            value = value.Split('#')[0].Trim().Trim('"', '\'');
            switch (name[2..])
            {
                case "release" when value.Split('.') is [var major, var number]
                    && major.All(char.IsAsciiDigit) && number.All(char.IsAsciiDigit):
                    minor = value;
                    break;
                case "endOfLifeDate" when DateOnly.TryParseExact(
                    value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day):
                    date = day;
                    break;
                default:
                    break;
            }
        }

        return found;
    }
}
