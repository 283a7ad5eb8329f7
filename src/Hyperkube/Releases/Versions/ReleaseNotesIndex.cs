using System.Text.Json;
using Hyperkube.Oci;

namespace Hyperkube.Releases.Versions;

/// <summary>The list of all releases that upstream keeps beside the binaries: <c>release-notes-index.json</c>, a map from each version to
/// its notes.</summary>
/// <remarks>It is the only such list there; nobody has signed it, and it also names what came before a release.
/// Source: https://github.com/kubernetes/release/blob/v0.18.0/pkg/release/publish.go</remarks>
/// <param name="files">Where the binaries are.</param>
public sealed class ReleaseNotesIndex(UpstreamFiles files) : IVersionSource
{
    /// <summary>Its name, below the root of a source.</summary>
    public const string FileName = "release-notes-index.json";

    /// <summary>A thousand releases take 130 KB.</summary>
    internal const int MaxBytes = 4 << 20;

    /// <inheritdoc/>
    public string Location => $"{files.Location}/{FileName}";

    /// <inheritdoc/>
    public async Task<IReadOnlyList<KubernetesVersion>> ReadAsync(CancellationToken cancellationToken)
    {
        var content = await files.ReadAsync(FileName, MaxBytes, cancellationToken).ConfigureAwait(false)
            ?? throw new HyperkubeException(ErrorKind.NotFound, $"{Location}: not there; expected upstream's list of releases")
            {
                Hint = "name another list: --versions git+https://github.com/kubernetes/kubernetes, "
                    + "or --versions FILE with one version per line",
            };
        return Read(content.Bytes, content.Where);
    }

    /// <summary>Reads the list. Names that are no version, or lack the <c>v</c>, are none of ours.</summary>
    internal static IReadOnlyList<KubernetesVersion> Read(ReadOnlyMemory<byte> json, string where)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            List<KubernetesVersion> versions = [];
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                foreach (var entry in document.RootElement.EnumerateObject())
                {
                    if (VersionNames.TryParseTag(entry.Name, out var version))
                    {
                        versions.Add(version);
                    }
                }
            }

            return versions.Count > 0 ? versions : throw VersionNames.None(where);
        }
        catch (JsonException e)
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"{where}: not JSON; expected upstream's list of releases", e);
        }
    }
}

/// <summary>How lists name versions.</summary>
internal static class VersionNames
{
    /// <summary>Exactly as upstream names a release: with the <c>v</c>.</summary>
    internal static bool TryParseTag(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out KubernetesVersion? version)
    {
        version = null;
        return text.StartsWith('v') && KubernetesVersion.TryParse(text, null, out version);
    }

    internal static HyperkubeException None(string where) =>
        new(ErrorKind.BadContent, $"{where}: no release in it; expected names such as v1.34.2");
}
