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
        ArgumentNullException.ThrowIfNull(document);
        if (document.Size > Images.OciJson.MaxDocumentBytes)
        {
            throw new HyperkubeException(ErrorKind.BadContent,
                $"{document.Digest}: a document of {document.Size} bytes; expected at most {Images.OciJson.MaxDocumentBytes}");
        }

        var stream = await source.OpenAsync(document, cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            using MemoryStream content = new((int)document.Size);
            await stream.CopyToAsync(content, cancellationToken).ConfigureAwait(false);
            return content.ToArray();
        }
    }
}
