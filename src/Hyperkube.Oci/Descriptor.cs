using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hyperkube.Oci;

/// <summary>Names content: what it is, which bytes, how many. The only thing that is passed between rooms.</summary>
/// <remarks>Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md</remarks>
/// <param name="MediaType">One of <see cref="MediaTypes"/>, or what a foreign manifest said.</param>
/// <param name="Digest">The bytes.</param>
/// <param name="Size">How many bytes; a transfer of more or fewer fails.</param>
public sealed record Descriptor(string MediaType, Digest Digest, long Size)
{
    /// <summary>Hints for a reader; only the content counts.</summary>
    public ImmutableSortedDictionary<string, string>? Annotations { get; init; }

    /// <summary>In an index: what the manifest's programs run on.</summary>
    public Platform? Platform { get; init; }

    /// <summary>In an index: what kind of artifact the manifest is; null for an image.</summary>
    public string? ArtifactType { get; init; }

    /// <summary>What else a foreign document said, kept for whoever writes it back.</summary>
    [JsonExtensionData, JsonInclude]
    internal Dictionary<string, JsonElement>? Extra { get; set; }

    /// <summary>Names the given bytes.</summary>
    public static Descriptor Of(string mediaType, ReadOnlySpan<byte> content) =>
        new(mediaType, Digest.Of(content), content.Length);

    /// <summary>The annotation's text, or null when there is none.</summary>
    public string? Annotation(string key) => Annotations?.GetValueOrDefault(key);
}
