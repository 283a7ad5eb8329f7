using System.Collections.Immutable;

namespace Hyperkube.Oci;

/// <summary>The keys of standard annotations.</summary>
/// <remarks>Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md</remarks>
public static class Annotations
{
    /// <summary>When it was made, RFC 3339.</summary>
    public const string Created = "org.opencontainers.image.created";

    /// <summary>One line for a person.</summary>
    public const string Description = "org.opencontainers.image.description";

    /// <summary>The licences of what is inside, as an SPDX expression.</summary>
    public const string Licenses = "org.opencontainers.image.licenses";

    /// <summary>In an <c>index.json</c>: the tag.</summary>
    public const string RefName = "org.opencontainers.image.ref.name";

    /// <summary>The commit that the packaged software was built from.</summary>
    public const string Revision = "org.opencontainers.image.revision";

    /// <summary>Where the source of the packaged software lives.</summary>
    public const string Source = "org.opencontainers.image.source";

    /// <summary>A short name for a person.</summary>
    public const string Title = "org.opencontainers.image.title";

    /// <summary>Where to read about it.</summary>
    public const string Url = "org.opencontainers.image.url";

    /// <summary>Who made the packaged software.</summary>
    public const string Vendor = "org.opencontainers.image.vendor";

    /// <summary>The version of the packaged software.</summary>
    public const string Version = "org.opencontainers.image.version";

    /// <summary>In the <c>index.json</c> of an archive: the full name that containerd gives the image.</summary>
    public const string ContainerdImageName = "io.containerd.image.name";

    /// <summary>A map whose order is that of its keys' bytes, so that it is always written the same.</summary>
    public static ImmutableSortedDictionary<string, string> Of(IEnumerable<KeyValuePair<string, string>>? pairs) =>
        ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, pairs ?? []);
}
