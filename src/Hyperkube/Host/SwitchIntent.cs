namespace Hyperkube.Host;

/// <summary>What is about to be renamed, written down before the first rename: a crash between two is finished or undone by it.</summary>
/// <param name="Steps">One for each destination.</param>
/// <param name="Receipt">What the receipt will be.</param>
internal sealed record SwitchIntent(IReadOnlyList<SwitchStep> Steps, InstallReceipt Receipt)
{
    public int Schema { get; init; } = InstallReceipt.CurrentSchema;

    /// <summary>Whether the receipt is written, and only old names are left to be tidied up.</summary>
    public bool IsRecorded { get; init; }
}

/// <summary>One destination's change.</summary>
internal sealed record SwitchStep
{
    private const string KeepPrefix = ".hyperkube-keep-";
    private const string PreviousPrefix = ".hyperkube-prev-";

    /// <summary>The directory, as the host sees it.</summary>
    public required string Directory { get; init; }

    /// <summary>The destination's name in it.</summary>
    public required string Name { get; init; }

    /// <summary>The name under which the new file waits.</summary>
    public required string Staged { get; init; }

    /// <summary>The new file's SHA-256, 64 hex digits; null for a symbolic link that is put back.</summary>
    public string? NewSha256 { get; init; }

    /// <summary>Where the symbolic link that is put back leads; null for a file.</summary>
    public string? NewLink { get; init; }

    /// <summary>Whether something is replaced.</summary>
    public required bool HasOld { get; init; }

    /// <summary>The old file's SHA-256, 64 hex digits; null for a symbolic link, or for nothing.</summary>
    public string? OldSha256 { get; init; }

    /// <summary>Where the old symbolic link leads; null for a file, or for nothing.</summary>
    public string? OldLink { get; init; }

    /// <summary>Whether the kept file is put back: then the old one goes, else it stays as the one to go back to.</summary>
    public bool IsRollback { get; init; }

    /// <summary>Whether the old file is worth keeping: not if only owner or mode of the same content are put right.</summary>
    internal bool KeepsOld => HasOld && (OldSha256 is null || OldSha256 != NewSha256);

    /// <summary>Where the old file is kept until all is done.</summary>
    internal string Keep => KeepOf(Name);

    /// <summary>Where a destination's old file is kept during a switch, and after one that could not be tidied up.</summary>
    internal static string KeepOf(string name) => KeepPrefix + name;

    /// <summary>Where a destination's old file is kept from then on.</summary>
    internal static string PreviousOf(string name) => PreviousPrefix + name;

    /// <summary>The destination, as the host sees it.</summary>
    internal string Path => System.IO.Path.Combine(Directory, Name);
}
