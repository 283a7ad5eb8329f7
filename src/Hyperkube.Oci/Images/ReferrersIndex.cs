namespace Hyperkube.Oci.Images;

/// <summary>The index that names what refers to a manifest, kept under a tag where nothing else keeps count: in layouts, in archives, at
/// registries without the API.</summary>
/// <remarks>Source: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema</remarks>
public static class ReferrersIndex
{
    /// <summary>More than this for one subject is an attack or an accident: no image has so many signatures.</summary>
    public const int MaxReferrers = 256;

    private const string Prefix = "sha256-";

    /// <summary>The tag of the index of a subject.</summary>
    public static string TagOf(Digest subject) => Prefix + subject.Hex;

    /// <summary>Whether a tag belongs to a digest rather than to a person: the index of referrers, or cosign's <c>.sig</c> and its like.
    /// </summary>
    public static bool IsAttached(string tag)
    {
        ArgumentNullException.ThrowIfNull(tag);
        return tag.StartsWith(Prefix, StringComparison.Ordinal) && tag.Length >= Prefix.Length + 64
            && Digest.TryParse($"sha256:{tag.AsSpan(Prefix.Length, 64)}", null, out _)
            && (tag.Length == Prefix.Length + 64 || tag[Prefix.Length + 64] == '.');
    }

    /// <summary>What an index names, those that are manifests, each once.</summary>
    /// <exception cref="HyperkubeException">There are too many.</exception>
    public static IReadOnlyList<Descriptor> Read(ImageIndex index, Digest subject)
    {
        ArgumentNullException.ThrowIfNull(index);
        Descriptor[] referrers =
        [
            .. index.Manifests.Where(m => MediaTypes.IsDocument(m.MediaType))
                .Where(m => m.Digest != subject).DistinctBy(m => m.Digest),
        ];
        return referrers.Length <= MaxReferrers
            ? referrers
            : throw new HyperkubeException(ErrorKind.BadContent,
                $"{subject}: {referrers.Length} referrers; expected at most {MaxReferrers}");
    }

    /// <summary>The index with further referrers; null when it names all of them already.</summary>
    public static ImageIndex? With(ImageIndex? present, IEnumerable<Descriptor> referrers)
    {
        var former = present ?? new ImageIndex { MediaType = MediaTypes.Index, Manifests = [] };
        var known = former.Manifests.Select(m => m.Digest).ToHashSet();
        Descriptor[] added = [.. referrers.Where(r => known.Add(r.Digest))];
        return added.Length == 0 ? null : former with { Manifests = [.. former.Manifests, .. added] };
    }
}
