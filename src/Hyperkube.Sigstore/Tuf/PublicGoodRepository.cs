namespace Hyperkube.Sigstore.Tuf;

/// <summary>The TUF repository of Sigstore's public instance.</summary>
public static class PublicGoodRepository
{
    /// <summary>The file that says whom to trust.</summary>
    public const string TrustedRootPath = "trusted_root.json";

    private static readonly Lazy<byte[]> Embedded = new(() => Resource.Read("tuf_root.json"));

    /// <summary>Where it is served.</summary>
    public static Uri Location { get; } = new("https://tuf-repo-cdn.sigstore.dev");

    /// <summary>A root of it, with which every update may begin; it comes with this program.</summary>
    public static ReadOnlyMemory<byte> RootJson => Embedded.Value;

    /// <summary>What a root says of itself.</summary>
    /// <param name="root">A root, such as <see cref="RootJson"/>.</param>
    /// <returns>Its version, and until when it could be the newest one.</returns>
    /// <exception cref="TufException">It is none.</exception>
    public static (long Version, DateTimeOffset Expires) Describe(ReadOnlyMemory<byte> root)
    {
        var read = RootMetadata.Read(root);
        return (read.Version, read.Expires);
    }
}
