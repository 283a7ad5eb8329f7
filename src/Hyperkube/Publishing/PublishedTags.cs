using Hyperkube.Oci;
using Hyperkube.Oci.Layers;
using Hyperkube.Oci.Registry;
using Hyperkube.Releases;

namespace Hyperkube.Publishing;

/// <summary>Which releases a repository has, by its tags: the registry is asked, nothing is remembered.</summary>
public sealed class PublishedTags
{
    private const string Zstd = "-zstd";

    private readonly HashSet<string> _tags;

    private PublishedTags(HashSet<string> tags) => _tags = tags;

    /// <summary>The tags of a repository that does not exist, or has none.</summary>
    public static PublishedTags None { get; } = new([]);

    /// <summary>Reads all pages of the list.</summary>
    /// <param name="repository">Of which repository: one that is not there yet has no tags.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<PublishedTags> ReadAsync(RemoteRepository repository, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(repository);
        HashSet<string> tags = new(StringComparer.Ordinal);
        try
        {
            await foreach (var tag in repository.TagsAsync(cancellationToken).ConfigureAwait(false))
            {
                tags.Add(tag);
            }
        }
        catch (HyperkubeException e) when (e.Kind == ErrorKind.NotFound)
        {
            // Registries make a repository with the first push.
        }

        return new PublishedTags(tags);
    }

    /// <summary>These tags.</summary>
    public static PublishedTags Of(IEnumerable<string> tags) => new(new HashSet<string>(tags, StringComparer.Ordinal));

    /// <summary>The tag of a release: its version; with zstd also which compression, which makes it no pre-release.</summary>
    public static string TagOf(KubernetesVersion version, CompressionAlgorithm compression) =>
        compression == CompressionAlgorithm.Zstd ? $"{version}{Zstd}" : $"{version}";

    /// <summary>The release that a tag is of, or null.</summary>
    public static KubernetesVersion? VersionOf(string? tag) =>
        KubernetesVersion.TryParse(tag?.EndsWith(Zstd, StringComparison.Ordinal) == true ? tag[..^Zstd.Length] : tag, null, out var version)
            ? version
            : null;

    /// <summary>Whether a tag is there, exactly so: <c>v1.30.1</c> is not there because <c>v1.30.14</c> is.</summary>
    public bool Has(string tag) => _tags.Contains(tag);
}
