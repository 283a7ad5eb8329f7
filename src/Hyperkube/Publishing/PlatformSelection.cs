using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layout;

namespace Hyperkube.Publishing;

/// <summary>Which part of an image is copied, and under which root.</summary>
internal sealed class PlatformSelection
{
    private readonly byte[]? _newIndex;
    private readonly IReadOnlyList<Descriptor> _kept;

    private PlatformSelection(Descriptor root, IReadOnlyList<Descriptor> kept, byte[]? newIndex, Func<Descriptor, bool> isWanted) =>
        (Root, _kept, _newIndex, IsWanted) = (root, kept, newIndex, isWanted);

    /// <summary>What the destination's tag will stand for.</summary>
    internal Descriptor Root { get; }

    /// <summary>Which children of an index are copied.</summary>
    internal Func<Descriptor, bool> IsWanted { get; }

    internal static async Task<PlatformSelection> OfAsync(
        ImageSource source, Descriptor root, MirrorRequest request, ImageDestination destination, CancellationToken cancellationToken)
    {
        var toDocker = destination.Reference is ArchiveReference { Format: ArchiveFormat.Docker };
        if (!MediaTypes.IsIndex(root.MediaType) || (request.Platforms.Count == 0 && !toDocker))
        {
            return Whole(root);
        }

        var where = root.Digest.ToString();
        var index = OciJson.ReadIndex(await source.Content.ReadDocumentAsync(root, cancellationToken).ConfigureAwait(false), where);
        var there = There(index.Manifests);
        var wanted = request.Platforms.Count > 0 ? request.Platforms
            : [Images.ImageOutput.OnePlatform(there, destination.Reference.ToString())];
        var kept = index.Manifests.Where(m => m.Platform is { } platform && wanted.Contains(platform)).ToList();
        if (wanted.FirstOrDefault(p => kept.All(m => m.Platform != p)) is { } missing)
        {
            throw new HyperkubeException(ErrorKind.NotFound,
                $"{source.Reference}: has no {missing}; it has {string.Join(", ", there)}");
        }

        if (toDocker)
        {
            return kept is [var only] ? Whole(only)
                : throw new HyperkubeException(ErrorKind.Usage, $"{destination.Reference}: takes one platform, not {kept.Count}");
        }

        var digests = kept.Select(m => m.Digest).ToHashSet();
        if (request.IsSparse)
        {
            return new PlatformSelection(root, kept, newIndex: null, m => digests.Contains(m.Digest) || m.Platform is null);
        }

        if (kept.Count == index.Manifests.Count)
        {
            return Whole(root);
        }

        var narrowed = OciJson.Write(index with { Manifests = kept });
        return new PlatformSelection(Descriptor.Of(root.MediaType, narrowed), kept, narrowed, _ => true);
    }

    /// <summary>Copies the part; the root comes last.</summary>
    internal async Task CopyAsync(
        ContentCopier copier, IContentDestination destination, bool withReferrers, CancellationToken cancellationToken)
    {
        if (_newIndex is not { } index)
        {
            await copier.CopyAsync(Root, withReferrers, cancellationToken).ConfigureAwait(false);
            return;
        }

        foreach (var manifest in _kept)
        {
            await copier.CopyAsync(manifest, withReferrers, cancellationToken).ConfigureAwait(false);
        }

        await destination.PutAsync(Root, ContentSourceExtensions.OpenerOf(index), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What the copied part runs on, in the order of the index.</summary>
    internal async Task<IReadOnlyList<Platform>> PlatformsAsync(ImageSource source, CancellationToken cancellationToken)
    {
        if (_kept.Count > 0)
        {
            return There(_kept);
        }

        var where = Root.Digest.ToString();
        var document = await source.Content.ReadDocumentAsync(Root, cancellationToken).ConfigureAwait(false);
        if (MediaTypes.IsIndex(Root.MediaType))
        {
            return There(OciJson.ReadIndex(document, where).Manifests);
        }

        var config = OciJson.ReadManifest(document, where).Config;
        var read = OciJson.ReadConfig(await source.Content.ReadDocumentAsync(config, cancellationToken).ConfigureAwait(false), where);
        return [new Platform(read.Os, read.Architecture, read.Variant)];
    }

    // What is of no platform is attached to one, as buildkit's attestations are.
    private static List<Platform> There(IReadOnlyList<Descriptor> manifests) =>
        [.. manifests.Select(m => m.Platform).OfType<Platform>().Where(p => p.Os != "unknown")];

    private static PlatformSelection Whole(Descriptor root) => new(root, [], newIndex: null, _ => true);
}
