using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Xml;
using System.Xml.Linq;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;

namespace Hyperkube.ToolImage;

/// <summary>Whose work is linked into the exe, and under which licences: what the lock file names, as the packages themselves say it.
/// </summary>
/// <param name="packages">NuGet's directory of packages, which a restore has filled.</param>
internal sealed class Notices(string packages)
{
    /// <summary>What only runs while we build.</summary>
    private static readonly string[] BuildOnly =
    [
        "Meziantou.Analyzer", "Microsoft.CodeAnalysis.BannedApiAnalyzers", "Microsoft.NET.ILLink.Tasks",
        "Microsoft.VisualStudio.Threading.Analyzers", "MinVer",
    ];

    /// <summary>Makes the text.</summary>
    /// <param name="lockFile">The exe's <c>packages.lock.json</c>.</param>
    /// <exception cref="HyperkubeException">A package is not there, or its licence is one whose text is not here.</exception>
    internal string Make(string lockFile)
    {
        StringBuilder text = new("hyperkube is linked with the following works. Its own licence is beside this file.\n");
        SortedSet<string> licenses = new(StringComparer.Ordinal);
        foreach (var (name, version) in Linked(lockFile))
        {
            var license = Append(text, name, version);
            licenses.Add(license);
        }

        foreach (var license in licenses)
        {
            text.Append('\n').Append(Rule).Append(TextOf(license));
        }

        return text.ToString();
    }

    private static string Rule { get; } = $"{new string('-', 80)}\n";

    private static IEnumerable<(string Name, string Version)> Linked(string lockFile)
    {
        using var json = JsonDocument.Parse(SmallFile.ReadNamed(lockFile, "lock file"));
        SortedDictionary<string, string> found = new(StringComparer.Ordinal);
        foreach (var package in json.RootElement.GetProperty("dependencies").EnumerateObject().SelectMany(t => t.Value.EnumerateObject()))
        {
            // The compiler that has a platform in its name says what the one without says.
            if (package.Value.TryGetProperty("resolved", out var version) && !BuildOnly.Contains(package.Name, StringComparer.Ordinal)
                && !package.Name.StartsWith("runtime.", StringComparison.Ordinal))
            {
                found[package.Name] = version.GetString()!;
            }
        }

        return found.Select(p => (p.Key, p.Value));
    }

    private string Append(StringBuilder text, string name, string version)
    {
        var directory = Path.Combine(packages, Lower(name), Lower(version));
        var (license, copyright) = Metadata(Path.Combine(directory, $"{Lower(name)}.nuspec"));
        text.Append('\n').Append(Rule).Append($"{name} {version}: {license}\n{copyright}\n");
        foreach (var file in Directory.EnumerateFiles(directory).Where(IsNotice).Order(StringComparer.Ordinal))
        {
            var said = Encoding.UTF8.GetString(SmallFile.ReadNamed(file, name).Span);
            text.Append('\n').Append(said.TrimStart('\ufeff').ReplaceLineEndings("\n").TrimEnd('\n')).Append('\n');
        }

        return license;
    }

    private static (string License, string Copyright) Metadata(string nuspec)
    {
        try
        {
            var metadata = XDocument.Load(nuspec).Root!.Elements().First(e => e.Name.LocalName == "metadata").Elements().ToList();
            string? Value(string name) => metadata.FirstOrDefault(e => e.Name.LocalName == name)?.Value;
            return (
                metadata.FirstOrDefault(e => e.Name.LocalName == "license" && (string?)e.Attribute("type") == "expression")?.Value
                    ?? throw new HyperkubeException(ErrorKind.BadContent, $"{nuspec}: no licence; expected an SPDX expression"),
                Value("copyright") ?? Value("authors") ?? "");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new HyperkubeException(ErrorKind.NotFound, $"{nuspec}: no such file; expected the packages of a restore", e)
            {
                Hint = "dotnet restore hyperkube.slnx",
            };
        }
        catch (XmlException e)
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"{nuspec}: {e.Message}", e);
        }
    }

    private static bool IsNotice(string path) =>
        Path.GetFileName(path) is var name && (name.StartsWith("LICENSE", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("THIRD-PARTY-NOTICES", StringComparison.OrdinalIgnoreCase));

    private static string TextOf(string license)
    {
        using var resource = Assembly.GetExecutingAssembly().GetManifestResourceStream(license)
            ?? throw new HyperkubeException(ErrorKind.BadContent, $"{license}: a licence that is new here")
            {
                Hint = $"read it, and add its text: tools/Hyperkube.ToolImage/Licenses/{license}.txt",
            };
        using StreamReader reader = new(resource);
        return reader.ReadToEnd();
    }

    // As NuGet names directories.
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Globalization", "CA1308", Justification = "NuGet's directories are in lower case.")]
    private static string Lower(string text) => text.ToLowerInvariant();
}
