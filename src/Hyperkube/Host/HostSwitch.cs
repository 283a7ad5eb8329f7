using Hyperkube.Oci;

namespace Hyperkube.Host;

/// <summary>Puts new files in the place of old ones: all of them, or none.</summary>
/// <remarks>
/// The order is the guarantee. The new files are on the disk already; then the intent; then the old files get a second name; then the
/// renames, the only instant at which a reader sees a change; then the directories are flushed; then the receipt. Until that is written,
/// whatever the host refuses is undone. Whoever is killed in between leaves the intent, and the next run finishes by it, or undoes it.
/// </remarks>
internal sealed class HostSwitch(HostRoot root, HostState state, Action<string> warn)
{
    /// <summary>Switches.</summary>
    /// <exception cref="HyperkubeException">The host refused; everything is as it was (<see cref="ErrorKind.HostFailed"/>).</exception>
    internal void Run(SwitchIntent intent)
    {
        using Directories directories = new(root, intent);
        try
        {
            state.Save(intent);
            Keep(intent.Steps, directories);
            foreach (var step in intent.Steps)
            {
                directories[step].Rename(step.Staged, step.Name);
            }

            Record(intent, directories);
        }
        catch
        {
            Undo(intent, directories);
            throw;
        }

        Finish(intent, directories);
    }

    /// <summary>Finishes what a killed run began, or undoes it.</summary>
    internal void Recover(CancellationToken cancellationToken)
    {
        if (state.TryReadIntent() is not { } intent)
        {
            return;
        }

        if (intent.IsRecorded)
        {
            FinishLater(intent);
            return;
        }

        using Directories directories = new(root, intent);
        if (intent.Steps.All(step => CanFinish(step, directories[step], cancellationToken)))
        {
            // The old file of a step that is not done yet may not have its second name.
            var open = intent.Steps.Where(s => !IsNew(s, directories[s], s.Name, cancellationToken)).ToList();
            Keep(open, directories);
            foreach (var step in open)
            {
                directories[step].Rename(step.Staged, step.Name);
            }

            Record(intent, directories);
            Finish(intent, directories);
            warn("an earlier run was ended between two renames; they are finished now");
        }
        else
        {
            Undo(intent, directories);
            warn("an earlier run was ended between two renames; what it had changed is as it was before");
        }
    }

    private static void Keep(IEnumerable<SwitchStep> steps, Directories directories)
    {
        var kept = steps.Where(s => s.KeepsOld).ToList();
        foreach (var step in kept)
        {
            directories[step].Keep(step.Name, step.Keep);
        }

        directories.Flush(kept);
    }

    private void Record(SwitchIntent intent, Directories directories)
    {
        directories.Flush(intent.Steps);
        var stamps = intent.Steps.ToDictionary(s => s.Path, s => directories[s].Stat(s.Name), StringComparer.Ordinal);
        state.Save(intent.Receipt.With(
            intent.Receipt.Binaries.Where(b => stamps.ContainsKey(b.Path)).Select(b => b with { Stamp = stamps[b.Path] }).ToList()));
    }

    // What is installed is installed: whatever cannot be tidied up now, the next run does.
    private void Finish(SwitchIntent intent, Directories directories)
    {
        List<HyperkubeException> failures = [];
        foreach (var step in intent.Steps)
        {
            Try(() => Finish(step, directories[step]), failures);
        }

        Try(() => directories.Flush(intent.Steps), failures);
        if (failures.Count == 0)
        {
            Try(state.ForgetIntent, failures);
        }

        if (failures is [var failure, ..])
        {
            warn($"{failure.Message}; the files are in place, the next run tidies up");
            if (!intent.IsRecorded)
            {
                Try(() => state.Save(intent with { IsRecorded = true }), failures); // Else the next run writes the receipt again.
            }
        }
    }

