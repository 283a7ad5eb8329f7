using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hyperkube.Oci.Images;

/// <summary>Names manifests: those of one image for several platforms, or, as a layout's <c>index.json</c>, those
/// that have tags.</summary>
/// <remarks>Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md</remarks>
public sealed record ImageIndex
{
    /// <summary>Always 2.</summary>
    public int SchemaVersion { get; init; } = 2;

    /// <summary>What the document says it is; old writers leave it out.</summary>
    public string? MediaType { get; init; }

    /// <summary>The kind of artifact; null for an image.</summary>
    public string? ArtifactType { get; init; }

    /// <summary>What it names.</summary>
    public required IReadOnlyList<Descriptor> Manifests { get; init; }

    /// <summary>The manifest this one says something about; null for an image.</summary>
    public Descriptor? Subject { get; init; }

    /// <summary>Hints for a reader.</summary>
    public ImmutableSortedDictionary<string, string>? Annotations { get; init; }

    /// <summary>What else a foreign document said, kept for whoever writes it back.</summary>
    [JsonExtensionData, JsonInclude]
    internal Dictionary<string, JsonElement>? Extra { get; set; }
}
