using Hyperkube.Oci;
using Hyperkube.Oci.Content;

namespace Hyperkube.Host;

/// <summary>Where the files of one install go: their directories, each open once, whatever their paths lead to from now on.</summary>
internal sealed class Destinations : IDisposable
{
    private readonly Dictionary<string, HostDirectory> _directories = new(StringComparer.Ordinal);
    private readonly HostRoot _root;
    private readonly Action<string> _warn;

    /// <param name="root">The host.</param>
    /// <param name="binaries">What goes where.</param>
    /// <param name="isDry">Whether directories that are missing are not made.</param>
    /// <param name="warn">Told of what cannot be removed.</param>
    internal Destinations(HostRoot root, IReadOnlyList<WantedBinary> binaries, bool isDry, Action<string> warn)
    {
        (_root, _warn) = (root, warn);
        foreach (var path in binaries.Select(b => Path.GetDirectoryName(b.Destination)!).Distinct(StringComparer.Ordinal))
        {
            _directories[path] = !isDry ? root.OpenOrMakeDirectory(path, FileModes.Executable)
                : root.TryOpenDirectory(path) ?? HostDirectory.Missing(path, root.Seen(path));
        }

        All =
        [
            .. binaries.Select(b => new Destination(
                b.Name, b.ImagePath, _directories[Path.GetDirectoryName(b.Destination)!], Path.GetFileName(b.Destination))),
        ];
        foreach (var destination in All.Where(d => d.Directory.TryStat(d.FileName) is { IsFile: false, IsLink: false }))
        {
            throw destination.Directory.Refused(
                destination.FileName, "is no file; expected a file, or nothing", $"move it away, or use --to {destination.Path}");
        }
    }

    internal IReadOnlyList<Destination> All { get; }

    /// <summary>Removes what killed runs were writing.</summary>
    internal void RemoveAbandoned() => Remove(_directories.Values, StagedBinary.Prefix);

    /// <summary>Removes what killed runs were writing, here and wherever something is installed, and all that is left of those that have
    /// installed nothing.</summary>
    internal void RemoveAbandoned(HostState state)
    {
        RemoveAbandoned();
        var known = state.Receipt.Directories.Except(_directories.Keys, StringComparer.Ordinal).ToList();
        RemoveIn(known, StagedBinary.Prefix);
        var others = state.BegunDirectories.Except([.. known, .. _directories.Keys], StringComparer.Ordinal).ToList();
        RemoveIn(others, StagedBinary.Prefix);
        RemoveIn(others, PartialBlob.Prefix);
    }

    /// <summary>Lets the next run know where this one writes, wherever it goes itself.</summary>
    internal void Begin(HostState state) =>
        state.Begin([.. _directories.Keys.Except(state.Receipt.Directories, StringComparer.Ordinal).Order(StringComparer.Ordinal)]);

    /// <summary>Removes what has come of downloads.</summary>
    internal void RemoveParts() => Remove(_directories.Values, PartialBlob.Prefix);

    /// <summary>Removes what has come of downloads, but of some blobs: nobody will ask for the others again, and they take space.</summary>
    internal void RemovePartsBut(IEnumerable<Descriptor> blobs)
    {
        var kept = blobs.Select(PartialBlob.NameOf).ToHashSet(StringComparer.Ordinal);
        Remove(_directories.Values, PartialBlob.Prefix, kept);
    }

    public void Dispose()
    {
        foreach (var directory in _directories.Values)
        {
            directory.Dispose();
        }
    }

    private void RemoveIn(IEnumerable<string> paths, string prefix)
    {
        foreach (var path in paths)
        {
            try
            {
                using var other = _root.TryOpenDirectory(path);
                Remove(other is null ? [] : [other], prefix);
            }
            catch (HyperkubeException)
            {
                // Not a directory any more, or never one: nothing of this run goes there.
            }
        }
    }

    // Nothing that only tidies up stands in the way of an install.
    private void Remove(IEnumerable<HostDirectory> directories, string prefix, HashSet<string>? but = null)
    {
        foreach (var directory in directories.Where(d => !d.Handle.IsInvalid))
        {
            try
            {
                foreach (var name in directory.Names(prefix).Where(n => but?.Contains(n) != true))
                {
                    directory.Remove(name);
                }
            }
            catch (HyperkubeException e)
            {
                _warn($"{e.Message}; it is left there");
            }
        }
    }
}
