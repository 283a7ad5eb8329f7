using Hyperkube.Oci;

namespace Hyperkube.Host;

/// <summary>What a rollback put back.</summary>
/// <param name="Left">What was there.</param>
/// <param name="Restored">What was replaced by it and is there again.</param>
public sealed record RolledBack(InstalledBinary Left, ReplacedFile Restored);

/// <summary>Puts back what the last install that changed something replaced, and puts the digest that it leaves on hold.</summary>
/// <param name="root">The host.</param>
/// <param name="log">Told what happens.</param>
/// <param name="searchPath">Where programs are looked for: PATH.</param>
/// <param name="time">The clock.</param>
public sealed class HostRollback(HostRoot root, IActivityLog log, string? searchPath, TimeProvider time)
{
    /// <summary>Goes back.</summary>
    /// <param name="names">Names or paths of what is to go back; all if there are none.</param>
    /// <param name="restart">What is restarted then.</param>
    /// <param name="isDry">Whether nothing is changed.</param>
    /// <param name="lockPatience">How long another run is waited for.</param>
    /// <param name="cancellationToken">Ends the waits.</param>
    /// <exception cref="HyperkubeException">There is nothing to go back to (<see cref="ErrorKind.NotFound"/>), or what was kept is not
    /// what was replaced (<see cref="ErrorKind.BadContent"/>).</exception>
    public async Task<(IReadOnlyList<RolledBack> Binaries, IReadOnlyList<string> Restarted, HyperkubeException? Failure)> RunAsync(
        IReadOnlyList<string> names, RestartRequest restart, bool isDry, TimeSpan lockPatience, CancellationToken cancellationToken)
    {
        using var state = isDry
            ? HostState.Look(root, log.Warn)
            : await HostState.LockAsync(root, lockPatience, log.Warn, cancellationToken).ConfigureAwait(false);
        if (!isDry)
        {
            new HostSwitch(root, state, log.Warn).Recover(cancellationToken);
            using var destinations = DestinationsOf(state.Receipt.Binaries);
            destinations.RemoveAbandoned();
            state.RemoveAbandoned();
        }

        UnitRestarts units = new(root, state, log, searchPath, time);
        var chosen = Choose(state.Receipt, names);
        await units.CheckAsync(restart, [.. chosen.Select(b => b.Path)], cancellationToken).ConfigureAwait(false);
        if (isDry)
        {
            return ([.. chosen.Select(b => new RolledBack(b, b.Previous!))], [], null);
        }

        var done = Run(state, chosen, "it was rolled back", units, restart.Units, cancellationToken);
        try
        {
            var complaints = await units.SettleAsync(restart, cancellationToken).ConfigureAwait(false);
            return (done, units.Restarted, complaints.Count == 0 ? null : new HyperkubeException(
                ErrorKind.Unhealthy, $"{string.Join("; ", complaints)}; the old files are back in place"));
        }
        catch (HyperkubeException e)
        {
            return (done, units.Restarted, e);
        }
    }

    /// <summary>Puts files back under a lock that is held already.</summary>
    internal IReadOnlyList<RolledBack> Run(
        HostState state, IReadOnlyList<InstalledBinary> binaries, string because, UnitRestarts restarts, IReadOnlyList<string> units,
        CancellationToken cancellationToken)
    {
        using var destinations = DestinationsOf(binaries);
        if (destinations.All.FirstOrDefault(d => d.Directory.TryStat("") is null) is { } gone)
        {
            throw new HyperkubeException(ErrorKind.NotFound, $"{root.Seen(gone.Path)}: its directory is gone");
        }

        try
        {
            var steps = binaries.Zip(destinations.All, (binary, d) => Prepare(binary, d.Directory, cancellationToken)).ToList();
            new HostSwitch(root, state, log.Warn).Run(
                new SwitchIntent(steps, ReceiptAfter(state.Receipt, binaries, because, restarts, units)));
        }
        finally
        {
            destinations.RemoveAbandoned(); // What was not renamed because something failed.
        }

        return [.. binaries.Select(b => new RolledBack(b, b.Previous!))];
    }

