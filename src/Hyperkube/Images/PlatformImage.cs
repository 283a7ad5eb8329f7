using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Releases;

namespace Hyperkube.Images;

/// <summary>The image of one platform, ours or another's: its documents, read and compared with each other.</summary>
internal sealed class PlatformImage
{
    private const string ZstdSuffix = "-zstd";

    private PlatformImage(
        Descriptor root, Descriptor manifest, ImageManifest content, ImageConfig config, string? saidVersion, string? tagVersion)
    {
        (Root, Manifest, Layers, DiffIds) = (root, manifest, content.Layers, config.RootFileSystem.DiffIds);
        (SaidVersion, Version) = (saidVersion, saidVersion ?? tagVersion);
        Platform = new Platform(config.Os, config.Architecture);
    }

    /// <summary>What the reference stands for.</summary>
    internal Descriptor Root { get; }

    /// <summary>The manifest of the platform.</summary>
    internal Descriptor Manifest { get; }

    /// <summary>For what, by its config; whatever variant that says.</summary>
    internal Platform Platform { get; }

    /// <summary>Its layers, bottom first.</summary>
    internal IReadOnlyList<Descriptor> Layers { get; }

    /// <summary>The digests of their tars.</summary>
    internal IReadOnlyList<Digest> DiffIds { get; }

    /// <summary>What the image says it is, or its tag; null if neither is a version.</summary>
    internal string? Version { get; }

    /// <summary>What the image itself says it is, in bytes that <see cref="Root"/>'s digest is about; a tag is not among them.</summary>
    internal string? SaidVersion { get; }

    /// <summary>Reads the documents of one platform.</summary>
    /// <exception cref="HyperkubeException">There is no such platform (<see cref="ErrorKind.NotFound"/>), or the documents contradict
    /// each other (<see cref="ErrorKind.BadContent"/>).</exception>
    internal static async Task<PlatformImage> OpenAsync(
        IContentSource source, ImageReference reference, Descriptor root, Platform platform, CancellationToken cancellationToken)
    {
        var document = await source.ReadDocumentAsync(root, cancellationToken).ConfigureAwait(false);
        if (!MediaTypes.IsIndex(root.MediaType))
        {
            return await ReadAsync(source, reference, (root, root), document, platform, said: null, cancellationToken)
                .ConfigureAwait(false);
        }

        var index = OciJson.ReadIndex(document, root.Digest.ToString());
        var manifest = Choose(index, platform, reference);
        document = await source.ReadDocumentAsync(manifest, cancellationToken).ConfigureAwait(false);
        return await ReadAsync(source, reference, (root, manifest), document, platform, SaidBy(index), cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Reads the documents of all platforms.</summary>
    /// <returns>None of an index that names no platform.</returns>
    /// <exception cref="HyperkubeException">The documents contradict each other (<see cref="ErrorKind.BadContent"/>).</exception>
    internal static async Task<IReadOnlyList<PlatformImage>> OpenAllAsync(
        IContentSource source, ImageReference reference, Descriptor root, CancellationToken cancellationToken)
    {
        var document = await source.ReadDocumentAsync(root, cancellationToken).ConfigureAwait(false);
        if (!MediaTypes.IsIndex(root.MediaType))
        {
            return [await ReadAsync(source, reference, (root, root), document, platform: null, said: null, cancellationToken)
                .ConfigureAwait(false)];
        }

        var index = OciJson.ReadIndex(document, root.Digest.ToString());
        List<PlatformImage> images = [];
        foreach (var manifest in ImagesOf(index))
        {
            document = await source.ReadDocumentAsync(manifest, cancellationToken).ConfigureAwait(false);
            images.Add(await ReadAsync(source, reference, (root, manifest), document, manifest.Platform, SaidBy(index), cancellationToken)
                .ConfigureAwait(false));
        }

        return images;
    }

    private static async Task<PlatformImage> ReadAsync(
        IContentSource source, ImageReference reference, (Descriptor Root, Descriptor Manifest) which, byte[] document, Platform? platform,
        string? said, CancellationToken cancellationToken)
    {
        var (root, manifest) = which;
        if (!MediaTypes.IsManifest(manifest.MediaType))
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"{reference}: a '{root.MediaType}'; expected an image or an index");
        }

        var content = OciJson.ReadManifest(document, manifest.Digest.ToString());
        var json = await source.ReadDocumentAsync(content.Config, cancellationToken).ConfigureAwait(false);
        var config = OciJson.ReadConfig(json, content.Config.Digest.ToString());
        Check(reference, platform, manifest == root, content, config);
        var version = content.Annotations?.GetValueOrDefault(Annotations.Version)
            ?? said
            ?? config.Container?.Labels?.GetValueOrDefault(Annotations.Version);
        return new PlatformImage(root, manifest, content, config, VersionOf(version), VersionOf(TagOf(reference)));
    }

    private static string? SaidBy(ImageIndex index) => index.Annotations?.GetValueOrDefault(Annotations.Version);

    private static List<Descriptor> ImagesOf(ImageIndex index) =>
        [.. index.Manifests.Where(m => MediaTypes.IsManifest(m.MediaType) && m.Platform is not null and not { Os: "unknown" })];

    private static Descriptor Choose(ImageIndex index, Platform platform, ImageReference reference)
    {
        var images = ImagesOf(index);
        return images.Find(m => m.Platform == platform)
            ?? images.Find(m => IsFor(platform, m.Platform!.Os, m.Platform.Architecture, m.Platform.Variant))
            ?? throw new HyperkubeException(
                ErrorKind.NotFound, $"{reference}: has no {platform}; it has {string.Join(", ", images.Select(m => m.Platform))}");
    }

    private static void Check(
        ImageReference reference, Platform? platform, bool isAlone, ImageManifest manifest, ImageConfig config)
    {
        if (platform is not null && !IsFor(platform, config.Os, config.Architecture, config.Variant))
        {
            throw new HyperkubeException(
                isAlone ? ErrorKind.NotFound : ErrorKind.BadContent,
                $"{reference}: the image's config says {config.Os}/{config.Architecture}; expected {platform}");
        }

        if (config.RootFileSystem.DiffIds.Count != manifest.Layers.Count)
        {
            throw new HyperkubeException(
                ErrorKind.BadContent,
                $"{reference}: {manifest.Layers.Count} layers, and the image's config names {config.RootFileSystem.DiffIds.Count}");
        }
    }

    // arm64 has a variant that every arm64 has, and some write it.
    private static bool IsFor(Platform wanted, string os, string architecture, string? variant) =>
        (os, architecture) == (wanted.Os, wanted.Architecture)
        && (variant == wanted.Variant || (architecture == "arm64" && (variant ?? "v8") == (wanted.Variant ?? "v8")));

    private static string? VersionOf(string? text)
    {
        var plain = text?.EndsWith(ZstdSuffix, StringComparison.Ordinal) == true ? text[..^ZstdSuffix.Length] : text;
        return KubernetesVersion.TryParse(plain?.Replace('+', '-'), null, out var version) ? version.ToString() : null;
    }

    private static string? TagOf(ImageReference reference) => reference switch
    {
        RegistryReference remote => remote.Tag,
        LayoutReference layout => layout.Tag,
        ArchiveReference { Name: { } name } => name[(name.LastIndexOf(':') + 1)..],
        _ => null,
    };
}
