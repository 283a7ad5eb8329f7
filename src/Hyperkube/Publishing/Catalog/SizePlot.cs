using System.Globalization;
using System.Text;

namespace Hyperkube.Publishing.Catalog;

/// <summary>How large the image of each platform is, release by release: an inline SVG that takes its colours from the page.</summary>
internal static class SizePlot
{
    private const double Width = 960, Height = 280, Left = 100, Right = 16, Top = 16, Bottom = 40;

    /// <summary>More lines than upstream has platforms tell nobody anything.</summary>
    private const int MaxSeries = 4;

    private const int MaxTicks = 5;

    /// <summary>Draws the plot; nothing when there are fewer than two releases.</summary>
    internal static void Write(StringBuilder html, IReadOnlyList<CatalogEntry> newestFirst)
    {
        CatalogEntry[] entries = [.. newestFirst.Reverse()];
        string[] platforms =
        [
            .. entries.SelectMany(e => e.Image.Platforms).Select(p => p.Platform.ToString())
                .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Take(MaxSeries),
        ];
        if (entries.Length >= 2 && platforms.Length > 0)
        {
            Write(html, entries, platforms);
        }
    }

    private static void Write(StringBuilder html, CatalogEntry[] entries, string[] platforms)
    {
        var sizes = entries.SelectMany(e => e.Image.Platforms).Select(p => (double)p.Size).ToList();
        var (low, high, step) = Scale(sizes.Min(), sizes.Max());
        double X(int i) => Left + ((Width - Left - Right) * (i + 0.5) / entries.Length);
        double Y(double size) => Top + ((Height - Top - Bottom) * (high - size) / (high - low));

        html.Append(CultureInfo.InvariantCulture, $"""
            <figure class="plot">
            <figcaption>Compressed size of the image by release{Legend(platforms)}</figcaption>
            <svg viewBox="0 0 {Width} {Height}" role="img" aria-label="Size of the image of each platform, release by release">

            """);
        var band = 0;
        foreach (var minor in entries.Select((e, i) => (e.Minor, i)).GroupBy(e => e.Minor, StringComparer.Ordinal))
        {
            var (from, to) = (X(minor.First().i) - (X(1) - X(0)) / 2, X(minor.Last().i) + (X(1) - X(0)) / 2);
            html.Append(CultureInfo.InvariantCulture, $"""
                <rect class="band{band++ % 2}" x="{from:F1}" y="{Top}" width="{to - from:F1}" height="{Height - Top - Bottom}"/>
                <text class="minor" x="{(from + to) / 2:F1}" y="{Height - 14}">{minor.Key}</text>

                """);
        }

        for (var tick = low; tick <= high + (step / 2); tick += step)
        {
            html.Append(CultureInfo.InvariantCulture, $"""
                <line class="grid" x1="{Left}" x2="{Width - Right}" y1="{Y(tick):F1}" y2="{Y(tick):F1}"/>
                <text class="tick" x="{Left - 8}" y="{Y(tick) + 4:F1}">{Sizes.Text((long)tick)}</text>

                """);
        }

        foreach (var (platform, series) in platforms.Select((p, i) => (p, i)))
        {
            WriteSeries(html, entries, platform, series, X, Y);
        }

        html.Append("</svg>\n</figure>\n");
    }

    private static void WriteSeries(
        StringBuilder html, CatalogEntry[] entries, string platform, int series, Func<int, double> x, Func<double, double> y)
    {
        var points = entries
            .Select((e, i) => (Entry: e, X: x(i), Size: e.Image.Platforms.FirstOrDefault(p => p.Platform.ToString() == platform)?.Size))
            .Where(p => p.Size is not null).ToList();
        foreach (var minor in points.GroupBy(p => p.Entry.Minor, StringComparer.Ordinal))
        {
            var line = string.Join(' ', minor.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.X:F1},{y(p.Size!.Value):F1}")));
            html.Append(CultureInfo.InvariantCulture, $"<polyline class=\"s{series}\" points=\"{line}\"/>\n");
        }

        foreach (var (entry, at, size) in points)
        {
            html.Append(CultureInfo.InvariantCulture, $"<circle class=\"s{series}\" cx=\"{at:F1}\" cy=\"{y(size!.Value):F1}\" r=\"3.5\">");
            html.Append(CultureInfo.InvariantCulture, $"<title>{entry.Image.Version} {CatalogPage.Text(platform)}: ");
            html.Append(CultureInfo.InvariantCulture, $"{Sizes.Text(size.Value)}</title></circle>\n");
        }
    }

    private static string Legend(string[] platforms) =>
        string.Concat(platforms.Select((p, i) => $"<span class=\"key\"><i class=\"s{i}\"></i>{CatalogPage.Text(p)}</span>"));

    // Steps of 1, 2 or 5, as people count.
    private static (double Low, double High, double Step) Scale(double min, double max)
    {
        var span = Math.Max(max - min, Math.Max(max * 0.05, 1));
        var power = Math.Pow(10, Math.Floor(Math.Log10(span / MaxTicks)));
        var step = power * ((double[])[1, 2, 5, 10]).First(s => span / (power * s) <= MaxTicks);
        var low = Math.Max(0, Math.Floor((min - (span * 0.1)) / step) * step);
        var high = Math.Ceiling((max + (span * 0.1)) / step) * step;
        return (low, high > low ? high : low + step, step);
    }
}
