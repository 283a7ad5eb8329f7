using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hyperkube.Oci.Images;

/// <summary>The image of one platform: a config and layers, bottom first.</summary>
/// <remarks>Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md</remarks>
public sealed record ImageManifest
{
    /// <summary>Always 2.</summary>
    public int SchemaVersion { get; init; } = 2;

    /// <summary>What the document says it is; old writers leave it out.</summary>
    public string? MediaType { get; init; }

    /// <summary>The kind of artifact; null for an image.</summary>
    public string? ArtifactType { get; init; }

    /// <summary>How the image runs.</summary>
    public required Descriptor Config { get; init; }

    /// <summary>The file system, bottom first.</summary>
    public required IReadOnlyList<Descriptor> Layers { get; init; }

    /// <summary>The manifest this one says something about; null for an image.</summary>
    public Descriptor? Subject { get; init; }

    /// <summary>Hints for a reader.</summary>
    public ImmutableSortedDictionary<string, string>? Annotations { get; init; }

    /// <summary>What only an index has: a document with both would be another image to each of two readers.</summary>
    [JsonInclude]
    internal JsonElement? Manifests { get; init; }
}
