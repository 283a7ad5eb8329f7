using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Hyperkube.Publishing.Catalog;

/// <summary>The catalog for people: one page that needs nothing else, and works without its script.</summary>
internal static class CatalogPage
{
    internal static byte[] Write(string repository, IReadOnlyList<CatalogEntry> entries, EndOfLife endOfLife)
    {
        var (style, script) = (Resource("catalog.css"), Resource("catalog.js"));
        var policy = $"default-src 'none'; style-src '{HashOf(style)}'; script-src '{HashOf(script)}'; base-uri 'none'; form-action 'none'";
        StringBuilder html = new();
        html.Append(CultureInfo.InvariantCulture, $"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="{policy}">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>{Text(repository)}: Kubernetes node images</title>
            <style>{style}</style>
            </head>
            <body>
            <header>
            <h1>Kubernetes node images</h1>
            <p class="repository"><code>{Text(repository)}</code></p>
            {Summary(entries)}
            </header>
            <main>

            """);
        SizePlot.Write(html, entries);
        WriteControls(html, entries);
        foreach (var minor in entries.GroupBy(e => e.Minor, StringComparer.Ordinal))
        {
            var end = CatalogFile.DateText(endOfLife.Of(minor.Key));
            html.Append(CultureInfo.InvariantCulture, $"""
                <section data-minor="{minor.Key}">
                <h2>Kubernetes {minor.Key}{Support(end)}</h2>

                """);
            foreach (var entry in minor)
            {
                WriteRelease(html, repository, entry);
            }

            html.Append("</section>\n");
        }

        html.Append(CultureInfo.InvariantCulture, $"""
            <p id="none" hidden>Nothing here is called so.</p>
            </main>
            <footer><p>For programs: <a href="{CatalogFile.Name}">{CatalogFile.Name}</a>.
            Pin images by digest; prove them with <code>hyperkube verify</code>.</p></footer>
            <script>{script}</script>
            </body>
            </html>

            """);
        return Encoding.UTF8.GetBytes(html.ToString().ReplaceLineEndings("\n"));
    }

    internal static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Summary(IReadOnlyList<CatalogEntry> entries)
    {
        if (entries.Count == 0)
        {
            return "<p class=\"summary\">Nothing is published yet.</p>";
        }

        var signed = entries.Count(e => e.Verification == CatalogVerification.Signature);
        var newest = (entries.FirstOrDefault(e => e.Image.Version.PreRelease is null) ?? entries[0]).Image.Version;
        return string.Create(CultureInfo.InvariantCulture,
            $"<dl class=\"summary\"><div><dt>newest</dt><dd>{newest}</dd></div><div><dt>releases</dt><dd>{entries.Count}</dd></div>"
            + $"<div><dt>minors</dt><dd>{entries.Select(e => e.Minor).Distinct(StringComparer.Ordinal).Count()}</dd></div>"
            + $"<div><dt>signature verified</dt><dd>{signed}</dd></div></dl>");
    }

    // Only with a script there is something to be done with them.
    private static void WriteControls(StringBuilder html, IReadOnlyList<CatalogEntry> entries)
    {
        html.Append("<form class=\"controls\" id=\"controls\" role=\"search\" hidden>\n<label for=\"search\">Search</label>"
            + "<input id=\"search\" type=\"search\" placeholder=\"version, digest or SHA-256\" autocomplete=\"off\" spellcheck=\"false\">\n"
            + "<div class=\"chips\" role=\"group\" aria-label=\"Minor\">"
            + "<button type=\"button\" data-minor=\"\" aria-pressed=\"true\">all</button>");
        foreach (var minor in entries.Select(e => e.Minor).Distinct(StringComparer.Ordinal))
        {
            html.Append(
                CultureInfo.InvariantCulture, $"<button type=\"button\" data-minor=\"{minor}\" aria-pressed=\"false\">{minor}</button>");
        }

        html.Append("</div>\n<output id=\"count\" for=\"search\"></output>\n</form>\n");
    }

    private static void WriteRelease(StringBuilder html, string repository, CatalogEntry entry)
    {
        var image = entry.Image;
        var reference = CatalogFile.ReferenceOf(repository, entry);
        html.Append(CultureInfo.InvariantCulture, $"""
            <details class="release" id="{Text(entry.Tag)}" data-version="{image.Version}" data-minor="{entry.Minor}">
            <summary><span class="version">{Text(entry.Tag)}</span>{Badge(entry.Verification)}<span
              class="size">{Sizes.Text(image.Size)}</span><code class="digest">{image.Root.Digest}</code></summary>
            {Copyable("Image", reference)}

            """);
        foreach (var platform in image.Platforms)
        {
            html.Append(CultureInfo.InvariantCulture, $"""
                <h3>{Text(platform.Platform.ToString())} <span class="size">{Sizes.Text(platform.Size)}</span></h3>
                {Copyable("Digest", platform.Digest.ToString())}

                """);
            foreach (var binary in platform.Binaries)
            {
                html.Append(Copyable($"{binary.File.Name}, {Sizes.Text(binary.Size)}", binary.Sha256)).Append('\n');
            }
        }

        html.Append("</details>\n");
    }

    private static string Copyable(string label, string value) =>
        $"<p class=\"copy\"><span>{Text(label)}</span><code>{Text(value)}</code>"
        + $"<button type=\"button\" hidden data-copy=\"{Text(value)}\" aria-label=\"Copy {Text(label)}\">copy</button></p>";

    private static string Support(string? end) =>
        end is null ? "" : $" <span class=\"eol\">supported until <time datetime=\"{end}\">{end}</time></span>";

    private static string Badge(CatalogVerification verification) => verification switch
    {
        CatalogVerification.Signature =>
            "<span class=\"badge good\" title=\"The image carries the Kubernetes release team's signature of every binary, and all of "
            + "them are right.\">signature verified</span>",
        CatalogVerification.Unsigned => "<span class=\"badge\" title=\"The image carries no signature of its binaries.\">not signed</span>",
        CatalogVerification.Invalid =>
            "<span class=\"badge bad\" title=\"The image carries a signature that proves nothing.\">signature wrong</span>",
        _ => "<span class=\"badge\" title=\"Not built by hyperkube: it does not say which binaries are in it.\">other builder</span>",
    };

    private static string HashOf(string text) => $"sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";

    private static string Resource(string name)
    {
        using var stream = typeof(CatalogPage).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is not in the assembly.");
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }
}
