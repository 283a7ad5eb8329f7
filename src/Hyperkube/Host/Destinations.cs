using Hyperkube.Oci;
using Hyperkube.Oci.Content;

namespace Hyperkube.Host;

/// <summary>Where the files of one install go: their directories, each open once, whatever their paths lead to from now on.</summary>
internal sealed class Destinations : IDisposable
{
    private readonly Dictionary<string, HostDirectory> _directories = new(StringComparer.Ordinal);

    /// <param name="root">The host.</param>
    /// <param name="binaries">What goes where.</param>
    /// <param name="isDry">Whether directories that are missing are not made.</param>
    internal Destinations(HostRoot root, IReadOnlyList<WantedBinary> binaries, bool isDry)
    {
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

    /// <summary>Removes what killed runs were writing, here and wherever something is installed.</summary>
    internal void RemoveAbandoned(HostRoot root, InstallReceipt receipt)
    {
        RemoveAbandoned();
        foreach (var path in receipt.Binaries.Select(b => Path.GetDirectoryName(b.Path)).OfType<string>()
            .Except(_directories.Keys, StringComparer.Ordinal))
        {
            try
            {
                using var other = root.TryOpenDirectory(path);
                Remove(other is null ? [] : [other], StagedBinary.Prefix);
            }
            catch (HyperkubeException)
            {
                // Not a directory any more, or never one: nothing of this run goes there.
            }
        }
    }

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

    private static void Remove(IEnumerable<HostDirectory> directories, string prefix, HashSet<string>? but = null)
    {
        foreach (var directory in directories.Where(d => !d.Handle.IsInvalid))
        {
            foreach (var name in directory.Names(prefix).Where(n => but?.Contains(n) != true).ToList())
            {
                directory.Remove(name);
            }
        }
    }
}
