using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Hyperkube.Oci.Images;

/// <summary>What an image runs, on what, and which layers make it.</summary>
/// <remarks>Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md</remarks>
public sealed record ImageConfig
{
    /// <summary>When it was made, RFC 3339.</summary>
    public string? Created { get; init; }

    /// <summary>For example <c>amd64</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>For example <c>linux</c>.</summary>
    public required string Os { get; init; }

    /// <summary>For example <c>v7</c>; null for most.</summary>
    public string? Variant { get; init; }

    /// <summary>How a container of this image starts.</summary>
    [JsonPropertyName("config")]
    public ContainerConfig? Container { get; init; }

    /// <summary>The layers by the digests of their tars.</summary>
    [JsonPropertyName("rootfs")]
    public required RootFileSystem RootFileSystem { get; init; }

    /// <summary>How each layer came about, bottom first.</summary>
    public IReadOnlyList<HistoryEntry>? History { get; init; }
}

/// <summary>How a container starts. Its JSON names are capitalised, as Docker began it.</summary>
public sealed record ContainerConfig
{
    /// <summary>The user, as <c>UID:GID</c>.</summary>
    [JsonPropertyName("User")]
    public string? User { get; init; }

    /// <summary>Environment variables, as <c>NAME=VALUE</c>.</summary>
    [JsonPropertyName("Env")]
    public IReadOnlyList<string>? Environment { get; init; }

    /// <summary>The program and its first arguments.</summary>
    [JsonPropertyName("Entrypoint")]
    public IReadOnlyList<string>? Entrypoint { get; init; }

    /// <summary>More arguments, which the user may replace.</summary>
    [JsonPropertyName("Cmd")]
    public IReadOnlyList<string>? Command { get; init; }

    /// <summary>Where it starts.</summary>
    [JsonPropertyName("WorkingDir")]
    public string? WorkingDirectory { get; init; }

    /// <summary>The annotations that runtimes show.</summary>
    [JsonPropertyName("Labels")]
    public ImmutableSortedDictionary<string, string>? Labels { get; init; }
}

/// <summary>The layers by the digests of their uncompressed tars, bottom first.</summary>
/// <param name="Type">Always <c>layers</c>.</param>
/// <param name="DiffIds">One for each layer.</param>
public sealed record RootFileSystem(string Type, [property: JsonPropertyName("diff_ids")] IReadOnlyList<Digest> DiffIds);

/// <summary>How one layer came about.</summary>
public sealed record HistoryEntry
{
    /// <summary>When, RFC 3339.</summary>
    public string? Created { get; init; }

    /// <summary>By what command.</summary>
    [JsonPropertyName("created_by")]
    public string? CreatedBy { get; init; }

    /// <summary>For a person.</summary>
    public string? Comment { get; init; }

    /// <summary>True for an entry that made no layer.</summary>
    [JsonPropertyName("empty_layer")]
    public bool? EmptyLayer { get; init; }
}
