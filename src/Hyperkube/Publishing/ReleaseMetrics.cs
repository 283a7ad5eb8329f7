using System.Globalization;
using System.Text;
using Hyperkube.Oci.Content;

namespace Hyperkube.Publishing;

/// <summary>What a run of the hourly job tells Prometheus, in the text format that node exporter's textfile collector reads.</summary>
/// <remarks>Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format,
/// https://github.com/prometheus/node_exporter#textfile-collector</remarks>
/// <param name="Repository">Where to.</param>
/// <param name="Ended">When the run ended.</param>
/// <param name="Duration">How long it took.</param>
public sealed record ReleaseMetrics(string Repository, DateTimeOffset Ended, TimeSpan Duration)
{
    private const string LastSuccess = "hyperkube_release_last_success_timestamp_seconds";

    /// <summary>Always there, so that an alert on one of them has something to look at.</summary>
    private static readonly string[] Actions = ["published", "present", "foreign", "pending", "held", "changed", "failed"];

    /// <summary>What came of each release.</summary>
    public IReadOnlyList<ReleaseOutcome> Outcomes { get; init; } = [];

    /// <summary>What went wrong, as JSON names it; one for each failure.</summary>
    public IReadOnlyList<string> FailureKinds { get; init; } = [];

    /// <summary>Requests to the registry.</summary>
    public long RegistryRequests { get; init; }

    /// <summary>Bytes from the registry.</summary>
    public long RegistryBytesReceived { get; init; }

    /// <summary>Replaces a file: whoever reads it finds all of it. The last success of a run that failed is the one that was there.
    /// </summary>
    public Task WriteAsync(string file, CancellationToken cancellationToken)
    {
        var former = Encoding.UTF8.GetString(SmallFile.Read(file).Bytes.Span);
        return StagedFile.WriteAsync(file, Encoding.UTF8.GetBytes(Text(former)), cancellationToken);
    }

    internal string Text(string former)
    {
        var label = $"repository=\"{Escaped(Repository)}\"";
        StringBuilder text = new();
        void Metric(string name, string help, params IEnumerable<(string Labels, double Value)> values)
        {
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} gauge\n");
            foreach (var (labels, value) in values)
            {
                text.Append(CultureInfo.InvariantCulture, $"{name}{{{label}{labels}}} {value}\n");
            }
        }

        var ended = Math.Floor(Ended.ToUnixTimeMilliseconds() / 1000.0);
        Metric("hyperkube_release_last_run_timestamp_seconds", "When the last run ended.", ("", ended));
        Metric(
            "hyperkube_release_success", "Whether the last run did all that was to be done: 1 or 0.",
            ("", FailureKinds.Count == 0 ? 1 : 0));
        var success = FailureKinds.Count == 0 ? ended : SuccessIn(former, $"{LastSuccess}{{{label}}} ");
        Metric(LastSuccess, "When the last run ended that did all that was to be done.", success is { } at ? [("", at)] : []);
        Metric("hyperkube_release_duration_seconds", "How long the last run took.", ("", Math.Round(Duration.TotalSeconds, 3)));
        Metric(
            "hyperkube_release_versions", "Releases by what the last run did about them.",
            Actions.Select(a => ($",action=\"{a}\"", (double)Outcomes.Count(o => o.Action == a))));
        Metric(
            "hyperkube_release_failures", "What went wrong in the last run, by kind.",
            FailureKinds.GroupBy(k => k, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => ($",kind=\"{Escaped(g.Key)}\"", (double)g.Count())));
        var published = Outcomes.Where(o => o.Action == "published").ToList();
        Metric(
            "hyperkube_release_published_bytes", "Compressed size of the images that the last run published.",
            ("", published.Sum(o => o.Image?.Size ?? 0)));
        Metric(
            "hyperkube_release_slowest_seconds", "How long the slowest release of the last run took to build and publish.",
            ("", Math.Round(published.Select(o => o.Duration.TotalSeconds).DefaultIfEmpty(0).Max(), 3)));
        Metric("hyperkube_release_registry_requests", "Requests to the registry in the last run.", ("", RegistryRequests));
        Metric("hyperkube_release_registry_received_bytes", "Bytes from the registry in the last run.", ("", RegistryBytesReceived));
        return text.ToString();
    }

    private static double? SuccessIn(string former, string start) =>
        former.Split('\n').FirstOrDefault(l => l.StartsWith(start, StringComparison.Ordinal)) is { } line
        && double.TryParse(line[start.Length..], NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
            ? value
            : null;

    private static string Escaped(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);
}
