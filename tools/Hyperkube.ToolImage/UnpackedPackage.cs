using System.Text;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layers;

namespace Hyperkube.ToolImage;

/// <summary>A package's files on disk, and what of them goes into the image.</summary>
/// <param name="package">Which.</param>
/// <param name="directory">Where its files are.</param>
internal sealed class UnpackedPackage(PinnedPackage package, string directory)
{
    /// <summary>Where <c>ca-certificates</c> has its authorities, a file each.</summary>
    private const string Authorities = "usr/share/ca-certificates";

    /// <summary>Debian's words about a package, which are no files of it.</summary>
    private const string Control = "DEBIAN";

    /// <summary>Where scanners look for the packages of an image without dpkg, as the distroless images have it.</summary>
    private const string Status = "var/lib/dpkg/status.d";

    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = FileAttributes.None };

    /// <summary>Which package it is.</summary>
    internal PinnedPackage Package => package;

    private string Copyright => $"usr/share/doc/{package.Name}/copyright";

    /// <summary>The layer: the libraries, the licence, the authorities as one file, and the record of all that.</summary>
    /// <exception cref="HyperkubeException">It is another package than its pin says, or has no licence.</exception>
    internal IReadOnlyList<LayerEntry> Layer()
    {
        var record = Read($"{Control}/control");
        Expect(Field(record, "Package") == package.Name && Field(record, "Version") == package.Version
            && Field(record, "Architecture") == package.Architecture, $"{package.Name} {package.Version} for {package.Architecture}");
        List<LayerEntry> entries = [.. Kept("")];
        Expect(entries.OfType<LayerFile>().Any(e => e.Path == Copyright), $"a licence in {Copyright}");

        entries.Add(Bytes.File($"{Status}/{package.Name}", Encoding.UTF8.GetBytes($"{record.TrimEnd('\n')}\n")));
        if (File.Exists(PathOf($"{Control}/md5sums")))
        {
            var kept = entries.Select(e => e.Path).ToHashSet(StringComparer.Ordinal);
            var sums = Read($"{Control}/md5sums").Split('\n').Where(l => l.Length > 34 && kept.Contains(l[34..])).Select(l => $"{l}\n");
            entries.Add(Bytes.File($"{Status}/{package.Name}.md5sums", Encoding.UTF8.GetBytes(string.Concat(sums))));
        }

        if (Directory.Exists(PathOf(Authorities)))
        {
            entries.Add(Bytes.File(CertificateBundle.Path, CertificateBundle.Make(PathOf(Authorities))));
        }

        return entries;
    }

    // Whole packages, so that what a scanner says of them is true, without what only people read, and without the tables of
    // character sets, which are 8 MB and which nothing here asks for.
    private bool IsKept(string path) =>
        path == Copyright
        || (IsBelow(path, "lib", "lib64", "usr/lib") && !path.Contains("/gconv/", StringComparison.Ordinal))
        || IsBelow(path, "usr/share/common-licenses") // The licences that a copyright file only names.
        || path is "etc/debian_version" or "etc/os-release"; // What scanners know the distribution by.

    private static bool IsBelow(string path, params IEnumerable<string> directories) =>
        directories.Any(d => path.StartsWith($"{d}/", StringComparison.Ordinal));

    private IEnumerable<LayerEntry> Kept(string parent)
    {
        foreach (var entry in new DirectoryInfo(PathOf(parent)).EnumerateFileSystemInfos("*", Everything))
        {
            var path = Path.Combine(parent, entry.Name);
            if (entry is DirectoryInfo { LinkTarget: null })
            {
                foreach (var kept in path == Control ? [] : Kept(path))
                {
                    yield return kept;
                }
            }
            else if (IsKept(path))
            {
                yield return entry.LinkTarget is { } target
                    ? new LayerLink(path, target)
                    : Bytes.FileOf(path, entry.UnixFileMode, entry.FullName);
            }
        }
    }

    private string PathOf(string relative) => Path.Combine(directory, relative);

    private string Read(string relative) => Encoding.UTF8.GetString(SmallFile.ReadNamed(PathOf(relative), package.File).Span);

    private static string? Field(string record, string name) =>
        record.Split('\n').FirstOrDefault(l => l.StartsWith($"{name}: ", StringComparison.Ordinal))?[(name.Length + 2)..];

    private void Expect(bool isTrue, string what)
    {
        if (!isTrue)
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"{package.File}: something else; expected {what}");
        }
    }
}
