using System.Globalization;
using System.Text;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Releases;

namespace Hyperkube.Publishing;

/// <summary>One version's image in an <see cref="ImageVector"/>.</summary>
/// <param name="Version">Which.</param>
/// <param name="Image">Where it is, with its tag.</param>
/// <param name="Digest">What the tag stands for.</param>
/// <param name="Platforms">What it runs on.</param>
public sealed record ImageVectorEntry(KubernetesVersion Version, RegistryReference Image, Digest Digest, IReadOnlyList<Platform> Platforms);

/// <summary>Overrides for Gardener's image vector: which image each version of Kubernetes uses, pinned by digest.</summary>
/// <remarks>
/// Gardener takes the entry whose <c>targetVersion</c> is the cluster's own version before one without, so these win over the entry that
/// Gardener brings along, and versions that are not here go on with that one. The tag holds the digest, rather than a <c>ref</c>, because
/// every Gardener understands it so. Source: https://github.com/gardener/gardener/blob/v1.48.0/docs/deployment/image_vector.md,
/// https://github.com/gardener/gardener/blob/v1.48.0/pkg/utils/imagevector/types.go
/// </remarks>
public static class ImageVector
{
    /// <summary>Gardener's name of the image.</summary>
    private const string Name = "hyperkube";

    /// <summary>The version that an image's tag says, if Gardener could ask for that: a release, no candidate of one.</summary>
    public static KubernetesVersion? VersionOf(RegistryReference image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return PublishedTags.VersionOf(image.Tag) is { PreRelease: null } version ? version : null;
    }

    /// <summary>Writes the overrides, oldest version first; the last of several entries of one version counts.</summary>
    public static Task WriteAsync(string file, IEnumerable<ImageVectorEntry> entries, CancellationToken cancellationToken) =>
        StagedFile.WriteAsync(file, Encoding.UTF8.GetBytes(Text(entries)), cancellationToken);

    internal static string Text(IEnumerable<ImageVectorEntry> entries)
    {
        SortedDictionary<KubernetesVersion, ImageVectorEntry> byVersion = [];
        foreach (var entry in entries)
        {
            byVersion[entry.Version] = entry;
        }

        StringBuilder yaml = new();
        yaml.Append(byVersion.Count == 0 ? "images: []\n" : "images:\n");
        foreach (var (version, (_, image, digest, platforms)) in byVersion)
        {
            // Quoted, since YAML takes some words for something else; none of them can hold a quote.
            var repository = $"{image.Host}/{image.Repository}";
            var architectures = string.Join(", ", platforms.Select(p => p.Architecture).Where(IsWord).Distinct(StringComparer.Ordinal));
            yaml.Append(CultureInfo.InvariantCulture, $"""
                - name: {Name}
                  repository: "{repository}"
                  tag: "{image.Tag}@{digest}"
                  version: "{version}"
                  targetVersion: "{version.ToString()[1..]}"

                """);
            yaml.Append(architectures.Length == 0 ? "" : $"  architectures: [{architectures}]\n");
        }

        return yaml.ToString();
    }

    // What a registry says of a platform is anybody's text, and would be read as YAML.
    private static bool IsWord(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c));
}
