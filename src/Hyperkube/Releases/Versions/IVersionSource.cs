using Hyperkube.Oci;

namespace Hyperkube.Releases.Versions;

/// <summary>Somewhere that knows which releases there are.</summary>
public interface IVersionSource
{
    /// <summary>What a person calls it; never with credentials.</summary>
    string Location { get; }

    /// <summary>Reads all of them: pre-releases too, in any order, each once or oftener.</summary>
    /// <exception cref="HyperkubeException">It cannot be had, or knows no release at all.</exception>
    Task<IReadOnlyList<KubernetesVersion>> ReadAsync(CancellationToken cancellationToken);
}

/// <summary>Which of the releases that there are count.</summary>
/// <param name="Minimum">The oldest; null for all.</param>
/// <param name="PreReleases">Whether release candidates and the like count.</param>
public sealed record VersionFilter(KubernetesVersion? Minimum, bool PreReleases)
{
    /// <summary>Those that count, each once, newest first.</summary>
    public IReadOnlyList<KubernetesVersion> Of(IEnumerable<KubernetesVersion> versions) =>
    [
        .. versions
            .Where(v => (PreReleases || v.PreRelease is null) && (Minimum is null || v.CompareTo(Minimum) >= 0))
            .Distinct()
            .OrderDescending(),
    ];
}
