using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Releases;

namespace Hyperkube.Host;

/// <summary>One install of one image: what is not there yet is staged, checked, and switched to.</summary>
internal sealed class InstallRun(
    InstallRequest request, PlatformImage image, BinaryProofs proofs, HostState state, Installed installed, UnitRestarts units,
    HostRoot root, IActivityLog log, TimeProvider time)
{
    private readonly InstallEntries _entries = new(request, image, proofs, installed, time);
    private readonly InstallReceipt _before = state.Receipt;

    internal async Task<InstallResult> RunAsync(IContentSource source, bool isRemote, CancellationToken cancellationToken)
    {
        var present = installed.Destinations.Where(d => IsPresent(d, cancellationToken)).ToList();
        var wanted = installed.Destinations.Except(present).ToList();
        await ProveAsync(source, present, wanted, cancellationToken).ConfigureAwait(false);
        wanted.ForEach(CheckForeseenMinimum);
        if (request.IsDry && wanted.All(w => ClaimFor(w) is not null))
        {
            return Result(present, wanted.Select(w => _entries.Foreseen(w, ClaimFor(w)!.Sha256, ClaimFor(w)!.Size)));
        }

        if (!request.IsDry)
        {
            installed.Begin(image.Layers);
        }

        BinaryFetch fetch = new(source, image, isRemote, request.IsDry, log);
        CheckSpace(fetch, wanted);
        var staged = await StageAsync(fetch, wanted, cancellationToken).ConfigureAwait(false);
        try
        {
            var same = wanted.Where(w => IsSame(w, staged[w], cancellationToken)).ToList();
            var changed = wanted.Except(same).ToList();
            return request.IsDry
                ? Result([.. present, .. same], changed.Select(w => _entries.Of(w, staged[w].Content!)))
                : Switch([.. present, .. same], changed, staged, cancellationToken);
        }
        finally
        {
            foreach (var binary in staged.Values)
            {
                binary.Dispose();
            }
        }
    }

    // Before any layer of a binary is asked for: by the evidence and the annotations, which the bytes must keep to then.
    private async Task ProveAsync(
        IContentSource source, List<Destination> present, List<Destination> wanted, CancellationToken cancellationToken)
    {
        if (!proofs.AreAsked)
        {
            return;
        }

        List<Destination> open = [.. wanted];
        foreach (var destination in present)
        {
            var hash = installed.HashOf(destination, cancellationToken)!.Value;
            if (IsInReceipt(destination, hash) && installed.ProofOf(destination) is { } proof)
            {
                proofs.Add(destination.Name, hash, proof);
            }
            else
            {
                open.Add(destination);
            }
        }

        await proofs.ReadAsync(source, [.. open.Select(d => d.Name).Distinct(StringComparer.Ordinal)], cancellationToken)
            .ConfigureAwait(false);
        foreach (var destination in open)
        {
            if (!wanted.Contains(destination))
            {
                _ = proofs.Of(destination.Name, installed.HashOf(destination, cancellationToken)!.Value);
                _entries.NoteBuild(destination, destination.Directory.CheckProgram(
                    destination.FileName, request.Platform, destination.Name, destination.Directory.Seen(destination.FileName)));
            }
            else if (ClaimFor(destination) is { } claim)
            {
                _ = proofs.Of(destination.Name, claim.Sha256);
            }
            else
            {
                proofs.CheckHope(destination.Name);
            }
        }
    }

    private bool IsInReceipt(Destination destination, Digest hash) => installed.At(destination) is { } there
        && there.Platform == request.Platform.ToString() && there.Name == destination.Name && there.Sha256 == hash.Hex;

    // What will be replaced is hashed while the new comes.
    private async Task<IReadOnlyDictionary<Destination, StagedBinary>> StageAsync(
        BinaryFetch fetch, List<Destination> wanted, CancellationToken cancellationToken)
    {
        var hashing = Task.Run(() => wanted.ForEach(w => installed.HashOf(w, cancellationToken)), cancellationToken);
        try
        {
            return await fetch.RunAsync(wanted, MakeReadyAsync, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await hashing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // While others still come.
    private async Task MakeReadyAsync(Destination destination, StagedBinary binary, CancellationToken cancellationToken)
    {
        _ = proofs.Of(destination.Name, binary.Content!.Digest);
        _entries.NoteBuild(destination, binary.CheckProgram(
            request.Platform, proofs.AreAsked ? destination.Name : null, $"{image.Root.Digest}: /{destination.ImagePath}"));
        binary.Seal(request.Owner, SecurityLabel.For(destination.Directory, destination.FileName, root.IsThisHost));
        await ProbeAsync(destination, binary, cancellationToken).ConfigureAwait(false);
    }

    private InstallResult Switch(
        List<Destination> present, List<Destination> changed, IReadOnlyDictionary<Destination, StagedBinary> staged,
        CancellationToken cancellationToken)
    {
        List<(SwitchStep Step, InstalledBinary Binary)> switched = [];
        foreach (var destination in changed)
        {
            var step = StepFor(destination, staged[destination], cancellationToken);
            var entry = _entries.Of(destination, staged[destination].Content!);
            switched.Add((step, entry with { Previous = _entries.PreviousOf(destination, step) }));
        }

        foreach (var (_, binary) in switched.Where(s => IsDowngrade(s.Binary)))
        {
            log.Warn($"{binary.Path}: {_before.At(binary.Path)!.Version} is replaced by {binary.Version}, which is OLDER");
        }

        cancellationToken.ThrowIfCancellationRequested(); // From here on it is finished.
        var kept = present.Select(_entries.Refreshed).ToList();
        foreach (var binary in kept.Concat(switched.Select(s => s.Binary)))
        {
            KeepEvidence(binary);
        }

        var receipt = state.Receipt.With([.. kept, .. switched.Select(s => s.Binary)]) with
        {
            Holds = state.Receipt.HoldsBut(installed.Paths), // The reference points elsewhere, or --force.
        };
        if (switched.Count > 0)
        {
            receipt = receipt with { Owed = units.Owe(state.Receipt, request.Restart.Units, [.. changed.Select(c => c.Path)]) };
            new HostSwitch(root, state, log.Warn).Run(new SwitchIntent([.. switched.Select(s => s.Step)], receipt));
        }
        else
        {
            state.Save(receipt);
        }

        return Result(present, switched.Select(s => state.Receipt.At(s.Binary.Path)!));
    }

    private async Task ProbeAsync(Destination destination, StagedBinary binary, CancellationToken cancellationToken)
    {
        KubernetesVersion? version = null;
        if (IsProbed(destination))
        {
            version = await VersionProbe.AskAsync(
                destination.Directory, binary.StagedName, destination.Name, time, cancellationToken).ConfigureAwait(false);
            if (image.Version is not null && version.ToString() != image.Version)
            {
                throw new HyperkubeException(
                    ErrorKind.BadContent,
                    $"{request.Reference}: {destination.Name} says that it is {version}; the image says {image.Version}");
            }
        }

        CheckMinimum(destination, (_entries.AreAuthentic ? version : null) ?? _entries.VouchedVersion);
        _entries.NoteProbe(destination, version);
    }

    private bool IsProbed(Destination destination) =>
        request.WithProbe && root.IsThisHost && request.Platform == Platform.Host && VersionProbe.Knows(destination.Name);

    // Before anything is fetched: a probe has to agree with the image, so it will not reach what the image's word does not.
    private void CheckForeseenMinimum(Destination destination)
    {
        if (_entries.VouchedVersion is not null || !_entries.AreAuthentic || !IsProbed(destination))
        {
            CheckMinimum(destination, _entries.VouchedVersion);
        }
        else if (KubernetesVersion.TryParse(image.Version, null, out var said))
        {
            CheckMinimum(destination, said);
        }
    }

    private void CheckMinimum(Destination destination, KubernetesVersion? version)
    {
        if (request.MinimumVersion is { } minimum && (version is null || version.CompareTo(minimum) < 0))
        {
            throw new HyperkubeException(
                ErrorKind.BadContent,
                version is null
                    ? $"--minimum-version {minimum}: nothing proves the version of {destination.Name}"
                    : $"--minimum-version {minimum}: {destination.Name} is {version}");
        }
    }

    // Right already: then it is not fetched. What the receipt says of a path is checked against the file before it counts.
    private bool IsPresent(Destination destination, CancellationToken cancellationToken)
    {
        var hash = installed.HashOf(destination, cancellationToken);
        if (hash is null || !installed.IsDressed(destination))
        {
            return false;
        }

        var isKnown = IsInReceipt(destination, hash.Value);
        if (request.MinimumVersion is not null && !(isKnown && installed.IsNewEnough(installed.At(destination)!)))
        {
            return false; // The bytes have to say it.
        }

        return hash == ClaimFor(destination)?.Sha256
            || (isKnown && installed.At(destination)!.Digest == image.Root.Digest.ToString());
    }

    private bool IsSame(Destination destination, StagedBinary staged, CancellationToken cancellationToken) =>
        installed.HashOf(destination, cancellationToken) == staged.Content!.Digest && installed.IsDressed(destination);

    // Only what nothing above it can hide is known without looking.
    private ClaimedFile? ClaimFor(Destination destination)
    {
        foreach (var layer in image.Layers.Reverse())
        {
            var claim = ClaimedFile.Of(layer);
            if (claim is null || claim.Path == destination.ImagePath)
            {
                return claim;
            }
        }

        return null;
    }

    private static void CheckSpace(BinaryFetch fetch, List<Destination> wanted)
    {
        foreach (var group in wanted.GroupBy(w => w.Directory.TryStat("")?.Device))
        {
            var directory = group.First().Directory;
            var (needed, free) = (fetch.NeededBytes([.. group]), directory.FreeBytes);
            if (needed > free)
            {
                throw directory.Refused(
                    group.First().FileName, $"No space left: {Sizes.Text(needed)} are needed, {Sizes.Text(free)} are free",
                    $"free {Sizes.Text(needed - free)} there");
            }
        }
    }

    private SwitchStep StepFor(Destination destination, StagedBinary binary, CancellationToken cancellationToken)
    {
        var old = destination.Directory.TryStat(destination.FileName);
        return new SwitchStep
        {
            Directory = destination.Directory.Path,
            Name = destination.FileName,
            Staged = binary.StagedName,
            NewSha256 = binary.Content!.Digest.Hex,
            HasOld = old is not null,
            OldSha256 = old is { IsFile: true } ? installed.HashOf(destination, cancellationToken)?.Hex : null,
            OldLink = old is { IsLink: true } ? destination.Directory.ReadLink(destination.FileName) : null,
        };
    }

    private void KeepEvidence(InstalledBinary binary)
    {
        if (Digest.TryParse($"sha256:{binary.Sha256}", null, out var sha256) && proofs.Of(binary.Name, sha256).Bundle is { } bundle)
        {
            state.KeepEvidence(binary.Sha256, bundle.Span);
        }
    }

    private bool IsDowngrade(InstalledBinary binary) =>
        KubernetesVersion.TryParse(_before.At(binary.Path)?.Version, null, out var old)
        && KubernetesVersion.TryParse(binary.Version, null, out var now) && now.CompareTo(old) < 0;

    private InstallResult Result(List<Destination> present, IEnumerable<InstalledBinary> changed)
    {
        var results = changed.ToList();
        var previous = results.Count == 0 ? null
            : request.IsDry ? state.Receipt.At(results[0].Path)
            : results[0].Previous?.Installed;
        return new InstallResult
        {
            Reference = request.Reference,
            Version = image.Version ?? results.FirstOrDefault()?.Version,
            Digest = image.Root.Digest,
            Previous = previous,
            IsDowngrade = results.Exists(IsDowngrade),
            Binaries =
            [
                .. installed.Destinations.Select(d => results.Find(e => e.Path == d.Path) is { } entry
                    ? new InstalledResult(entry, IsInstalled: true)
                    : new InstalledResult(present.Contains(d) && state.Receipt.At(d.Path) is { } there ? there
                        : _entries.Foreseen(
                            d, installed.HashOf(d, CancellationToken.None)!.Value, d.Directory.Stat(d.FileName).Size), IsInstalled: false)),
            ],
        };
    }
}
