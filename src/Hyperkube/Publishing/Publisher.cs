using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layout;
using Hyperkube.Oci.Registry;

namespace Hyperkube.Publishing;

/// <summary>Something that goes along with an image and refers to it: a signature, a list of parts, a proof of origin.</summary>
public interface IImageAttachment
{
    /// <summary>Attaches it to an image, or finds that it is attached.</summary>
    /// <param name="image">The image; its binaries can still be read.</param>
    /// <param name="repository">Where the image is already, without its tag.</param>
    /// <param name="cancellationToken">Leaves content that nothing names.</param>
    /// <returns>What is attached now, each to what.</returns>
    Task<IReadOnlyList<Attachment>> AttachAsync(NodeImage image, RemoteRepository repository, CancellationToken cancellationToken);
}

/// <summary>What is attached to what.</summary>
/// <param name="Subject">A manifest or an index.</param>
/// <param name="Manifest">What refers to it.</param>
public sealed record Attachment(Digest Subject, Descriptor Manifest);

/// <summary>Publishes built images: content, then what refers to it, then a look at what the registry has of it, and the tag last. Whoever
/// finds the tag finds all of it.</summary>
/// <param name="attachments">What goes along with each image.</param>
public sealed class Publisher(IReadOnlyList<IImageAttachment> attachments)
{
    /// <summary>Of attaching, where others take away what was attached.</summary>
    private const int MaxRounds = 4;

    /// <summary>Publishes an image.</summary>
    /// <param name="layout">Holds it.</param>
    /// <param name="image">The image.</param>
    /// <param name="open">Opens the repository; called twice, because what was sent is not read back from what the sender remembers.
    /// </param>
    /// <param name="tag">Its tag.</param>
    /// <param name="moveTag">Whether the tag may stand for other content now.</param>
    /// <param name="cancellationToken">Leaves content that no tag names.</param>
    /// <exception cref="HyperkubeException">The tag stands for other content (<see cref="ErrorKind.TagConflict"/>), or the registry has not
    /// all that was sent (<see cref="ErrorKind.BadContent"/>).</exception>
    public async Task<PublishResult> PublishAsync(
        ImageLayout layout, NodeImage image, Func<RemoteRepository> open, string tag, bool moveTag, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(open);
        var repository = open();
        await new ContentCopier(layout, repository).CopyAsync(image.Index, cancellationToken).ConfigureAwait(false);
        await AttachAsync(image, open, repository, cancellationToken).ConfigureAwait(false);
        ImageOutput output = new(layout, image, tag, RegistryReference.TryParseLocalName($"hyperkube:{tag}")!);
        var present = await output.TagAsync(repository, tag, moveTag, cancellationToken).ConfigureAwait(false);

        // Registries cannot be asked to tag only what has no tag yet: between the look and the tag another worker may have been. What
        // counts is what the tag stands for in the end.
        var reader = open();
        var published = await PublishedRelease.ReadAsync(reader, image.Version, tag, cancellationToken).ConfigureAwait(false)
            ?? throw Missing(reader, present ?? image.Index.Digest);
        return published.Root.Digest == image.Index.Digest ? new PublishResult(published, WasPresent: false)
            : published.Root.Digest == present
                || await output.FindSameAsync(reader, tag, cancellationToken).ConfigureAwait(false) == published.Root.Digest
                ? new PublishResult(published, WasPresent: true)
            : throw new HyperkubeException(
                ErrorKind.TagConflict,
                $"{reader.Name}:{tag}: tagged by another at the same time, as {published.Root.Digest}; expected {image.Index.Digest}");
    }

    // A registry without the referrers API keeps their list below a tag, and whoever publishes the same image at the same time may write
    // an older list over ours: then it is attached again.
    private async Task AttachAsync(
        NodeImage image, Func<RemoteRepository> open, RemoteRepository repository, CancellationToken cancellationToken)
    {
        for (var round = 1; ; round++)
        {
            List<Attachment> attached = [];
            foreach (var attachment in attachments)
            {
                attached.AddRange(await attachment.AttachAsync(image, repository, cancellationToken).ConfigureAwait(false));
            }

            var expected = attached.ToLookup(a => a.Subject, a => a.Manifest);
            if (await FindUnlistedAsync(expected, open(), image.Index, cancellationToken).ConfigureAwait(false) is not { } unlisted)
            {
                return;
            }

            if (round == MaxRounds)
            {
                throw new HyperkubeException(
                    ErrorKind.Unavailable,
                    $"{repository.Name}: {unlisted.Manifest.Digest} was attached to {unlisted.Subject} {MaxRounds} times, "
                        + "and is not listed there")
                {
                    Hint = "run it again, when nobody else publishes there",
                };
            }
        }
    }

    // Documents are read and hashed, blobs are asked for with their size: the registry has hashed them when it took them.
    private static async Task<Attachment?> FindUnlistedAsync(
        ILookup<Digest, Descriptor> attached, RemoteRepository repository, Descriptor node, CancellationToken cancellationToken)
    {
        if (!MediaTypes.IsDocument(node.MediaType))
        {
            return await repository.HasAsync(node, cancellationToken).ConfigureAwait(false) ? null : throw Missing(repository, node.Digest);
        }

        var document = await repository.ReadDocumentAsync(node, cancellationToken).ConfigureAwait(false);
        var listed = attached.Contains(node.Digest)
            ? await repository.ReferrersAsync(node.Digest, cancellationToken).ConfigureAwait(false) : [];
        foreach (var referrer in attached[node.Digest])
        {
            if (!listed.Any(l => l.Digest == referrer.Digest))
            {
                return new Attachment(node.Digest, referrer);
            }
        }

        foreach (var child in OciJson.Children(node, document).Concat(attached[node.Digest]))
        {
            if (await FindUnlistedAsync(attached, repository, child, cancellationToken).ConfigureAwait(false) is { } unlisted)
            {
                return unlisted;
            }
        }

        return null;
    }

    private static HyperkubeException Missing(RemoteRepository repository, Digest digest) =>
        new(ErrorKind.BadContent, $"{repository.Name}: {digest} was sent, and is not there")
        {
            Hint = "run it again; if it stays so, look at what cleans up the registry",
        };
}

/// <summary>What came of publishing an image.</summary>
/// <param name="Image">What its tag stands for.</param>
/// <param name="WasPresent">Whether that is an image that was there before, with the same binaries and other evidence.</param>
public sealed record PublishResult(PublishedRelease Image, bool WasPresent);
