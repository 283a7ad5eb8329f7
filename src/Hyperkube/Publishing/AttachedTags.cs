using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Registry;
using Hyperkube.Sigstore.Signing;

namespace Hyperkube.Publishing;

/// <summary>What cosign has attached to images by the name of a tag: <c>sha256-….sig</c>, <c>.att</c>, <c>.sbom</c>.</summary>
/// <param name="source">Where it is.</param>
/// <param name="destination">Where it is to be.</param>
/// <param name="move">Whether a tag may be moved although something would be lost.</param>
public sealed class AttachedTags(IContentSource source, IContentDestination destination, bool move)
{
    /// <summary>How their tags end.</summary>
    public static IReadOnlyList<string> Suffixes { get; } = [".sig", ".att", ".sbom"];

    /// <summary>A repository with more tags than this is asked for each name instead.</summary>
    private const int MaxListed = 10_000;

    /// <summary>Copies what is attached to manifests.</summary>
    /// <param name="manifests">The manifests.</param>
    /// <param name="cancellationToken">Leaves those tags that came along.</param>
    /// <returns>How many tags came along.</returns>
    public async Task<int> CopyAsync(IReadOnlyCollection<Digest> manifests, CancellationToken cancellationToken)
    {
        var copied = 0;
        foreach (var tag in await NamesAsync(manifests, cancellationToken).ConfigureAwait(false))
        {
            if (await source.ResolveAsync(tag, cancellationToken).ConfigureAwait(false) is { } attached)
            {
                copied += await CopyAsync(attached, tag, cancellationToken).ConfigureAwait(false) ? 1 : 0;
            }
        }

        return copied;
    }

    private async Task<IEnumerable<string>> NamesAsync(IReadOnlyCollection<Digest> manifests, CancellationToken cancellationToken)
    {
        var names = manifests.SelectMany(m => Suffixes.Select(s => ReferrersIndex.TagOf(m) + s)).ToList();
        if (source is not RemoteRepository repository)
        {
            return names;
        }

        // One request instead of three for each manifest.
        try
        {
            HashSet<string> listed = new(StringComparer.Ordinal);
            await foreach (var tag in repository.TagsAsync(cancellationToken).ConfigureAwait(false))
            {
                if (listed.Count == MaxListed)
                {
                    return names;
                }

                listed.Add(tag);
            }

            return names.Where(listed.Contains);
        }
        catch (HyperkubeException e) when (e.Kind is ErrorKind.AccessDenied or ErrorKind.NotFound)
        {
            return names; // Some let nobody list.
        }
    }

    private async Task<bool> CopyAsync(Descriptor attached, string tag, CancellationToken cancellationToken)
    {
        var mayMove = move;
        if (destination is IContentSource there && await there.ResolveAsync(tag, cancellationToken).ConfigureAwait(false) is { } present)
        {
            if (present.Digest == attached.Digest)
            {
                return false;
            }

            // A signature may have been added since; none may be lost.
            mayMove |= (await LayersAsync(there, present, cancellationToken).ConfigureAwait(false))
                .IsSubsetOf(await LayersAsync(source, attached, cancellationToken).ConfigureAwait(false));
        }

        await new ContentCopier(source, destination).CopyAsync(attached, cancellationToken).ConfigureAwait(false);
        await destination.TagAsync(attached, tag, mayMove, cancellationToken).ConfigureAwait(false);
        return true;
    }

    // Signatures of two signers may be over the same text: what tells them apart stands in the annotations.
    private static async Task<HashSet<(Digest Content, string? Signature)>> LayersAsync(
        IContentSource place, Descriptor manifest, CancellationToken cancellationToken)
    {
        if (!MediaTypes.IsManifest(manifest.MediaType))
        {
            return [(manifest.Digest, null)];
        }

        var document = await place.ReadDocumentAsync(manifest, cancellationToken).ConfigureAwait(false);
        return [.. OciJson.ReadManifest(document, manifest.Digest.ToString()).Layers
            .Select(l => (l.Digest, l.Annotation(SimpleSignature.SignatureAnnotation)))];
    }
}
