using System.Runtime.CompilerServices;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layout;
using Hyperkube.Oci.Registry;

namespace Hyperkube.Publishing;

/// <summary>Opens what references point to, whichever transport they name.</summary>
/// <param name="registries">Talks to registries.</param>
/// <param name="readFrom">The hosts that are asked for a registry's content, in order.</param>
/// <param name="writeTo">The host that is sent content.</param>
public sealed class Transports(
    RegistryClient registries, Func<string, IReadOnlyList<RegistryHost>> readFrom, Func<string, RegistryHost> writeTo)
{
    /// <summary>What has passed so far.</summary>
    public RegistryTraffic Traffic => registries.Traffic;

    /// <summary>Opens a place to read from; the caller disposes it.</summary>
    /// <exception cref="HyperkubeException">It is not there, or is something else.</exception>
    public async Task<ImageSource> OpenSourceAsync(ImageReference reference, CancellationToken cancellationToken) => reference switch
    {
        LayoutReference layout => new ImageSource(reference, ImageLayout.Open(layout.Directory)),
        ArchiveReference archive => new ImageSource(
            reference, await ArchiveReader.OpenAsync(archive.File, cancellationToken).ConfigureAwait(false)),
        RegistryReference remote => new ImageSource(reference, registries.Repository(remote.Repository, readFrom(remote.Host))),
        _ => throw new InvalidOperationException($"{reference} names no known transport."),
    };

    /// <summary>Opens a place to write to; the caller disposes it, and commits it first.</summary>
    /// <param name="reference">The place.</param>
    /// <param name="source">Where content will come from: a registry takes over what it has in another repository.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<ImageDestination> OpenDestinationAsync(
        ImageReference reference, ImageReference? source, CancellationToken cancellationToken) => reference switch
        {
            LayoutReference { Digest: not null } or ArchiveReference { Digest: not null } => throw new HyperkubeException(
                ErrorKind.Usage, $"{reference}: a digest; expected oci:DIR[:TAG] of what is written"),
            LayoutReference layout => new ImageDestination(
                reference, await ImageLayout.OpenOrCreateAsync(layout.Directory, cancellationToken).ConfigureAwait(false)),
            ArchiveReference archive => new ImageDestination(reference, new ArchiveWriter(archive.File, archive.Format)),
            RegistryReference remote => new ImageDestination(reference, registries.Repository(
                remote.Repository,
                [writeTo(remote.Host)],
                MountFrom(source, remote))),
            _ => throw new InvalidOperationException($"{reference} names no known transport."),
        };

    private static IReadOnlyList<string> MountFrom(ImageReference? source, RegistryReference destination) =>
        source is RegistryReference from && from.Host == destination.Host && from.Repository != destination.Repository
            ? [from.Repository]
            : [];
}

/// <summary>A place to read images from.</summary>
public sealed class ImageSource : IDisposable
{
    internal ImageSource(ImageReference reference, IContentSource content) => (Reference, Content) = (reference, content);

    /// <summary>What the user called it.</summary>
    public ImageReference Reference { get; }

    /// <summary>Its content.</summary>
    public IContentSource Content { get; }

    /// <summary>Finds the image that the reference names.</summary>
    /// <exception cref="HyperkubeException">There is none (<see cref="ErrorKind.NotFound"/>).</exception>
    public async Task<Descriptor> FindAsync(CancellationToken cancellationToken) =>
        await TryFindAsync(cancellationToken).ConfigureAwait(false)
        ?? throw new HyperkubeException(ErrorKind.NotFound, $"{Reference}: no such image")
        {
            Hint = Reference is RegistryReference ? "check repository and tag" : "see which tags are there: leave the tag out",
        };

    /// <summary>The images that a reference without tag stands for: all, with their tags. A person's tags only: what is attached to images
    /// comes with them.</summary>
    public async IAsyncEnumerable<(string? Tag, Descriptor? Root)> AllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        switch (Content)
        {
            case RemoteRepository repository:
                await foreach (var tag in repository.TagsAsync(cancellationToken).ConfigureAwait(false))
                {
                    if (!Oci.Images.ReferrersIndex.IsAttached(tag))
                    {
                        yield return (tag, null);
                    }
                }

                break;
            case ImageLayout layout:
                foreach (var image in Tagged(await layout.ListAsync(cancellationToken).ConfigureAwait(false)))
                {
                    yield return image;
                }

                break;
            case ArchiveReader archive:
                foreach (var image in Tagged(await archive.ListAsync(cancellationToken).ConfigureAwait(false)))
                {
                    yield return image;
                }

                break;
            default:
                break;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => (Content as IDisposable)?.Dispose();

    private static IEnumerable<(string? Tag, Descriptor? Root)> Tagged(IEnumerable<Descriptor> images) =>
        images.Select(i => (i.Annotation(Annotations.RefName), (Descriptor?)i))
            .Where(i => i.Item1 is null || !Oci.Images.ReferrersIndex.IsAttached(i.Item1));

    private async Task<Descriptor?> TryFindAsync(CancellationToken cancellationToken) => (Reference, Content) switch
    {
        (RegistryReference remote, RemoteRepository repository) =>
            await repository.FetchRootAsync(remote.Digest?.ToString() ?? remote.Tag!, cancellationToken).ConfigureAwait(false),
        (ArchiveReference { Digest: { } digest }, _) =>
            await Content.ResolveAsync(digest.ToString(), cancellationToken).ConfigureAwait(false),
        (ArchiveReference { Format: ArchiveFormat.Docker, Name: { } name }, ArchiveReader archive) =>
            (await archive.ListAsync(cancellationToken).ConfigureAwait(false)).FirstOrDefault(m =>
                m.Annotation(Annotations.ContainerdImageName) == RegistryReference.TryParseLocalName(name)?.ToString()),
        (ArchiveReference archive, _) => await Content.ResolveAsync(archive.Name, cancellationToken).ConfigureAwait(false),
        (LayoutReference layout, _) =>
            await Content.ResolveAsync(layout.Digest?.ToString() ?? layout.Tag, cancellationToken).ConfigureAwait(false),
        _ => null,
    };
}

/// <summary>A place to write images to.</summary>
public sealed class ImageDestination
{
    internal ImageDestination(ImageReference reference, IContentDestination content) => (Reference, Content) = (reference, content);

    /// <summary>What the user called it.</summary>
    public ImageReference Reference { get; }

    /// <summary>Takes the content.</summary>
    public IContentDestination Content { get; }

    /// <summary>The tag that the reference names, or null.</summary>
    public string? Tag => Reference switch
    {
        RegistryReference remote => remote.Tag,
        LayoutReference layout => layout.Tag,
        ArchiveReference { Format: ArchiveFormat.Oci } archive => archive.Name,
        _ => null,
    };

    /// <summary>What the reference is with a tag.</summary>
    public ImageReference With(string? tag) => Reference switch
    {
        RegistryReference remote => remote with { Tag = tag },
        LayoutReference layout => layout with { Tag = tag },
        ArchiveReference { Format: ArchiveFormat.Oci } archive => archive with { Name = tag },
        _ => Reference,
    };

    /// <summary>Finishes: an archive is written now.</summary>
    public Task CommitAsync(CancellationToken cancellationToken) =>
        Content is ArchiveWriter archive ? archive.CommitAsync(cancellationToken) : Task.CompletedTask;
}
