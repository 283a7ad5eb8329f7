namespace Hyperkube.Oci;

/// <summary>The media types that images are made of, and the Docker ones that mean the same.</summary>
/// <remarks>Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md</remarks>
public static class MediaTypes
{
    /// <summary>An index: one manifest for each platform.</summary>
    public const string Index = "application/vnd.oci.image.index.v1+json";

    /// <summary>A manifest: a config and layers.</summary>
    public const string Manifest = "application/vnd.oci.image.manifest.v1+json";

    /// <summary>An image config.</summary>
    public const string Config = "application/vnd.oci.image.config.v1+json";

    /// <summary>A layer without compression.</summary>
    public const string TarLayer = "application/vnd.oci.image.layer.v1.tar";

    /// <summary>A layer compressed with gzip.</summary>
    public const string GzipLayer = "application/vnd.oci.image.layer.v1.tar+gzip";

    /// <summary>A layer compressed with zstd.</summary>
    public const string ZstdLayer = "application/vnd.oci.image.layer.v1.tar+zstd";

    /// <summary>Docker's word for <see cref="Index"/>.</summary>
    public const string DockerIndex = "application/vnd.docker.distribution.manifest.list.v2+json";

    /// <summary>Docker's word for <see cref="Manifest"/>.</summary>
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";

    /// <summary>Docker's word for <see cref="GzipLayer"/>.</summary>
    public const string DockerGzipLayer = "application/vnd.docker.image.rootfs.diff.tar.gzip";

    /// <summary>Bytes of any kind: a file inside a layer has no better type.</summary>
    public const string Bytes = "application/octet-stream";

    /// <summary>Whether it names other manifests.</summary>
    public static bool IsIndex(string mediaType) => mediaType is Index or DockerIndex;

    /// <summary>Whether it is one of the documents that registries keep as manifests: an index, or a manifest.</summary>
    public static bool IsDocument(string mediaType) => IsIndex(mediaType) || IsManifest(mediaType);

    /// <summary>Whether it is a manifest with a config and layers.</summary>
    public static bool IsManifest(string mediaType) => mediaType is Manifest or DockerManifest;
}