    private void FinishLater(SwitchIntent intent)
    {
        try
        {
            using Directories directories = new(root, intent);
            Finish(intent, directories);
        }
        catch (HyperkubeException e)
        {
            warn(e.Message); // The directory itself: somebody has put something else there.
        }
    }

    private static void Finish(SwitchStep step, HostDirectory directory)
    {
        if (step.KeepsOld && directory.TryStat(step.Keep) is not null)
        {
            if (!step.IsRollback)
            {
                directory.Rename(step.Keep, SwitchStep.PreviousOf(step.Name));
            }

            directory.Remove(step.Keep); // Still there if both are names of one file: then the rename did nothing.
        }

        if (step.IsRollback)
        {
            directory.Remove(SwitchStep.PreviousOf(step.Name));
        }
    }

    // Everything that can be put back is, even if something cannot: the intent stays then.
    private void Undo(SwitchIntent intent, Directories directories)
    {
        List<HyperkubeException> failures = [];
        foreach (var step in intent.Steps)
        {
            Try(() => Undo(step, directories[step]), failures);
        }

        Try(() => directories.Flush(intent.Steps), failures);
        if (failures is [var failure, ..])
        {
            throw new HyperkubeException(ErrorKind.HostFailed, $"{failure.Message}; what was changed could not be put back", failure)
            {
                Hint = "mend the host and run it again: it goes on where it was",
            };
        }

        state.ForgetIntent();
    }

    private static void Try(Action act, List<HyperkubeException> failures)
    {
        try
        {
            act();
        }
        catch (HyperkubeException e)
        {
            failures.Add(e);
        }
    }

    private static void Undo(SwitchStep step, HostDirectory directory)
    {
        if (!IsNew(step, directory, step.Name, CancellationToken.None))
        {
            directory.Remove(step.Keep); // Not touched yet, or somebody else's by now.
        }
        else if (directory.TryStat(step.Keep) is not null)
        {
            directory.Rename(step.Keep, step.Name);
        }
        else if (!step.HasOld)
        {
            directory.Remove(step.Name);
        }
    }

    // Done already; or not begun, and both files are what they were.
    private static bool CanFinish(SwitchStep step, HostDirectory directory, CancellationToken cancellationToken) =>
        IsNew(step, directory, step.Name, cancellationToken)
        || (IsOld(step, directory, cancellationToken) && IsNew(step, directory, step.Staged, cancellationToken));

    private static bool IsNew(SwitchStep step, HostDirectory directory, string name, CancellationToken cancellationToken) =>
        Is(directory, name, step.NewSha256, step.NewLink, cancellationToken);

    private static bool IsOld(SwitchStep step, HostDirectory directory, CancellationToken cancellationToken) =>
        step.HasOld
            ? Is(directory, step.Name, step.OldSha256, step.OldLink, cancellationToken)
            : directory.TryStat(step.Name) is null;

    private static bool Is(HostDirectory directory, string name, string? sha256, string? link, CancellationToken cancellationToken) =>
        sha256 is null ? link is not null && directory.ReadLink(name) == link : directory.HashOf(name, cancellationToken)?.Hex == sha256;

    /// <summary>The directories of the steps, each open once.</summary>
    private sealed class Directories : IDisposable
    {
        private readonly Dictionary<string, HostDirectory> _open = new(StringComparer.Ordinal);

        internal Directories(HostRoot root, SwitchIntent intent)
        {
            foreach (var path in intent.Steps.Select(s => s.Directory).Distinct(StringComparer.Ordinal))
            {
                _open[path] = root.OpenOrMakeDirectory(path, Oci.Content.FileModes.Executable);
            }
        }

        internal HostDirectory this[SwitchStep step] => _open[step.Directory];

        internal void Flush(IEnumerable<SwitchStep> steps)
        {
            foreach (var path in steps.Select(s => s.Directory).Distinct(StringComparer.Ordinal))
            {
                _open[path].Flush();
            }
        }

        public void Dispose()
        {
            foreach (var directory in _open.Values)
            {
                directory.Dispose();
            }
        }
    }
}
