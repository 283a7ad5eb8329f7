using System.Text;
using System.Text.Json;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;

namespace Hyperkube.Releases.Versions;

/// <summary>A file that names releases: one a line, with comments after <c>#</c>; or JSON, a list of them or an object whose names they
/// are, as upstream's own list is.</summary>
/// <param name="path">The file.</param>
public sealed class VersionFile(string path) : IVersionSource
{
    /// <inheritdoc/>
    public string Location => path;

    /// <inheritdoc/>
    public Task<IReadOnlyList<KubernetesVersion>> ReadAsync(CancellationToken cancellationToken)
    {
        var content = SmallFile.ReadNamed(path, "--versions");
        var first = content.Span.TrimStart(" \t\r\n"u8);
        return Task.FromResult(first switch
        {
            [(byte)'{', ..] => ReleaseNotesIndex.Read(content, path),
            [(byte)'[', ..] => ReadList(content),
            _ => ReadLines(Encoding.UTF8.GetString(content.Span)),
        });
    }

    /// <summary>Reads a file that holds one version and nothing else, if it is there.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The version, or null when there is no such file.</returns>
    /// <exception cref="HyperkubeException">It holds something else (<see cref="ErrorKind.Usage"/>).</exception>
    public static KubernetesVersion? ReadOnly(string path)
    {
        var file = SmallFile.Read(path);
        if (file.Absence is not null)
        {
            return null;
        }

        var text = Encoding.UTF8.GetString(file.Bytes.Span).Trim();
        return KubernetesVersion.TryParse(text, null, out var version)
            ? version
            : throw new HyperkubeException(
                ErrorKind.Usage, $"the file {path}: {SmallText.Quote(text)}; expected a version such as v1.30.14");
    }

    private List<KubernetesVersion> ReadList(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return NotEmpty([.. document.RootElement.EnumerateArray().Select((item, i) =>
                Parse(item.ValueKind == JsonValueKind.String ? item.GetString()! : item.GetRawText(), $"{path}: [{i}]"))]);
        }
        catch (JsonException e)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"{path}: not JSON; expected a list of versions", e);
        }
    }

    private List<KubernetesVersion> ReadLines(string text)
    {
        List<KubernetesVersion> versions = [];
        foreach (var (line, number) in text.Split('\n').Select((line, i) => (line.Split('#')[0].Trim(), i + 1)))
        {
            if (line.Length > 0)
            {
                versions.Add(Parse(line, $"{path}:{number}"));
            }
        }

        return NotEmpty(versions);
    }

    private static KubernetesVersion Parse(string text, string where) =>
        KubernetesVersion.TryParse(text, null, out var version)
            ? version
            : throw new HyperkubeException(ErrorKind.Usage, $"{where}: {SmallText.Quote(text)}; expected a version such as v1.34.2");

    private List<KubernetesVersion> NotEmpty(List<KubernetesVersion> versions) =>
        versions.Count > 0 ? versions : throw VersionNames.None(path);
}
