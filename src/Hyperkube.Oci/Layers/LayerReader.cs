namespace Hyperkube.Oci.Layers;

/// <summary>Opens the tar inside a layer, whoever made it.</summary>
public static class LayerReader
{
    /// <summary>Whether a media type is that of a layer that can be opened.</summary>
    /// <param name="mediaType">The layer's.</param>
    public static bool Knows(string mediaType) => mediaType
        is MediaTypes.GzipLayer or MediaTypes.DockerGzipLayer or MediaTypes.ZstdLayer or MediaTypes.TarLayer;

    /// <summary>Wraps a blob in what its media type asks for.</summary>
    /// <param name="mediaType">The layer's.</param>
    /// <param name="blob">Disposed with the result.</param>
    /// <returns>The tar; reading to its end proves that the compressed stream was whole.</returns>
    /// <exception cref="HyperkubeException">Nobody knows such a layer.</exception>
    public static Stream OpenTar(string mediaType, Stream blob) => mediaType switch
    {
        MediaTypes.GzipLayer or MediaTypes.DockerGzipLayer => new GzipReader(blob),
        MediaTypes.ZstdLayer => new ZstdReader(blob),
        MediaTypes.TarLayer => blob,
        _ => throw new HyperkubeException(
            ErrorKind.BadContent, $"a layer of media type '{mediaType}'; expected a tar, plain or with gzip or zstd"),
    };
}
