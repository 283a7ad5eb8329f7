using System.Collections.Concurrent;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Releases;

namespace Hyperkube.Host;

/// <summary>One install of one image: what is not there yet is staged, checked, and switched to.</summary>
internal sealed class InstallRun(
    InstallRequest request, NodeImage image, HostState state, Installed installed, HostRoot root, IActivityLog log, TimeProvider time)
{
    private readonly ConcurrentDictionary<Destination, KubernetesVersion?> _probed = [];

    internal async Task<InstallResult> RunAsync(IContentSource source, bool isRemote, CancellationToken cancellationToken)
    {
        var present = installed.Destinations.Where(d => IsPresent(d, cancellationToken)).ToList();
        var wanted = installed.Destinations.Except(present).ToList();
        if (request.IsDry && wanted.All(w => ClaimFor(w) is not null))
        {
            return Result(present, wanted.Select(w => Foreseen(w, ClaimFor(w)!.Sha256, ClaimFor(w)!.Size)));
        }

        if (!request.IsDry)
        {
            installed.RemovePartsBut(image.Layers);
        }

        BinaryFetch fetch = new(source, image, isRemote, request.IsDry, log);
        CheckSpace(fetch, wanted);
        var staged = await StageAsync(fetch, wanted, cancellationToken).ConfigureAwait(false);
        try
        {
            var same = wanted.Where(w => IsSame(w, staged[w], cancellationToken)).ToList();
            var changed = wanted.Except(same).ToList();
            return request.IsDry
                ? Result([.. present, .. same], changed.Select(w => Foreseen(w, staged[w].Content!.Digest, staged[w].Content!.Size)))
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
        binary.CheckProgram(request.Platform, $"{image.Root.Digest}: /{destination.ImagePath}");
        binary.Seal(request.Owner, SecurityLabel.For(destination.Directory, destination.FileName));
        _probed[destination] = await ProbeAsync(destination, binary, cancellationToken).ConfigureAwait(false);
    }

    private InstallResult Switch(
        List<Destination> present, List<Destination> changed, IReadOnlyDictionary<Destination, StagedBinary> staged,
        CancellationToken cancellationToken)
    {
        List<(SwitchStep Step, InstalledBinary Binary)> switched = [];
        foreach (var destination in changed)
        {
            var step = StepFor(destination, staged[destination], cancellationToken);
            var entry = Entry(destination, staged[destination].Content!, _probed[destination]);
            switched.Add((step, entry with { Previous = PreviousOf(destination, step) }));
        }

        cancellationToken.ThrowIfCancellationRequested(); // From here on it is finished.
        var kept = present.Select(Refreshed).ToList();
        var receipt = state.Receipt.With([.. kept, .. switched.Select(s => s.Binary)]) with
        {
            Holds = [.. state.Receipt.Holds.Where(h => !installed.IsOnHold(h))], // The reference points elsewhere, or --force.
        };
        if (switched.Count > 0)
        {
            receipt = receipt with { Owed = UnitRestarts.Owe(state.Receipt, request.Restart.Units, [.. changed.Select(c => c.Path)]) };
            new HostSwitch(root, state, log.Warn).Run(new SwitchIntent([.. switched.Select(s => s.Step)], receipt));
        }
        else
        {
            state.Save(receipt);
        }

        return Result(present, switched.Select(s => state.Receipt.At(s.Binary.Path)!));
    }

    private async Task<KubernetesVersion?> ProbeAsync(Destination destination, StagedBinary binary, CancellationToken cancellationToken)
    {
        KubernetesVersion? version = null;
        if (request.WithProbe && root.IsThisHost && request.Platform == Platform.Host && VersionProbe.Knows(destination.Name))
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

        CheckMinimum(destination, version ?? PinnedVersion);
        return version;
    }

    // What the caller's digest stands for was looked at by whoever chose the digest.
    private KubernetesVersion? PinnedVersion =>
        request.Verify == VerificationMode.Digest && KubernetesVersion.TryParse(image.Version, null, out var version) ? version : null;

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
        if (request.MinimumVersion is not null)
        {
            return false;
        }

        var hash = installed.HashOf(destination, cancellationToken);
        return hash is not null && IsDressed(destination) && (
            hash == ClaimFor(destination)?.Sha256
            || (installed.At(destination) is { } there && there.Digest == image.Root.Digest.ToString()
                && there.Platform == request.Platform.ToString() && there.Name == destination.Name && there.Sha256 == hash.Value.Hex));
    }

    private bool IsSame(Destination destination, StagedBinary staged, CancellationToken cancellationToken) =>
        installed.HashOf(destination, cancellationToken) == staged.Content!.Digest && IsDressed(destination);

    private bool IsDressed(Destination destination) =>
        destination.Directory.TryStat(destination.FileName) is { } stamp
        && stamp.Mode == FileModes.Executable && stamp.Owner == request.Owner;

    // Only what nothing above it can hide is known without looking.
    private ClaimedFile? ClaimFor(Destination destination)
    {
        foreach (var layer in image.Layers.Reverse())
        {
            var claim = NodeImage.ClaimOf(layer);
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

    // The same content with another owner or mode is no history.
    private ReplacedFile? PreviousOf(Destination destination, SwitchStep step) => !step.KeepsOld
        ? (step.HasOld ? installed.At(destination)?.Previous : null)
        : new ReplacedFile
        {
            Kept = SwitchStep.PreviousOf(step.Name),
            Sha256 = step.OldSha256,
            Link = step.OldLink,
            Installed = installed.At(destination) is { } there && there.Sha256 == step.OldSha256 ? there with { Previous = null } : null,
        };

    private InstalledBinary Entry(Destination destination, Descriptor content, KubernetesVersion? probed) => new()
    {
        Path = destination.Path,
        Name = destination.Name,
        Reference = request.Reference.ToString(),
        Digest = image.Root.Digest.ToString(),
        Manifest = image.Manifest.Digest.ToString(),
        Platform = request.Platform.ToString(),
        Version = probed?.ToString() ?? image.Version,
        VersionProof = probed is not null ? InstalledBinary.Probed
            : PinnedVersion is not null ? InstalledBinary.Pinned
            : InstalledBinary.Claimed,
        Sha256 = content.Digest.Hex,
        Size = content.Size,
        Verified = request.Verify,
        InstalledAt = time.GetUtcNow(),
    };

    // The bytes are the same: only where they came from, and how they are proved, is said anew.
    private InstalledBinary Refreshed(Destination destination)
    {
        var look = installed.LookOf(destination);
        var hash = look.Hash!.Value;
        Descriptor content = new(MediaTypes.Bytes, hash, look.Stamp!.Size);
        var entry = Entry(destination, content, _probed.GetValueOrDefault(destination)) with { Stamp = look.Stamp };
        return installed.At(destination) is not { } there ? entry
            : there.Sha256 != hash.Hex ? entry with { Previous = there.Previous }
            : entry with
            {
                Previous = there.Previous,
                InstalledAt = there.InstalledAt,
                Version = there.IsVersionProved ? there.Version : entry.Version ?? there.Version,
                VersionProof = there.IsVersionProved ? there.VersionProof : entry.VersionProof,
                Verified = there.Verified > entry.Verified ? there.Verified : entry.Verified,
            };
    }

    private InstalledBinary ForeseenAsItIs(Destination destination) => Foreseen(
        destination, installed.HashOf(destination, CancellationToken.None)!.Value, destination.Directory.Stat(destination.FileName).Size);

    private InstalledBinary Foreseen(Destination destination, Digest sha256, long size) =>
        Entry(destination, new Descriptor(MediaTypes.Bytes, sha256, size), probed: null);

    private InstallResult Result(List<Destination> present, IEnumerable<InstalledBinary> changed)
    {
        var entries = changed.ToList();
        var previous = entries.Count == 0 ? null
            : request.IsDry ? state.Receipt.At(entries[0].Path)
            : entries[0].Previous?.Installed;
        return new InstallResult
        {
            Reference = request.Reference,
            Version = image.Version ?? entries.FirstOrDefault()?.Version,
            Digest = image.Root.Digest,
            Previous = previous,
            Binaries =
            [
                .. installed.Destinations.Select(d => entries.Find(e => e.Path == d.Path) is { } entry
                    ? new InstalledResult(entry, IsInstalled: true)
                    : new InstalledResult(present.Contains(d) && state.Receipt.At(d.Path) is { } there ? there
                        : ForeseenAsItIs(d), IsInstalled: false)),
            ],
        };
    }
}
