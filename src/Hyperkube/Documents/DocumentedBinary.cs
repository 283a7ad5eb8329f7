using Hyperkube.Releases;

namespace Hyperkube.Documents;

/// <summary>What documents say about a binary of an image. Nothing in it depends on where the binary was had.</summary>
public sealed record DocumentedBinary
{
    /// <summary>Where the release team publishes, whichever mirror served the bytes.</summary>
    internal const string UpstreamSite = "https://dl.k8s.io/release";

    /// <summary>Which binary of which release.</summary>
    public required ReleaseFile File { get; init; }

    /// <summary>Of its bytes, 64 lower-case hex digits.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Of its bytes, 128 lower-case hex digits.</summary>
    public required string Sha512 { get; init; }

    /// <summary>How it was checked.</summary>
    public required Verification Verification { get; init; }

    /// <summary>Whether the release's signed list names it; else its version is the source's claim.</summary>
    public bool IsVersionProved { get; init; }

    /// <summary>The number of the log entry of its signature; null without one.</summary>
    public long? LogIndex { get; init; }

    /// <summary>Where that log is served; null without an entry.</summary>
    public string? Log { get; init; }

    /// <summary>Its public address upstream.</summary>
    public string Address => $"{UpstreamSite}/{File.Path}";

    /// <summary>The commit that it says it was built from; null when it says none.</summary>
    public string? Commit =>
        Build?.Settings.GetValueOrDefault("vcs.revision") is { Length: 40 or 64 } commit && commit.All(char.IsAsciiHexDigitLower)
            ? commit : null;

    /// <summary>What the linker has written into it; null when it carries nothing.</summary>
    internal GoBuildInfo? Build { get; init; }

    /// <summary>Reads what a binary says of itself.</summary>
    /// <param name="binary">The binary; it stays the caller's.</param>
    public static DocumentedBinary Read(VerifiedBinary binary)
    {
        ArgumentNullException.ThrowIfNull(binary);
        using var content = binary.OpenRead();
        return new DocumentedBinary
        {
            File = binary.File,
            Sha256 = binary.Digest.Hex,
            Sha512 = binary.Sha512,
            Verification = binary.Verification,
            IsVersionProved = binary.IsVersionProved,
            LogIndex = binary.Evidence?.Proof.LogIndex,
            Log = binary.Evidence?.Proof.Log,
            Build = GoBuildInfo.Read(content, binary.File.ToString()),
        };
    }
}
