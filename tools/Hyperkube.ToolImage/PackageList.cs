using System.Globalization;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;

namespace Hyperkube.ToolImage;

/// <summary>One Debian package, pinned.</summary>
/// <param name="Architecture">In Debian's words: <c>amd64</c>, or <c>all</c>.</param>
/// <param name="Name">For example <c>libc6</c>.</param>
/// <param name="Version">The whole of Debian's version.</param>
/// <param name="Content">The <c>.deb</c>: its digest and size.</param>
/// <param name="Path">Where it is in the archive: <c>pool/...</c>.</param>
internal sealed record PinnedPackage(string Architecture, string Name, string Version, Descriptor Content, string Path)
{
    /// <summary>What the file is called.</summary>
    internal string File => System.IO.Path.GetFileName(Path);

    /// <summary>Whether it belongs into the image of a platform.</summary>
    internal bool IsFor(Platform platform) => Architecture == "all" || Architecture == platform.Architecture;
}

/// <summary>The packages that the image is made of, as <c>packages.txt</c> pins them: a line each, with
/// architecture, name, version, size, SHA-256 and path; <c>update-packages</c> writes it.</summary>
internal static class PackageList
{
    /// <summary>The C library is the largest, with 3 MB; a pin that promises more is a mistake.</summary>
    private const long MaxPackageBytes = 64 << 20;

    /// <summary>Reads a list.</summary>
    /// <exception cref="HyperkubeException">It is malformed, or names a package twice (<see cref="ErrorKind.Usage"/>).</exception>
    internal static IReadOnlyList<PinnedPackage> Read(string path)
    {
        List<PinnedPackage> packages = [];
        var lines = System.Text.Encoding.UTF8.GetString(SmallFile.ReadNamed(path, "--list").Span).Split('\n');
        foreach (var (index, line) in lines.Index())
        {
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            var package = TryParse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)) ?? throw Malformed(
                path, index, $"'{line}'", "ARCHITECTURE NAME VERSION SIZE SHA256 PATH");
            if (packages.Any(p => p.Name == package.Name && (p.Architecture == package.Architecture || p.Architecture == "all")))
            {
                throw Malformed(path, index, $"{package.Name} for {package.Architecture} a second time", "each package once");
            }

            packages.Add(package);
        }

        return packages;
    }

    private static PinnedPackage? TryParse(string[] words) =>
        words is [var architecture, var name, var version, var size, var sha256, var path]
        && IsName(architecture) && IsName(name) && IsPath(path)
        && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) && bytes is > 0 and <= MaxPackageBytes
        && Digest.TryParse($"sha256:{sha256}", null, out var digest)
            ? new PinnedPackage(architecture, name, version, new Descriptor(MediaTypes.Bytes, digest, bytes), path)
            : null;

    // https://www.debian.org/doc/debian-policy/ch-controlfields.html#source
    private static bool IsName(string text) =>
        text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '+' or '-' or '.') && text[0] is not ('.' or '-');

    private static bool IsPath(string text) =>
        text.StartsWith("pool/", StringComparison.Ordinal) && text.EndsWith(".deb", StringComparison.Ordinal)
        && !text.Split('/').Contains("..", StringComparer.Ordinal);

    private static HyperkubeException Malformed(string path, int index, string what, string expected) =>
        new(ErrorKind.Usage, $"{path}:{index + 1}: {what}; expected {expected}") { Hint = "let update-packages write the file anew" };
}
