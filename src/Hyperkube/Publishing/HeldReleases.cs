using System.Text;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Releases;

namespace Hyperkube.Publishing;

/// <summary>A release that upstream has published broken, and that is not tried again while it stays so.</summary>
/// <param name="Version">Which.</param>
/// <param name="Fingerprint">Of all that upstream has published and that decides: <see cref="ReleaseFacts.Fingerprint"/>.</param>
/// <param name="Reason">Why, for those who meet it.</param>
public sealed record HeldRelease(KubernetesVersion Version, string Fingerprint, string Reason);

/// <summary>The releases that are on hold: a file that people have read and signed off.</summary>
/// <remarks>A line each: <c>v1.35.0 FINGERPRINT why it is so</c>. Lines that begin with <c>#</c> and empty ones do not count. A failed
/// release prints its line. The line ends by itself: with the first change upstream.</remarks>
public sealed class HeldReleases
{
    /// <summary>The file that counts when none was named.</summary>
    public const string DefaultFile = "HELD_KUBERNETES_VERSIONS";

    private const int Fields = 3;

    private readonly IReadOnlyList<HeldRelease> _entries;

    private HeldReleases(IReadOnlyList<HeldRelease> entries) => _entries = entries;

    /// <summary>None.</summary>
    public static HeldReleases None { get; } = new([]);

    /// <summary>Reads the list.</summary>
    /// <exception cref="HyperkubeException">It cannot be read, or a line is no entry (<see cref="ErrorKind.Usage"/>).</exception>
    public static HeldReleases Load(string path)
    {
        var text = Encoding.UTF8.GetString(SmallFile.ReadNamed(path, "--holds").Span);
        List<HeldRelease> entries = [];
        foreach (var (line, number) in text.Split('\n').Select((line, i) => (line.Trim(), i + 1)))
        {
            if (line.Length > 0 && line[0] != '#')
            {
                entries.Add(Read(line, $"{path}:{number}"));
            }
        }

        return new HeldReleases(entries);
    }

    /// <summary>The lines of a release: several, when it was broken in several ways.</summary>
    public IReadOnlyList<HeldRelease> Of(KubernetesVersion version) => [.. _entries.Where(e => e.Version == version)];

    /// <summary>The line that puts a release on hold.</summary>
    public static string Line(KubernetesVersion version, string fingerprint, string reason) =>
        $"{version} {fingerprint} {OneLineOf(reason)}";

    private static HeldRelease Read(string line, string where)
    {
        var fields = line.Split([' ', '\t'], Fields, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return fields.Length == Fields
            && KubernetesVersion.TryParse(fields[0], null, out var version)
            && Digest.TryParse($"sha256:{fields[1]}", null, out _)
                ? new HeldRelease(version, fields[1], fields[2])
                : throw new HyperkubeException(ErrorKind.Usage, $"{where}: {SmallText.Quote(line)}; expected VERSION FINGERPRINT REASON");
    }

    private static string OneLineOf(string text) => new([.. text.Select(c => char.IsControl(c) ? ' ' : c)]);
}
