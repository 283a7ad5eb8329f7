using System.Globalization;

namespace Hyperkube.Host;

/// <summary>A process that runs an installed file.</summary>
/// <param name="Process">Its number.</param>
/// <param name="IsOlder">Whether it runs what was at the path before.</param>
public sealed record RunningProgram(int Process, bool IsOlder)
{
    private const string Gone = " (deleted)";

    /// <summary>The processes of this host that run a path, or ran it when it was another file.</summary>
    internal static IReadOnlyList<RunningProgram> Of(HostRoot root, string path)
    {
        if (!root.IsThisHost)
        {
            return [];
        }

        List<RunningProgram> running = [];
        foreach (var name in Directory.EnumerateDirectories("/proc").Select(d => Path.GetFileName(d)))
        {
            if (int.TryParse(name, CultureInfo.InvariantCulture, out var process) && TryLook(root, process, path) is { } isOlder)
            {
                running.Add(new RunningProgram(process, isOlder));
            }
        }

        return running;
    }

    /// <summary>Whether a process runs what was at a path before.</summary>
    internal static bool RunsOlder(HostRoot root, int process, string path) => process > 0 && TryLook(root, process, path) == true;

    // Null if it runs something else, or has ended.
    private static bool? TryLook(HostRoot root, int process, string path)
    {
        if (TargetOf(process) is not { } target
            || Path.GetDirectoryName(path) is not { } parent
            || !IsNameOf(Path.GetFileName(target), Path.GetFileName(path)))
        {
            return null;
        }

        using var directory = root.TryOpenDirectory(parent);
        if (directory?.RealPath is not { } real || Path.GetDirectoryName(target) != real)
        {
            return null;
        }

        var now = directory.TryStat(Path.GetFileName(path));
        var runs = Posix.TryStatThrough($"/proc/{process}/exe");
        return runs is null ? null : (runs.Device, runs.Inode) != (now?.Device, now?.Inode);
    }

    private static bool IsNameOf(string program, string name) =>
        program == name || program == SwitchStep.PreviousOf(name)
        || program.StartsWith(StagedBinary.Prefix + name, StringComparison.Ordinal);

    private static string? TargetOf(int process)
    {
        try
        {
            var target = File.ResolveLinkTarget($"/proc/{process}/exe", returnFinalTarget: false)?.FullName;
            return target?.EndsWith(Gone, StringComparison.Ordinal) == true ? target[..^Gone.Length] : target;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // It has ended, or it is a thread of the kernel.
        }
    }
}
