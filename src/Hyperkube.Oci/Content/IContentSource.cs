using Hyperkube.Oci.Images;

namespace Hyperkube.Oci.Content;

/// <summary>Somewhere content can be read from: a registry, a layout on disk, an archive.</summary>
public interface IContentSource
{
    /// <summary>Finds what a tag or digest stands for, or null when there is no such thing.</summary>
    /// <param name="reference">A tag or a digest; null means the only image there is.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<Descriptor?> ResolveAsync(string? reference, CancellationToken cancellationToken);

    /// <summary>Opens content for reading; the stream fails at its end unless the bytes are the descriptor's.</summary>
    /// <returns>A stream that the caller disposes.</returns>
    ValueTask<Stream> OpenAsync(Descriptor content, CancellationToken cancellationToken);

    /// <summary>Opens content from an offset on, to go on with what is there already. The stream cannot verify itself: whoever has the
    /// beginning must.</summary>
    /// <returns>A stream that the caller disposes.</returns>
    ValueTask<Stream> OpenAtAsync(Descriptor content, long offset, CancellationToken cancellationToken);

    /// <summary>What refers to a manifest: signatures, lists of parts, proofs of origin.</summary>
    ValueTask<IReadOnlyList<Descriptor>> ReferrersAsync(Digest subject, CancellationToken cancellationToken);

    /// <summary>Takes note that content turned out wrong.</summary>
    /// <returns>Whether it can be had from elsewhere, as the next opening then does.</returns>
    bool Distrust(Descriptor content) => false;
}

/// <summary>What any source can do by what each source does.</summary>
public static class ContentSourceExtensions
{
    /// <summary>Reads a manifest, an index or a config, whole and verified.</summary>
    /// <exception cref="HyperkubeException">It is larger than any such document may be.</exception>
    public static async Task<byte[]> ReadDocumentAsync(
        this IContentSource source, Descriptor document, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        while (true)
        {
            try
            {
                return await ReadDocumentAsync(document, source.Opener(document), cancellationToken).ConfigureAwait(false);
            }
            catch (DigestMismatchException) when (source.Distrust(document))
            {
                // The next mirror may be right.
            }
        }
    }

    /// <summary>Opens content as destinations want it opened.</summary>
    public static OpenContent Opener(this IContentSource source, Descriptor content)
    {
        ArgumentNullException.ThrowIfNull(source);
        return (offset, token) => offset == 0 ? source.OpenAsync(content, token) : source.OpenAtAsync(content, offset, token);
    }

    /// <summary>Opens what is in memory, as destinations want it opened.</summary>
    public static OpenContent OpenerOf(byte[] content) =>
        (offset, _) => ValueTask.FromResult<Stream>(new MemoryStream(content, writable: false) { Position = offset });

    /// <summary>Opens content for a destination that verifies what it gets by itself.</summary>
    internal static OpenContent UnverifiedOpener(this IContentSource source, Descriptor content) =>
        (offset, token) => source.OpenAtAsync(content, offset, token);

    internal static async Task<byte[]> ReadDocumentAsync(Descriptor document, OpenContent open, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(document);
        if (document.Size > OciJson.MaxDocumentBytes)
        {
            throw new HyperkubeException(ErrorKind.BadContent,
                $"{document.Digest}: a document of {document.Size} bytes; expected at most {OciJson.MaxDocumentBytes}");
        }

        var stream = await open(0, cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            using MemoryStream content = new((int)document.Size);
            await stream.CopyToAsync(content, cancellationToken).ConfigureAwait(false);
            return content.ToArray();
        }
    }

    /// <summary>What a tagged index says refers to a manifest: the way of those that keep no count of their own.</summary>
    internal static async ValueTask<IReadOnlyList<Descriptor>> TaggedReferrersAsync(
        this IContentSource source, Digest subject, CancellationToken cancellationToken)
    {
        var tag = ReferrersIndex.TagOf(subject);
        return await source.ResolveAsync(tag, cancellationToken).ConfigureAwait(false) is { } index && MediaTypes.IsIndex(index.MediaType)
            ? ReferrersIndex.Read(
                OciJson.ReadIndex(await source.ReadDocumentAsync(index, cancellationToken).ConfigureAwait(false), tag), subject)
            : [];
    }
}
