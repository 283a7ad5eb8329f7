using Hyperkube.Oci;

namespace Hyperkube.Host;

/// <summary>Restarts the units that run what was installed, and looks whether they are well: also what an earlier run was killed before.
/// </summary>
internal sealed class UnitRestarts(HostRoot root, HostState state, IActivityLog log, string? searchPath, TimeProvider time)
{
    /// <summary>Where a kubelet says whether it is well, unless its configuration says otherwise.
    /// Source: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/ (healthzPort)</summary>
    private static readonly Uri KubeletHealth = new("http://127.0.0.1:10248/healthz");

    // A rollback may leave one that the receipt no longer knows.
    private readonly HashSet<string> _kubelets =
        [.. state.Receipt.Binaries.Where(b => b.Name == "kubelet").Select(b => b.Path)];

    private readonly Dictionary<string, UnitStatus> _seen = new(StringComparer.Ordinal);
    private readonly List<string> _restarted = [];
    private SystemManager? _manager;

    /// <summary>The units that were restarted so far.</summary>
    internal IReadOnlyList<string> Restarted => [.. _restarted.Distinct(StringComparer.Ordinal)];

    private SystemManager Manager => _manager ??= SystemManager.Find(searchPath, time);

    /// <summary>What is owed when files of these paths have changed: to the units that run one of them. What changed together also goes
    /// back together.</summary>
    internal IReadOnlyList<OwedRestart> Owe(InstallReceipt receipt, IReadOnlyList<string> units, IReadOnlyList<string> paths)
    {
        var concerned = units.Where(u => !_seen.TryGetValue(u, out var status) || paths.Any(status.Runs)).ToList();
        return
        [
            .. receipt.Owed.Where(o => !concerned.Contains(o.Unit, StringComparer.Ordinal)),
            .. concerned.Select(unit => receipt.Owed.FirstOrDefault(o => o.Unit == unit) is { } owed
                ? owed with { IsRestarted = false, Paths = [.. owed.Paths.Union(paths, StringComparer.Ordinal)] }
                : new OwedRestart(unit, IsRestarted: false, paths)),
        ];
    }

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
            var status = _seen[unit] = await Manager.ShowAsync(unit, cancellationToken).ConfigureAwait(false);
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
        HyperkubeException? failure;
        try
        {
            var complaints = await NoteOldProcessesAsync(request, cancellationToken).ConfigureAwait(false);
            failure = await DoOwedAsync(request.Restart, complaints, cancellationToken).ConfigureAwait(false);
        }
        catch (HyperkubeException e)
        {
            failure = e;
        }

