namespace Hyperkube.Host;

/// <summary>What an installed file is now.</summary>
public enum FileState
{
    /// <summary>What was installed.</summary>
    Intact,

    /// <summary>Another content.</summary>
    Modified,

    /// <summary>Not there.</summary>
    Missing,
}

/// <summary>An installed file, looked at.</summary>
/// <param name="Binary">What the receipt says.</param>
/// <param name="State">What it is now.</param>
/// <param name="ActualSha256">What its content is now; null if it is no file.</param>
/// <param name="Running">The processes that run it.</param>
public sealed record InstalledFile(InstalledBinary Binary, FileState State, string? ActualSha256, IReadOnlyList<RunningProgram> Running);

/// <summary>What is installed on a host, and whether it still is.</summary>
/// <param name="Files">Each file.</param>
/// <param name="Receipt">The whole receipt.</param>
/// <param name="IsInterrupted">Whether an install was ended between two renames.</param>
public sealed record HostReport(IReadOnlyList<InstalledFile> Files, InstallReceipt Receipt, bool IsInterrupted)
{
    /// <summary>Looks at a host: reads every installed file. Changes nothing.</summary>
    public static HostReport Of(HostRoot root, Action<string> warn, CancellationToken cancellationToken)
    {
        using var state = HostState.Look(root, warn);
        return new HostReport(
            [.. state.Receipt.Binaries.Select(b => Look(root, b, cancellationToken))], state.Receipt, state.IsInterrupted);
    }

    private static InstalledFile Look(HostRoot root, InstalledBinary binary, CancellationToken cancellationToken)
    {
        using var directory = root.TryOpenDirectory(Path.GetDirectoryName(binary.Path)!);
        var name = Path.GetFileName(binary.Path);
        var actual = directory?.HashOf(name, cancellationToken)?.Hex;
        var state = actual == binary.Sha256 ? FileState.Intact
            : actual is not null || directory?.TryStat(name) is not null ? FileState.Modified
            : FileState.Missing;
        return new InstalledFile(binary, state, actual, RunningProgram.Of(root, binary.Path));
    }
}
