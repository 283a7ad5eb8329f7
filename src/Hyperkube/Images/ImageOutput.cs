using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layout;

namespace Hyperkube.Images;

/// <summary>Brings a built image from the layout it was built in to where it was asked for.</summary>
/// <param name="layout">The layout it was built in.</param>
/// <param name="image">The image.</param>
/// <param name="tag">Its tag where the reference names none.</param>
/// <param name="name">Its full name inside archives.</param>
public sealed class ImageOutput(ImageLayout layout, NodeImage image, string tag, RegistryReference name)
{
    /// <summary>The name under which an engine knows it.</summary>
    public string Name => (name with { Tag = name.Tag ?? tag }).ToFamiliarString();

    /// <summary>Brings it to a layout, be it the one it was built in, or to a registry, and tags it there.</summary>
    /// <param name="destination">Where.</param>
    /// <param name="givenTag">The tag that the user named, or null.</param>
    /// <param name="moveTag">Whether a tag that stands for other content may be moved.</param>
    /// <param name="cancellationToken">Leaves blobs that nothing names.</param>
    /// <returns>Null when the tag stands for it now; else what the tag stood for and still does: an image with the same binaries and
    /// other evidence.</returns>
    /// <exception cref="HyperkubeException">The tag stands for other content (<see cref="ErrorKind.TagConflict"/>).</exception>
    public async Task<Digest?> ToAsync(
        IContentDestination destination, string? givenTag, bool moveTag, CancellationToken cancellationToken)
    {
        // Into the layout it was built in this copies nothing: all of it is there.
        await new ContentCopier(layout, destination).CopyAsync(image.Index, cancellationToken).ConfigureAwait(false);
        return await TagAsync(destination, givenTag, moveTag, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Tags it where all of it is already.</summary>
    /// <inheritdoc cref="ToAsync"/>
    internal async Task<Digest?> TagAsync(
        IContentDestination destination, string? givenTag, bool moveTag, CancellationToken cancellationToken)
    {
        try
        {
            await destination.TagAsync(image.Index, givenTag ?? tag, moveTag, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (HyperkubeException e) when (e.Kind == ErrorKind.TagConflict && destination is IContentSource)
        {
            var published = await FindSameAsync((IContentSource)destination, givenTag ?? tag, cancellationToken).ConfigureAwait(false);
            if (published is null)
            {
                throw;
            }

            return published;
        }
    }

    /// <summary>Writes it into an archive.</summary>
    /// <exception cref="HyperkubeException">The archive holds one platform and the image has several, none of them this
    /// host's.</exception>
    public async Task ToArchiveAsync(ArchiveReference reference, CancellationToken cancellationToken)
    {
        var archive = await ArchiveAsync(reference.Format, reference.File, reference.Name, cancellationToken).ConfigureAwait(false);
        await archive.CommitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Hands it to a container engine.</summary>
    public async Task ToEngineAsync(Publishing.ContainerEngine engine, CancellationToken cancellationToken)
    {
        var archive = await ArchiveAsync(ArchiveFormat.Docker, engine.Name, givenName: null, cancellationToken).ConfigureAwait(false);
        await engine.LoadAsync(archive.WriteAsync, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What an archive of one platform holds: the only one, else this host's.</summary>
    /// <exception cref="HyperkubeException">There are several, none of them this host's.</exception>
    public static Platform OnePlatform(IReadOnlyCollection<Platform> platforms, string where) => platforms switch
    {
        _ when platforms.Count == 1 => platforms.First(),
        _ when platforms.Contains(Platform.Host) => Platform.Host,
        _ => throw new HyperkubeException(ErrorKind.Usage,
            $"{where}: takes one platform, and none of {string.Join(", ", platforms)} is this host's ({Platform.Host})")
        {
            Hint = "say which with --platform OS/ARCH",
        },
    };

    /// <summary>What a tag stands for, if that is an image with the same binaries in the same layers: then only the evidence differs.
    /// </summary>
    internal async Task<Digest?> FindSameAsync(IContentSource source, string published, CancellationToken cancellationToken)
    {
        if (!image.Platforms.Any(p => p.Binaries.Any(b => b.Evidence is not null))
            || await source.ResolveAsync(published, cancellationToken).ConfigureAwait(false) is not { } root)
        {
            return null;
        }

        var theirs = await LayersAsync(source, root, cancellationToken).ConfigureAwait(false);
        return theirs.SetEquals(await LayersAsync(layout, image.Index, cancellationToken).ConfigureAwait(false)) ? root.Digest : null;
    }

    private static async Task<HashSet<(Platform, string, Digest)>> LayersAsync(
        IContentSource source, Descriptor root, CancellationToken cancellationToken)
    {
        var contents = await new ImageInspector(source).InspectAsync(root, cancellationToken).ConfigureAwait(false);
        return [.. contents.Platforms.SelectMany(p => p.Files.Where(f => f.IsClaim).Select(f => (p.Platform, f.Path, f.Layer)))];
    }

    private async Task<ArchiveWriter> ArchiveAsync(
        ArchiveFormat format, string where, string? givenName, CancellationToken cancellationToken)
    {
        var root = image.Index;
        var fullName = name;
        if (format == ArchiveFormat.Docker)
        {
            var platform = OnePlatform([.. image.Platforms.Select(p => p.Manifest.Platform!)], where);
            root = image.Platforms.First(p => p.Manifest.Platform == platform).Manifest;
            fullName = givenName is null ? name : RegistryReference.TryParseLocalName(givenName)!;
        }

        ArchiveWriter archive = new(where, format);
        await new ContentCopier(layout, archive).CopyAsync(root, cancellationToken).ConfigureAwait(false);
        var archiveTag = format == ArchiveFormat.Oci ? givenName ?? tag : fullName.Tag ?? tag;
        await archive.TagAsync(root, archiveTag, fullName with { Tag = fullName.Tag ?? tag }).ConfigureAwait(false);
        return archive;
    }
}