        return result with { Restarted = Restarted, Failure = failure };
    }

    /// <summary>Does what an earlier run owes although this one fails: files that were changed then are in place.</summary>
    /// <returns>What is not well; null if all is.</returns>
    internal async Task<HyperkubeException?> MakeGoodAsync(RestartRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return state.IsInterrupted ? null : await DoOwedAsync(request, [], cancellationToken).ConfigureAwait(false);
        }
        catch (HyperkubeException e)
        {
            return e;
        }
    }

    /// <summary>Restarts what is to be restarted, and waits for health.</summary>
    /// <returns>What is not well.</returns>
    internal async Task<IReadOnlyList<string>> SettleAsync(RestartRequest request, CancellationToken cancellationToken)
    {
        List<string> complaints = [];
        foreach (var owed in root.IsThisHost ? state.Receipt.Owed : [])
        {
            if (await SettleAsync(owed, request, cancellationToken).ConfigureAwait(false) is { } complaint)
            {
                complaints.Add(complaint);
            }
        }

        return complaints;
    }

    private async Task<string?> SettleAsync(OwedRestart owed, RestartRequest request, CancellationToken cancellationToken)
    {
        var (status, complaint) = await LookAsync(owed.Unit, request.HealthTimeout, cancellationToken).ConfigureAwait(false);
        if (status is null)
        {
            return complaint;
        }

        if (status.IsGone)
        {
            log.Warn($"{owed.Unit}: its restart was owed, but there is no such unit any more");
            Replace(owed, with: null);
            return null;
        }

        using var activity = log.Begin($"restart {owed.Unit}", totalBytes: null);
        if (!owed.IsRestarted || RunsOlder(status, [.. owed.Paths, .. state.Receipt.Binaries.Select(b => b.Path)]))
        {
            if (await Manager.RestartAsync(owed.Unit, request.HealthTimeout, cancellationToken).ConfigureAwait(false) is { } refused)
            {
                return refused;
            }

            _restarted.Add(owed.Unit);
            Replace(owed, owed with { IsRestarted = true });
        }

        complaint = await new UnitHealth(Manager, time).WaitAsync(
            owed.Unit, HealthUrlOf(status, owed, request), request.HealthTimeout, cancellationToken).ConfigureAwait(false);
        if (complaint is null)
        {
            Replace(owed, with: null);
            activity.Complete("healthy");
        }

        return complaint;
    }

    private async Task<HyperkubeException?> DoOwedAsync(
        RestartRequest request, IReadOnlyList<string> more, CancellationToken cancellationToken)
    {
        List<string> complaints = [.. more, .. await SettleAsync(request, cancellationToken).ConfigureAwait(false)];
        if (complaints.Count == 0)
        {
            return null;
        }

        var complaint = string.Join("; ", complaints);
        return request.RollbackOnFailure
            ? await RollBackAsync(request, complaint, cancellationToken).ConfigureAwait(false)
            : new HyperkubeException(ErrorKind.Unhealthy, $"{complaint}; the new files are in place")
            {
                Hint = "look at the unit with journalctl, or go back: hyperkube rollback --restart UNIT",
            };
    }

    private async Task<HyperkubeException> RollBackAsync(RestartRequest request, string complaint, CancellationToken cancellationToken)
    {
        var changed = state.Receipt.Owed.SelectMany(o => o.Paths).Distinct(StringComparer.Ordinal).ToList();
        var bad = state.Receipt.Binaries.Where(b => b.Previous is not null && changed.Contains(b.Path, StringComparer.Ordinal)).ToList();
        var stays = changed.Except(bad.Select(b => b.Path), StringComparer.Ordinal).ToList();

        // Old files of others do not help a unit whose own has no predecessor.
        if (!state.Receipt.Owed.Any(o => !_seen.TryGetValue(o.Unit, out var unit) ? bad.Count > 0 : bad.Exists(b => unit.Runs(b.Path))))
        {
            return new HyperkubeException(
                ErrorKind.Unhealthy,
                $"{complaint}; the new files are in place, because there is nothing to go back to"
                    + (stays.Count > 0 ? $": no older {string.Join(", ", stays)} is kept" : ""));
        }

        log.Warn($"{complaint}; putting the old files back");
        try
        {
            var units = Restarted.Union(state.Receipt.Owed.Select(o => o.Unit), StringComparer.Ordinal).ToList(); // Healthy ones too.
            _ = new HostRollback(root, log, searchPath, time).Run(state, bad, complaint, this, units, cancellationToken);
        }
        catch (HyperkubeException e)
        {
            return new HyperkubeException(ErrorKind.Unhealthy, $"{complaint}; it could not be rolled back: {e.Message}", e)
            {
                Hint = e.Hint,
            };
        }

        var still = await SettleAsync(request, cancellationToken).ConfigureAwait(false);
        var back = stays.Count == 0 ? "the old files are back"
            : $"the old {string.Join(", ", bad.Select(b => b.Path))} is back, "
                + $"the new {string.Join(", ", stays)} stays, as no older one is kept";
        var after = still.Count == 0 ? $"{back}, and the units are healthy" : $"{back}, and still: {string.Join("; ", still)}";
        var held = string.Join(", ", bad.Select(b => b.Digest).Distinct(StringComparer.Ordinal));
        return new HyperkubeException(ErrorKind.Unhealthy, $"{complaint}; {after}; {held} is on hold")
        {
            Hint = "let the reference point to another image, or install with --force",
        };
    }

    // A run that was killed before it could write down what it owes, one without --restart, or somebody who replaced the file by hand.
    private async Task<IReadOnlyList<string>> NoteOldProcessesAsync(InstallRequest request, CancellationToken cancellationToken)
    {
        List<OwedRestart> owed = [.. state.Receipt.Owed];
        List<string> complaints = [];
        foreach (var unit in request.Restart.Units.Where(u => !owed.Exists(o => o.Unit == u)))
        {
            var (status, complaint) = await LookAsync(unit, request.Restart.HealthTimeout, cancellationToken).ConfigureAwait(false);
            if (status is null)
            {
                complaints.Add(complaint!);
                continue;
            }

            var paths = request.Binaries.Select(b => b.Destination).ToList();
            var images = paths.Where(p => RunsOlder(status, [p])).Select(p => state.Receipt.At(p)?.Digest).ToList();
            if (images.Count > 0)
            {
                owed.Add(new OwedRestart(unit, IsRestarted: false, [.. paths.Where(p => images.Contains(state.Receipt.At(p)?.Digest))]));
            }
        }

        if (owed.Count > state.Receipt.Owed.Count)
        {
            state.Save(state.Receipt with { Owed = owed });
        }

        return complaints;
    }

    // The files are in place: a systemd that does not answer for a while is no reason to leave.
    private async Task<(UnitStatus? Status, string? Complaint)> LookAsync(
        string unit, TimeSpan patience, CancellationToken cancellationToken)
    {
        try
        {
            var status = await new UnitHealth(Manager, time).ShowAsync(unit, patience, cancellationToken).ConfigureAwait(false);
            return (_seen[unit] = status, null);
        }
        catch (HyperkubeException e)
        {
            return (null, $"{unit} is in an unknown state ({e.Message})");
        }
    }

    private bool RunsOlder(UnitStatus status, IEnumerable<string> paths) =>
        paths.Any(path => RunningProgram.RunsOlder(root, status.MainProcess, path));

    private void Replace(OwedRestart owed, OwedRestart? with) => state.Save(state.Receipt with
    {
        Owed = [.. state.Receipt.Owed.Where(o => o.Unit != owed.Unit), .. with is null ? Array.Empty<OwedRestart>() : [with]],
    });

    private Uri? HealthUrlOf(UnitStatus status, OwedRestart owed, RestartRequest request) =>
        request.WithoutHealthUrl || request.HealthUrl is not null ? request.HealthUrl
        : owed.Paths.Where(p => Path.GetFileName(p) == "kubelet").Concat(_kubelets)
            .Concat(state.Receipt.Binaries.Where(b => b.Name == "kubelet").Select(b => b.Path)).Any(status.Runs) ? KubeletHealth
        : null;
}
