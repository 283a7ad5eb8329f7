using System.Collections.Immutable;

namespace Hyperkube.Oci.Images;

/// <summary>What an image says of itself, beside its layers.</summary>
public sealed record ImageSettings
{
    /// <summary>What its programs run on.</summary>
    public required Platform Platform { get; init; }

    /// <summary>When it was made; the layers' history says the same.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>How a container of it starts.</summary>
    public required ContainerConfig Container { get; init; }

    /// <summary>The manifest's annotations.</summary>
    public required ImmutableSortedDictionary<string, string> Annotations { get; init; }
}

/// <summary>Makes the documents of an image. Pure: the same layers and settings make the same bytes.</summary>
public static class ImageBuilder
{
    /// <summary>Makes the image of one platform.</summary>
    /// <param name="settings">What it says of itself.</param>
    /// <param name="layers">Bottom first, each with the words of its history.</param>
    public static Image Build(ImageSettings settings, IReadOnlyList<(Layer Layer, string CreatedBy)> layers)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(layers);
        var created = Rfc3339(settings.Created);
        var config = DocumentOf(MediaTypes.Config, OciJson.Write(new ImageConfig
        {
            Created = created,
            Architecture = settings.Platform.Architecture,
            Os = settings.Platform.Os,
            Variant = settings.Platform.Variant,
            Container = settings.Container,
            RootFileSystem = new RootFileSystem("layers", [.. layers.Select(l => l.Layer.DiffId)]),
            History = [.. layers.Select(l => new HistoryEntry { Created = created, CreatedBy = l.CreatedBy })],
        }));
        var manifest = DocumentOf(MediaTypes.Manifest, OciJson.Write(new ImageManifest
        {
            MediaType = MediaTypes.Manifest,
            Config = config.Descriptor,
            Layers = [.. layers.Select(l => l.Layer.Descriptor)],
            Annotations = settings.Annotations,
        }));
        return new Image(
            manifest with { Descriptor = manifest.Descriptor with { Platform = settings.Platform } },
            config);
    }

    /// <summary>Makes the index of images of several platforms, which it sorts by platform.</summary>
    public static Document Index(IEnumerable<Image> images, ImmutableSortedDictionary<string, string> annotations) =>
        DocumentOf(MediaTypes.Index, OciJson.Write(new ImageIndex
        {
            MediaType = MediaTypes.Index,
            Manifests = [.. images.Select(i => i.Manifest.Descriptor).OrderBy(d => d.Platform)],
            Annotations = annotations,
        }));

    /// <summary>A time as documents write it: UTC, whole seconds, <c>Z</c>.</summary>
    public static string Rfc3339(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private static Document DocumentOf(string mediaType, byte[] content) =>
        new(Descriptor.Of(mediaType, content), content);
}
