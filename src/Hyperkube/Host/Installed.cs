using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Releases;

namespace Hyperkube.Host;

/// <summary>What is at the destinations already, by the receipt and by looking.</summary>
internal sealed class Installed(HostState state, Destinations destinations, InstallRequest request, KeptProofs kept)
{
    private readonly Dictionary<string, BinaryProof?> _proofs = new(StringComparer.Ordinal);

    private readonly Dictionary<string, (Digest? Hash, FileStamp? Stamp)> _looks = new(StringComparer.Ordinal);

    internal IReadOnlyList<Destination> Destinations => destinations.All;

    /// <summary>Where the files of this run go.</summary>
    internal IReadOnlyList<string> Paths { get; } = [.. destinations.All.Select(d => d.Path)];

    /// <summary>Whether the receipt speaks of all destinations, so that it is worth asking what the reference stands for.</summary>
    internal bool MayBeCurrent => Destinations.All(d => state.Receipt.At(d.Path) is { } there
        && there.Name == d.Name && there.Platform == request.Platform.ToString()
        && (request.Demand is null || there.Policy == request.Demand.Fingerprint) && ProofOf(d) is not null);

    /// <summary>What the receipt says of a destination; null if nothing.</summary>
    internal InstalledBinary? At(Destination destination) => state.Receipt.At(destination.Path);

    /// <summary>What proves the binary of the receipt, at least as strongly as is asked for now; null if nothing does.</summary>
    internal BinaryProof? ProofOf(Destination destination)
    {
        if (!_proofs.TryGetValue(destination.Path, out var proof))
        {
            _proofs[destination.Path] = proof = At(destination) is { } there ? kept.Of(there) : null;
        }

        return proof;
    }

    /// <summary>Whether everything is there already, of this image, as it was left.</summary>
    internal bool IsCurrent(Digest digest, CancellationToken cancellationToken) =>
        Destinations.All(d => At(d) is { } there && there.Digest == digest.ToString() && IsNewEnough(there)
            && IsUntouched(d, there, cancellationToken));

    /// <summary>Writes down what the file system said when it was looked at, and by whose word the proof counts now, so that the next
    /// look is as cheap as can be; and that the reference points elsewhere than to what is on hold.</summary>
    internal void Refresh(Digest digest)
    {
        var touched = Destinations.Select(d => (Entry: At(d)!, Seen: LookOf(d).Stamp!, Proof: ProofOf(d)!))
            .Where(d => !d.Seen.IsSame(d.Entry.Stamp) || d.Proof.Signature != d.Entry.Signature)
            .Select(d => d.Entry with { Stamp = d.Seen, Verified = d.Proof.Verified, Signature = d.Proof.Signature }).ToList();
        var holds = state.Receipt.HoldsBut(Paths, digest.ToString());
        if ((touched.Count > 0 || !holds.SequenceEqual(state.Receipt.Holds)) && !request.IsDry)
        {
            state.Save(state.Receipt.With(touched) with { Holds = holds });
        }
    }

    /// <summary>The result of doing nothing.</summary>
    internal InstallResult Unchanged(Digest digest) => new()
    {
        Reference = request.Reference,
        Version = At(Destinations[0])!.Version,
        Digest = digest,
        Binaries = [.. Destinations.Select(d => new InstalledResult(At(d)!, IsInstalled: false))],
    };

    /// <summary>The hash of what is at a destination; null if that is no regular file.</summary>
    /// <remarks>Others write there too while a download takes its time: what is not the file that was hashed is hashed again.</remarks>
    internal Digest? HashOf(Destination destination, CancellationToken cancellationToken)
    {
        var stamp = destination.Directory.TryStat(destination.FileName);
        if (!_looks.TryGetValue(destination.Path, out var look) || !(stamp?.IsSame(look.Stamp) ?? look.Stamp is null))
        {
            var hash = !request.VerifyContent && At(destination) is { Stamp: not null } there && there.Stamp.IsSame(stamp)
                && Digest.TryParse($"sha256:{there.Sha256}", null, out var known)
                    ? known
                    : destination.Directory.HashOf(destination.FileName, cancellationToken);
            _looks[destination.Path] = look = (hash, stamp);
        }

        return look.Hash;
    }

    /// <summary>What the last look at a destination has found.</summary>
    internal (Digest? Hash, FileStamp? Stamp) LookOf(Destination destination) => _looks[destination.Path];

    /// <summary>Whether what is at a destination has the mode and the owner that it should have.</summary>
    internal bool IsDressed(Destination destination) =>
        destination.Directory.TryStat(destination.FileName) is { } stamp
        && stamp.Mode == FileModes.Executable && stamp.Owner == request.Owner;

    /// <summary>Forgets what has come of other images, and takes note that something is on its way here.</summary>
    internal void Begin(IEnumerable<Descriptor> layers)
    {
        destinations.RemovePartsBut(layers);
        destinations.Begin(state);
    }

    /// <summary>Refuses what failed here before.</summary>
    /// <exception cref="HyperkubeException">It is on hold (<see cref="ErrorKind.OnHold"/>).</exception>
    internal void CheckHolds(PlatformImage image)
    {
        var hold = state.Receipt.Holds.FirstOrDefault(h =>
            (h.Digest == image.Root.Digest.ToString() || h.Manifest == image.Manifest.Digest.ToString())
            && h.Paths.Intersect(Paths, StringComparer.Ordinal).Any());
        if (hold is not null && !request.Force)
        {
            throw new HyperkubeException(
                ErrorKind.OnHold,
                $"{request.Reference}: {image.Root.Digest} is on hold since {hold.Since:yyyy-MM-dd HH:mm}: {hold.Because}")
            {
                Hint = "let the reference point to another image, or add --force",
            };
        }
    }

    /// <summary>Whether it reaches the version that is asked for, by more than an image's own word.</summary>
    internal bool IsNewEnough(InstalledBinary there) =>
        request.MinimumVersion is not { } minimum
        || (there.IsVersionProved
            && KubernetesVersion.TryParse(there.Version, null, out var version) && version.CompareTo(minimum) >= 0);

    private bool IsUntouched(Destination destination, InstalledBinary there, CancellationToken cancellationToken) =>
        HashOf(destination, cancellationToken)?.Hex == there.Sha256 && IsDressed(destination);
}
