using Hyperkube.Oci;

namespace Hyperkube.Host;

/// <summary>Restarts the units that run what was installed, and looks whether they are well: also what an earlier run was killed before.
/// </summary>
internal sealed class UnitRestarts(HostRoot root, HostState state, IActivityLog log, string? searchPath, TimeProvider time)
{
    /// <summary>Where a kubelet says whether it is well, unless its configuration says otherwise.
    /// Source: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/ (healthzPort)</summary>
    private static readonly Uri KubeletHealth = new("http://127.0.0.1:10248/healthz");

    private SystemManager? _manager;

    private SystemManager Manager => _manager ??= SystemManager.Find(searchPath, time);

    /// <summary>What is owed when files of these paths have changed.</summary>
    internal static IReadOnlyList<OwedRestart> Owe(InstallReceipt receipt, IReadOnlyList<string> units, IReadOnlyList<string> paths) =>
    [
        .. receipt.Owed.Where(o => !units.Contains(o.Unit, StringComparer.Ordinal)),
        .. units.Select(u => new OwedRestart(u, IsRestarted: false,
            [.. receipt.Owed.Where(o => o.Unit == u).SelectMany(o => o.Paths).Union(paths, StringComparer.Ordinal)])),
    ];

    /// <summary>Looks whether the units run what is installed.</summary>
    /// <exception cref="HyperkubeException">One does not (<see cref="ErrorKind.Usage"/>).</exception>
    internal async Task CheckAsync(RestartRequest request, IReadOnlyList<string> paths, CancellationToken cancellationToken)
    {
        if (request.Units.Count > 0 && !root.IsThisHost)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"--restart: {root.Path} is not this host; expected no --root with it")
            {
                Hint = "restart the unit on the host itself",
            };
        }

        foreach (var unit in request.Units)
        {
            var status = await Manager.ShowAsync(unit, cancellationToken).ConfigureAwait(false);
            if (!status.IsLoaded)
            {
                throw new HyperkubeException(ErrorKind.Usage, $"--restart {unit}: there is no such unit");
            }

            if (!paths.Any(status.Runs))
            {
                var programs = status.Programs().ToList();
                throw new HyperkubeException(
                    ErrorKind.Usage,
                    $"--restart {unit}: it runs {string.Join(", ", programs)}; expected one of {string.Join(", ", paths)}")
                {
                    Hint = programs.Find(p => paths.Any(path => Path.GetFileName(path) == Path.GetFileName(p))) is { } program
                        ? $"--to {Path.GetDirectoryName(program)}"
                        : "name the unit that runs what is installed",
                };
            }
        }
    }

    /// <summary>Does what is owed after an install.</summary>
    internal async Task<InstallResult> RunAsync(InstallRequest request, InstallResult result, CancellationToken cancellationToken)
    {
        await NoteOldProcessesAsync(request, cancellationToken).ConfigureAwait(false);
        var (restarted, complaints) = await SettleAsync(request.Restart, cancellationToken).ConfigureAwait(false);
        result = result with { Restarted = restarted };
        if (complaints.Count == 0)
        {
            return result;
        }

        var complaint = string.Join("; ", complaints);
        return request.Restart.RollbackOnFailure
            ? await RollBackAsync(request, result, complaint, cancellationToken).ConfigureAwait(false)
            : result with
            {
                Failure = new HyperkubeException(ErrorKind.Unhealthy, $"{complaint}; the new files are in place")
                {
                    Hint = "look at the unit with journalctl, or go back: hyperkube rollback --restart UNIT",
                },
            };
    }

    /// <summary>Does what an earlier run owes although this one fails: files that were changed then are in place.</summary>
    internal async Task MakeGoodAsync(RestartRequest request, CancellationToken cancellationToken)
    {
        if (state.IsInterrupted)
        {
            return;
        }

        try
        {
            var (_, complaints) = await SettleAsync(request, cancellationToken).ConfigureAwait(false);
            foreach (var complaint in complaints)
            {
                log.Warn(complaint);
            }
        }
        catch (HyperkubeException e)
        {
            log.Warn(e.Message); // What made the run fail matters more.
        }
    }

    /// <summary>Restarts what is to be restarted, and waits for health.</summary>
    /// <returns>The units that were restarted, and what is not well.</returns>
    internal async Task<(IReadOnlyList<string> Restarted, IReadOnlyList<string> Complaints)> SettleAsync(
        RestartRequest request, CancellationToken cancellationToken)
    {
        List<string> restarted = [], complaints = [];
        foreach (var owed in root.IsThisHost ? state.Receipt.Owed : [])
        {
            var status = await Manager.ShowAsync(owed.Unit, cancellationToken).ConfigureAwait(false);
            if (status.IsGone)
            {
                log.Warn($"{owed.Unit}: its restart was owed, but there is no such unit any more");
                Replace(owed, with: null);
                continue;
            }

            using var activity = log.Begin($"restart {owed.Unit}", totalBytes: null);
            string? complaint = null;
            if (!owed.IsRestarted)
            {
                complaint = await Manager.RestartAsync(owed.Unit, request.HealthTimeout, cancellationToken).ConfigureAwait(false);
                restarted.Add(owed.Unit);
                Replace(owed, owed with { IsRestarted = true });
            }

            complaint ??= await new UnitHealth(Manager, time).WaitAsync(
                owed.Unit, HealthUrlOf(status, request), request.HealthTimeout, cancellationToken).ConfigureAwait(false);
            if (complaint is null)
            {
                Replace(owed, with: null);
                activity.Complete("healthy");
            }
            else
            {
                complaints.Add(complaint);
            }
        }

        return (restarted, complaints);
    }

    private async Task<InstallResult> RollBackAsync(
        InstallRequest request, InstallResult result, string complaint, CancellationToken cancellationToken)
    {
        var changed = state.Receipt.Owed.SelectMany(o => o.Paths).ToHashSet(StringComparer.Ordinal);
        var bad = state.Receipt.Binaries.Where(b => changed.Contains(b.Path) && b.Previous is not null).ToList();
        if (bad.Count == 0)
        {
            return result with
            {
                Failure = new HyperkubeException(
                    ErrorKind.Unhealthy, $"{complaint}; the new files are in place, because there is nothing to go back to"),
            };
        }

        log.Warn($"{complaint}; putting the old files back");
        var units = result.Restarted.Union(state.Receipt.Owed.Select(o => o.Unit), StringComparer.Ordinal).ToList(); // Healthy ones too.
        _ = new HostRollback(root, log, searchPath, time).Run(state, bad, complaint, units, cancellationToken);
        var (_, complaints) = await SettleAsync(request.Restart, cancellationToken).ConfigureAwait(false);
        var after = complaints.Count == 0 ? "the old files are back, and the units are healthy"
            : $"the old files are back, and still: {string.Join("; ", complaints)}";
        return result with
        {
            Failure = new HyperkubeException(ErrorKind.Unhealthy, $"{complaint}; {after}; {result.Digest} is on hold")
            {
                Hint = "let the reference point to another image, or install with --force",
            },
        };
    }

    // A run that was killed before it could write down what it owes, or somebody who replaced the file by hand.
    private async Task NoteOldProcessesAsync(InstallRequest request, CancellationToken cancellationToken)
    {
        List<OwedRestart> owed = [.. state.Receipt.Owed];
        var paths = request.Binaries.Select(b => b.Destination).ToList();
        foreach (var unit in request.Restart.Units.Where(u => !owed.Exists(o => o.Unit == u)))
        {
            var status = await Manager.ShowAsync(unit, cancellationToken).ConfigureAwait(false);
            if (paths.Exists(path => RunningProgram.RunsOlder(root, status.MainProcess, path)))
            {
                owed.Add(new OwedRestart(unit, IsRestarted: false, []));
            }
        }

        if (owed.Count > state.Receipt.Owed.Count)
        {
            state.Save(state.Receipt with { Owed = owed });
        }
    }

    private void Replace(OwedRestart owed, OwedRestart? with) => state.Save(state.Receipt with
    {
        Owed = [.. state.Receipt.Owed.Where(o => o.Unit != owed.Unit), .. with is null ? Array.Empty<OwedRestart>() : [with]],
    });

    private Uri? HealthUrlOf(UnitStatus status, RestartRequest request) =>
        request.WithoutHealthUrl || request.HealthUrl is not null ? request.HealthUrl
        : state.Receipt.Binaries.Any(b => b.Name == "kubelet" && status.Runs(b.Path)) ? KubeletHealth
        : null;
}
