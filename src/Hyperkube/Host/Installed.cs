using Hyperkube.Oci;
using Hyperkube.Releases;

namespace Hyperkube.Host;

/// <summary>What is at the destinations already, by the receipt and by looking.</summary>
internal sealed class Installed(HostState state, Destinations destinations, InstallRequest request)
{
    private readonly Dictionary<string, Digest?> _hashes = new(StringComparer.Ordinal);

    internal IReadOnlyList<Destination> Destinations => destinations.All;

    /// <summary>Whether the receipt speaks of all destinations, so that it is worth asking what the reference stands for.</summary>
    internal bool MayBeCurrent => Destinations.All(d => state.Receipt.At(d.Path) is { } there
        && there.Name == d.Name && there.Platform == request.Platform.ToString() && there.Verified >= request.Verify);

    /// <summary>What the receipt says of a destination; null if nothing.</summary>
    internal InstalledBinary? At(Destination destination) => state.Receipt.At(destination.Path);

    /// <summary>Whether everything is there already, of this image, as it was left.</summary>
    internal bool IsCurrent(Digest digest, CancellationToken cancellationToken) =>
        Destinations.All(d => At(d) is { } there && there.Digest == digest.ToString() && IsOldEnough(there)
            && IsUntouched(d, there, cancellationToken));

    /// <summary>Writes down what the file system says now, so that the next look is as cheap as can be.</summary>
    internal void Refresh()
    {
        var touched = Destinations.Select(d => (Entry: At(d)!, Stamp: d.Directory.Stat(d.FileName)))
            .Where(d => !d.Stamp.IsSame(d.Entry.Stamp)).Select(d => d.Entry with { Stamp = d.Stamp }).ToList();
        if (touched.Count > 0 && !request.IsDry)
        {
            state.Save(state.Receipt.With(touched));
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
    internal Digest? HashOf(Destination destination, CancellationToken cancellationToken)
    {
        if (!_hashes.TryGetValue(destination.Path, out var hash))
        {
            hash = !request.VerifyContent && At(destination) is { Stamp: { } stamp } there
                && stamp.IsSame(destination.Directory.TryStat(destination.FileName))
                && Digest.TryParse($"sha256:{there.Sha256}", null, out var known)
                    ? known
                    : destination.Directory.HashOf(destination.FileName, cancellationToken);
            _hashes[destination.Path] = hash;
        }

        return hash;
    }

    /// <summary>Refuses what failed here before.</summary>
    /// <exception cref="HyperkubeException">It is on hold (<see cref="ErrorKind.OnHold"/>).</exception>
    internal void CheckHolds(NodeImage image)
    {
        var hold = state.Receipt.Holds.FirstOrDefault(h =>
            (h.Digest == image.Root.Digest.ToString() || h.Manifest == image.Manifest.Digest.ToString())
            && Destinations.Any(d => h.Paths.Contains(d.Path, StringComparer.Ordinal)));
        if (hold is not null && !request.Force)
        {
            throw new HyperkubeException(
                ErrorKind.OnHold, $"{request.Reference}: {image.Root.Digest} is on hold since {hold.Since:yyyy-MM-dd HH:mm}: {hold.Because}")
            {
                Hint = "let the reference point to another image, or add --force",
            };
        }
    }

    private bool IsUntouched(Destination destination, InstalledBinary there, CancellationToken cancellationToken) =>
        HashOf(destination, cancellationToken)?.Hex == there.Sha256
        && destination.Directory.TryStat(destination.FileName) is { } stamp
        && stamp.Mode == Oci.Content.FileModes.Executable && stamp.Owner == request.Owner;

    private bool IsOldEnough(InstalledBinary there) =>
        request.MinimumVersion is not { } minimum
        || (there.IsVersionProved
            && KubernetesVersion.TryParse(there.Version, null, out var version) && version.CompareTo(minimum) >= 0);
}
