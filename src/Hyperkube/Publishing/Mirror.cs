using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layout;

namespace Hyperkube.Publishing;

/// <summary>What is to be mirrored, and how.</summary>
public sealed record MirrorRequest
{
    /// <summary>Only these platforms; all when empty.</summary>
    public IReadOnlyList<Platform> Platforms { get; init; } = [];

    /// <summary>Whether an index keeps its digest although platforms are left out; otherwise it is written anew.</summary>
    public bool IsSparse { get; init; }

    /// <summary>Whether signatures and their like come along. Yes unless told.</summary>
    public bool WithReferrers { get; init; } = true;

    /// <summary>Whether a tag that stands for other content is moved.</summary>
    public bool MoveTag { get; init; }

    /// <summary>Whether the platforms of each image are to be told, which may cost a look into it.</summary>
    public bool WithPlatforms { get; init; }
}

/// <summary>One image that was mirrored.</summary>
/// <param name="Source">From where.</param>
/// <param name="Destination">To where.</param>
/// <param name="Digest">The digest there.</param>
/// <param name="IsChanged">Whether anything had to be sent or tagged.</param>
public sealed record MirroredImage(string Source, ImageReference Destination, Digest Digest, bool IsChanged)
{
    /// <summary>What it runs on, as far as it was asked for.</summary>
    public IReadOnlyList<Platform> Platforms { get; init; } = [];
}

/// <summary>Copies images between any two places, byte for byte, with what refers to them.</summary>
public sealed class Mirror(Transports transports, MirrorRequest request, IActivityLog log)
{
    /// <summary>Copies images to one place; a source without tag stands for all its tags.</summary>
    /// <exception cref="HyperkubeException">An image could not be copied; those before it were.</exception>
    public async Task<IReadOnlyList<MirroredImage>> CopyAsync(
        IReadOnlyList<ImageReference> sources, ImageReference destination, CancellationToken cancellationToken)
    {
        List<MirroredImage> mirrored = [];
        ImageDestination? archive = null;
        foreach (var reference in sources)
        {
            using var source = await transports.OpenSourceAsync(reference, cancellationToken).ConfigureAwait(false);
            var target = archive ?? await transports.OpenDestinationAsync(destination, reference, cancellationToken).ConfigureAwait(false);
            archive = target.Content is ArchiveWriter ? target : null;
            await foreach (var (tag, root) in RootsAsync(source, cancellationToken).ConfigureAwait(false))
            {
                mirrored.Add(await CopyAsync(source, root, tag, target, cancellationToken).ConfigureAwait(false));
            }

            if (archive is not null && reference == sources[^1])
            {
                await archive.CommitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        return mirrored;
    }

    private static async IAsyncEnumerable<(string? Tag, Descriptor Root)> RootsAsync(
        ImageSource source, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (tag, isOne) = source.Reference switch
        {
            RegistryReference remote => (remote.Tag, remote.Tag is not null || remote.Digest is not null),
            LayoutReference layout => (layout.Tag, layout.Tag is not null || layout.Digest is not null),
            ArchiveReference archive => (TagOf(archive), archive.Name is not null),
            _ => (null, true),
        };
        if (isOne)
        {
            yield return (tag, await source.FindAsync(cancellationToken).ConfigureAwait(false));
            yield break;
        }

        await foreach (var (each, root) in source.AllAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return (each, root ?? await ResolveAsync(source, each!, cancellationToken).ConfigureAwait(false));
        }
    }

    private static string? TagOf(ArchiveReference archive) =>
        archive.Format == ArchiveFormat.Oci ? archive.Name
        : archive.Name is null ? null
        : RegistryReference.TryParseLocalName(archive.Name)?.Tag;

    private static async Task<Descriptor> ResolveAsync(ImageSource source, string tag, CancellationToken cancellationToken) =>
        await source.Content.ResolveAsync(tag, cancellationToken).ConfigureAwait(false)
        ?? throw new HyperkubeException(ErrorKind.NotFound, $"{source.Reference}: the tag {tag} has gone");

    private async Task<MirroredImage> CopyAsync(
        ImageSource source, Descriptor root, string? sourceTag, ImageDestination destination, CancellationToken cancellationToken)
    {
        var selection = await PlatformSelection.OfAsync(source, root, request, destination, cancellationToken).ConfigureAwait(false);
        var sent = 0;
        ContentCopier copier = new(source.Content, destination.Content)
        {
            IsWanted = selection.IsWanted,
            Begin = content =>
            {
                Interlocked.Increment(ref sent);
                return content.Size > Announced ? new BlobProgress(log, content) : null;
            },
        };
        var withReferrers = request.WithReferrers && destination.Reference is not ArchiveReference { Format: ArchiveFormat.Docker };
        await selection.CopyAsync(copier, destination.Content, withReferrers, cancellationToken).ConfigureAwait(false);
        if (withReferrers)
        {
            AttachedTags attached = new(source.Content, destination.Content, request.MoveTag);
            sent += await attached.CopyAsync(copier.Documents, cancellationToken).ConfigureAwait(false);
        }

        // The tag last: whoever finds it finds all of it.
        var tag = destination.Tag ?? (destination.Reference is RegistryReference { Digest: not null } ? null : sourceTag);
        if (destination.Reference is ArchiveReference { Format: ArchiveFormat.Docker } docker)
        {
            var nameTag = sourceTag ?? "latest";
            var name = RegistryReference.TryParseLocalName(
                docker.Name ?? (source.Reference as RegistryReference)?.WithoutDigest() ?? $"image:{nameTag}");
            await ((ArchiveWriter)destination.Content).TagAsync(selection.Root, name?.Tag ?? nameTag, name).ConfigureAwait(false);
        }
        else if (tag is not null)
        {
            await destination.Content.TagAsync(selection.Root, tag, request.MoveTag, cancellationToken).ConfigureAwait(false);
        }

        return new MirroredImage(
            Shown(source.Reference, sourceTag, root.Digest), destination.With(tag), selection.Root.Digest, sent > 0)
        {
            Platforms = request.WithPlatforms ? await selection.PlatformsAsync(source, cancellationToken).ConfigureAwait(false) : [],
        };
    }

    /// <summary>Smaller blobs are through before a line about them is read.</summary>
    private const long Announced = 1 << 20;

    private static string Shown(ImageReference reference, string? tag, Digest digest) => reference switch
    {
        RegistryReference remote => (remote with { Tag = tag, Digest = remote.Digest ?? (tag is null ? digest : null) }).ToString(),
        LayoutReference layout => (layout with { Tag = tag }).ToString(),
        _ => reference.ToString(),
    };

    private sealed class BlobProgress(IActivityLog log, Descriptor content) : ICopyProgress
    {
        private readonly IActivity _activity = log.Begin($"copy {Name(content)}", content.Size);

        public void Report(long value) => _activity.Report(value);

        public void Complete() => _activity.Complete(Sizes.Text(content.Size));

        public void Dispose() => _activity.Dispose();

        private static string Name(Descriptor content) =>
            $"{Path.GetFileName(content.Annotation(Images.NodeImageRecipe.FilePath)) ?? "blob"} sha256:{content.Digest.Hex[..12]}";
    }
}
