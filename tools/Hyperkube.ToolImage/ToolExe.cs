using System.Text;
using System.Text.RegularExpressions;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layers;
using Hyperkube.Releases;

namespace Hyperkube.ToolImage;

/// <summary>The published exe of a platform.</summary>
/// <param name="Platform">For what.</param>
/// <param name="Path">Where it is.</param>
internal sealed partial record ToolExe(Platform Platform, string Path)
{
    /// <summary>Where it is in the image.</summary>
    internal const string InImage = "usr/bin/hyperkube";

    /// <summary>The names that a program of 20 MB asks its libraries for take some tens of KiB.</summary>
    private const int MaxNamesBytes = 1 << 20;

    /// <summary>What the runtime opens by itself, without saying so in the exe's headers.</summary>
    private static readonly string[] Opened = ["libssl.so.3", "libcrypto.so.3"];

    /// <summary>Reads <c>OS/ARCH=FILE</c>.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    internal static ToolExe Parse(string text) => text.Split('=', 2) is [var platform, { Length: > 0 } path]
        ? new ToolExe(Platform.Parse(platform), path)
        : throw new FormatException($"'{text}': expected OS/ARCH=FILE, for example linux/arm64=artifacts/publish/linux-arm64/hyperkube");

    /// <summary>The layer.</summary>
    /// <param name="below">What is in the layers below.</param>
    /// <exception cref="HyperkubeException">It is no program for the platform, or would not start on what is below.</exception>
    internal LayerFile Layer(IReadOnlyCollection<LayerEntry> below)
    {
        var content = Bytes.Read(Path);
        using MemoryStream stream = new(content, writable: false);
        var names = ElfFile.Check(stream, Platform, Path).ReadSection(".dynstr", MaxNamesBytes)
            ?? throw new HyperkubeException(
                ErrorKind.BadContent, $"{Path}: no names of libraries; expected an exe that dotnet publish made");
        var asked = Encoding.Latin1.GetString(names).Split('\0');
        CheckLibraries(asked, [.. below.Select(e => System.IO.Path.GetFileName(e.Path))]);
        CheckLibc(asked, below);
        return Bytes.File(InImage, content, FileModes.Executable, Path);
    }

    /// <summary>What the layer says of it, as the layers of node images do.</summary>
    internal static IEnumerable<KeyValuePair<string, string>> Annotations(LayerFile file) =>
    [
        new(NodeImageRecipe.FilePath, $"/{file.Path}"),
        new(NodeImageRecipe.FileSha256, file.Content.Digest.Hex),
        new(NodeImageRecipe.FileSize, file.Content.Size.ToString(System.Globalization.CultureInfo.InvariantCulture)),
    ];

    private void CheckLibraries(string[] asked, HashSet<string> present)
    {
        foreach (var library in asked.Where(n => Library().IsMatch(n)).Concat(Opened).Where(n => !present.Contains(n)))
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"{Path}: wants {library}, which no package brings")
            {
                Hint = "add the package to those that update-packages pins",
            };
        }
    }

    // One that was linked on a newer system starts there and nowhere else.
    private void CheckLibc(string[] asked, IEnumerable<LayerEntry> below)
    {
        var wanted = asked.SelectMany(VersionsIn).Max();
        var libc = below.OfType<LayerFile>().First(f => f.Path.EndsWith("/libc.so.6", StringComparison.Ordinal));
        using StreamReader reader = new(libc.Open(), Encoding.Latin1);
        var has = VersionsIn(reader.ReadToEnd()).Max();
        if (wanted > has)
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"{Path}: wants GLIBC {wanted}; the packages bring {has}")
            {
                Hint = "publish it on the Debian release that the packages are of",
            };
        }
    }

    private static IEnumerable<Version> VersionsIn(string text) =>
        LibcVersion().Matches(text).Select(m => Version.Parse(m.Groups["version"].ValueSpan));

    [GeneratedRegex(@"\A(lib[\w+.-]*|ld-linux[\w-]*)\.so(\.\d+)*\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Library();

    [GeneratedRegex(@"GLIBC_(?<version>2\.\d{1,3})(?!\d)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LibcVersion();
}
