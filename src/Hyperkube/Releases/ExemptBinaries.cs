using System.Globalization;
using System.Text;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;

namespace Hyperkube.Releases;

/// <summary>A binary that is accepted although its published signature is wrong or missing.</summary>
/// <param name="Name">Which: <c>kubectl</c>.</param>
/// <param name="Version">Of which release.</param>
/// <param name="Platform">For what.</param>
/// <param name="Sha256">Exactly these bytes.</param>
/// <param name="Expires">The last day on which it is accepted, in UTC.</param>
/// <param name="Reason">Why, for those who meet it.</param>
public sealed record ExemptBinary(BinaryName Name, KubernetesVersion Version, Platform Platform, Digest Sha256, DateOnly Expires,
    string Reason);

/// <summary>The list of binaries that are accepted without a good signature: a file that people have read and signed off.</summary>
/// <remarks>
/// It has happened that a release was published with a signature of other bytes. Each line names one file down to its digest,
/// says why, and ends by itself: <c>kubectl v1.35.0 linux/amd64 SHA256 2027-01-31 why it is so</c>. Lines that begin with
/// <c>#</c> and empty ones do not count.
/// </remarks>
public sealed class ExemptBinaries
{
    /// <summary>How many days before its end an entry is warned of.</summary>
    public const int WarningDays = 14;

    private const string Expected = "expected NAME VERSION OS/ARCH SHA256 YYYY-MM-DD REASON";
    private const int Fields = 6;

    private readonly IReadOnlyList<ExemptBinary> _entries;
    private readonly string _path;
    private readonly TimeProvider _time;

    private ExemptBinaries(IReadOnlyList<ExemptBinary> entries, string path, TimeProvider time) =>
        (_entries, _path, _time) = (entries, path, time);

    /// <summary>None.</summary>
    public static ExemptBinaries None { get; } = new([], "", TimeProvider.System);

    /// <summary>All entries, those that have expired too.</summary>
    public IReadOnlyList<ExemptBinary> Entries => _entries;

    /// <summary>Reads the list.</summary>
    /// <param name="path">The file.</param>
    /// <param name="time">Whose day decides what has expired.</param>
    /// <exception cref="HyperkubeException">It cannot be read, or a line is no entry (<see cref="ErrorKind.Usage"/>).</exception>
    public static ExemptBinaries Load(string path, TimeProvider time)
    {
        var text = Encoding.UTF8.GetString(SmallFile.ReadNamed(path, "--exceptions").Span);
        List<ExemptBinary> entries = [];
        foreach (var (line, number) in text.Split('\n').Select((line, i) => (line.Trim(), i + 1)))
        {
            if (line.Length > 0 && line[0] != '#')
            {
                entries.Add(Read(line, $"{path}:{number}"));
            }
        }

        return new ExemptBinaries(entries, path, time);
    }

    /// <summary>Finds the entry of a binary.</summary>
    /// <param name="name">Which.</param>
    /// <param name="version">Of which release; null when nobody says.</param>
    /// <param name="platform">For what.</param>
    /// <param name="sha256">The digest of its bytes.</param>
    /// <param name="log">Told when the entry ends soon, or has ended.</param>
    /// <returns>Null when there is none that still holds.</returns>
    public ExemptBinary? Find(string name, KubernetesVersion? version, Platform platform, Digest sha256, IActivityLog log) =>
        StillHolding(Entry(name, platform, sha256, e => e.Version == version), log);

    /// <summary>Finds the entry of a file that passes for no version: then it is of the one that the entry says.</summary>
    /// <param name="name">Which.</param>
    /// <param name="platform">For what.</param>
    /// <param name="sha256">The digest of its bytes.</param>
    /// <param name="log">Told when the entry ends soon, or has ended.</param>
    /// <returns>Null when there is none that still holds.</returns>
    public ExemptBinary? Find(string name, Platform platform, Digest sha256, IActivityLog log) =>
        StillHolding(Entry(name, platform, sha256, _ => true), log);

    private ExemptBinary? Entry(string name, Platform platform, Digest sha256, Func<ExemptBinary, bool> isOne) =>
        _entries.FirstOrDefault(e => e.Sha256 == sha256 && e.Name.Text == name && e.Platform == platform && isOne(e));

    private ExemptBinary? StillHolding(ExemptBinary? entry, IActivityLog log)
    {
        if (entry is null)
        {
            return null;
        }

        var days = entry.Expires.DayNumber - DateOnly.FromDateTime(_time.GetUtcNow().UtcDateTime).DayNumber;
        if (days < WarningDays)
        {
            log.Warn($"{_path}: the exception for {entry.Name} {entry.Version} {entry.Platform} {(days < 0
                ? $"ended on {entry.Expires:yyyy-MM-dd}, and does not count any more"
                : $"ends on {entry.Expires:yyyy-MM-dd}")}: {entry.Reason}");
        }

        return days < 0 ? null : entry;
    }

    private static ExemptBinary Read(string line, string where)
    {
        var fields = line.Split([' ', '\t'], Fields, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return fields.Length == Fields
            && BinaryName.TryParse(fields[0], null, out var name)
            && KubernetesVersion.TryParse(fields[1], null, out var version)
            && Platform.TryParse(fields[2], null, out var platform)
            && Digest.TryParse($"sha256:{fields[3]}", null, out var sha256)
            && DateOnly.TryParseExact(fields[4], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var expires)
                ? new ExemptBinary(name, version, platform, sha256, expires, fields[5])
                : throw new HyperkubeException(ErrorKind.Usage, $"{where}: {SmallText.Quote(line)}; {Expected}");
    }
}