    // Directories that are gone are not made again.
    private Destinations DestinationsOf(IReadOnlyList<InstalledBinary> binaries) =>
        new(root, [.. binaries.Select(b => new WantedBinary(b.Name, b.Name, b.Path))], isDry: true, log.Warn);

    private InstallReceipt ReceiptAfter(
        InstallReceipt receipt, IReadOnlyList<InstalledBinary> binaries, string because, UnitRestarts restarts,
        IReadOnlyList<string> units)
    {
        var paths = binaries.Select(b => b.Path).ToHashSet(StringComparer.Ordinal);
        return receipt with
        {
            Binaries =
            [
                .. receipt.Binaries.Where(b => !paths.Contains(b.Path))
                    .Concat(binaries.Select(b => b.Previous!.Installed).OfType<InstalledBinary>())
                    .OrderBy(b => b.Path, StringComparer.Ordinal),
            ],
            Holds = [.. receipt.Holds, .. HoldsOn(binaries, because)],
            Owed = restarts.Owe(receipt, units, [.. paths]),
        };
    }

    private List<InstalledBinary> Choose(InstallReceipt receipt, IReadOnlyList<string> names)
    {
        if (receipt.Binaries.Count == 0)
        {
            throw new HyperkubeException(
                ErrorKind.NotFound, $"nothing is installed here by the receipt in {root.Seen(HostState.DirectoryPath)}");
        }

        foreach (var name in names.Where(n => !receipt.Binaries.Any(b => IsCalled(b, n))))
        {
            throw new HyperkubeException(
                ErrorKind.NotFound, $"{name}: not installed; expected one of {string.Join(", ", receipt.Binaries.Select(b => b.Path))}");
        }

        var chosen = receipt.Binaries
            .Where(b => b.Previous is not null && (names.Count == 0 || names.Any(n => IsCalled(b, n)))).ToList();
        return chosen.Count > 0 ? chosen : throw new HyperkubeException(
            ErrorKind.NotFound, "there is nothing to go back to: the last install replaced nothing, or has been rolled back")
        {
            Hint = "install the version that you want",
        };
    }

    private static bool IsCalled(InstalledBinary binary, string name) => binary.Name == name || binary.Path == name;

    private static SwitchStep Prepare(InstalledBinary binary, HostDirectory directory, CancellationToken cancellationToken)
    {
        var (name, previous) = (Path.GetFileName(binary.Path), binary.Previous!);
        string[] names = [previous.Kept, SwitchStep.KeepOf(name)];
        if (Array.Find(names, n => IsWhole(directory, n, previous, cancellationToken)) is not { } kept)
        {
            throw new HyperkubeException(
                directory.TryStat(previous.Kept) is null ? ErrorKind.NotFound : ErrorKind.BadContent,
                $"{directory.Seen(previous.Kept)}: not the file that was replaced; expected sha256:{previous.Sha256}")
            {
                Hint = "install the version that you want",
            };
        }

        var staged = StagedBinary.NewName(name);
        directory.Keep(kept, staged);
        var old = directory.TryStat(name);
        return new SwitchStep
        {
            Directory = directory.Path,
            Name = name,
            Staged = staged,
            NewSha256 = previous.Sha256,
            NewLink = previous.Link,
            HasOld = old is not null,
            OldSha256 = old is { IsFile: true } ? directory.HashOf(name, cancellationToken)?.Hex : null,
            OldLink = old is { IsLink: true } ? directory.ReadLink(name) : null,
            IsRollback = true,
        };
    }

    private static bool IsWhole(HostDirectory directory, string kept, ReplacedFile previous, CancellationToken cancellationToken) =>
        previous.Link is { } link
            ? directory.ReadLink(kept) == link
            : directory.HashOf(kept, cancellationToken)?.Hex == previous.Sha256;

    private IEnumerable<Hold> HoldsOn(IReadOnlyList<InstalledBinary> binaries, string because) =>
        binaries.GroupBy(b => (b.Digest, b.Manifest)).Select(
            image => new Hold(image.Key.Digest, image.Key.Manifest, [.. image.Select(b => b.Path)], because, time.GetUtcNow()));
}
