namespace Hyperkube.Sigstore.Tuf;

/// <summary>What an update brought.</summary>
/// <param name="File">The file that was wanted.</param>
/// <param name="Memory">To be handed to the next update.</param>
/// <param name="Versions">Of each document.</param>
/// <param name="Expires">Until when a mirror may serve these documents: the first of their ends.</param>
public sealed record TufUpdate(
    ReadOnlyMemory<byte> File, TufMemory Memory, IReadOnlyDictionary<TufRole, long> Versions, DateTimeOffset Expires);

/// <summary>Fetches a file of a TUF repository that has to be right, from mirrors that need not be.</summary>
/// <remarks>
/// The detailed client workflow of the specification, without delegations. Nothing is kept of an update that fails.
/// Source: https://theupdateframework.github.io/specification/v1.0.33/#detailed-client-workflow
/// </remarks>
/// <param name="mirror">Brings the files.</param>
/// <param name="time">By whose clock documents expire.</param>
public sealed class TufClient(ITufMirror mirror, TimeProvider time)
{
    /// <summary>Roots in one update. The public repository has had 16 in five years.</summary>
    internal const int MaxNewRoots = 64;

    // What the reference implementations allow.
    private const int MaxRootBytes = 512_000;
    private const int MaxTimestampBytes = 16_384;
    private const int MaxSnapshotBytes = 2_000_000;
    private const int MaxTargetsBytes = 5_000_000;

    /// <summary>Walks from a root that is trusted to the newest version of a file.</summary>
    /// <param name="root">The root to begin with; an old one will do, however long ago it expired.</param>
    /// <param name="seen">What the last update handed out, or null for none.</param>
    /// <param name="path">Which file.</param>
    /// <param name="maxBytes">The largest that it may be.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TufException">A check failed.</exception>
    public async Task<TufUpdate> UpdateAsync(
        ReadOnlyMemory<byte> root, TufMemory? seen, string path, int maxBytes, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow(); // One moment for all documents.
        var (newest, rootJson) = await WalkAsync(root, seen?.Root, cancellationToken).ConfigureAwait(false);
        newest.DemandFresh(now);

        // What was seen speaks only if it still has the keys: those who replaced a stolen one may begin anew.
        var old = seen is not null && Counts(seen.Timestamp, newest) ? seen.Timestamp : null;
        var timestampJson = await FetchAsync(TufRole.Timestamp, "timestamp.json", MaxTimestampBytes, cancellationToken)
            .ConfigureAwait(false);
        var timestamp = VersionsMetadata.ReadTimestamp(timestampJson);
        timestamp.DemandSigners(newest[TufRole.Timestamp], newest);
        if (old is not null)
        {
            DemandSame(timestamp, old);
            DemandNotOlder(TufRole.Timestamp, timestamp.Version, old.Version);
            DemandNotOlder(TufRole.Snapshot, timestamp[TufRole.Snapshot].Version, old[TufRole.Snapshot].Version);
        }

        timestamp.DemandFresh(now);

        var snapshotJson = await FetchAsync(newest, timestamp, MaxSnapshotBytes, cancellationToken).ConfigureAwait(false);
        var snapshot = VersionsMetadata.ReadSnapshot(snapshotJson);
        snapshot.DemandSigners(newest[TufRole.Snapshot], newest);
        DemandNamed(snapshot, timestamp);
        if (seen is not null && Counts(seen.Snapshot, newest))
        {
            DemandSame(snapshot, seen.Snapshot);
            DemandNoneOlder(snapshot, seen.Snapshot);
        }

        snapshot.DemandFresh(now);

        var targets = TargetsMetadata.Read(await FetchAsync(newest, snapshot, MaxTargetsBytes, cancellationToken).ConfigureAwait(false));
        targets.DemandSigners(newest[TufRole.Targets], newest);
        DemandNamed(targets, snapshot);
        targets.DemandFresh(now);

        var file = targets.Find(path)
            ?? throw new TufException(TufRole.Targets, TufCheck.Missing, $"version {targets.Version} names no {path}");
        var content = await FetchAsync(TufRole.Targets, TargetPath(newest, file, path), file, maxBytes, cancellationToken)
            .ConfigureAwait(false);
        return new TufUpdate(
            content,
            new TufMemory(rootJson, timestampJson, snapshotJson),
            ((Metadata[])[newest, timestamp, snapshot, targets]).ToDictionary(m => m.Role, m => m.Version),
            ((Metadata[])[newest, timestamp, snapshot, targets]).Min(m => m.Expires));
    }

    // Each root is signed by its own keys and by those before it. Only the last has to be fresh.
    private async Task<(RootMetadata Root, ReadOnlyMemory<byte> Json)> WalkAsync(
        ReadOnlyMemory<byte> json, RootMetadata? seen, CancellationToken cancellationToken)
    {
        var root = RootMetadata.Read(json);
        root.DemandSigners(root[TufRole.Root], root);
        for (var count = 0; ; count++)
        {
            DemandSame(root, seen);
            var path = $"{root.Version + 1}.root.json";
            if (await mirror.FetchAsync(path, MaxRootBytes, cancellationToken).ConfigureAwait(false) is not { } nextJson)
            {
                break;
            }

            if (count == MaxNewRoots)
            {
                throw new TufException(TufRole.Root, TufCheck.Version, $"the mirror has {path}; expected at most {MaxNewRoots} new ones");
            }

            DemandWithin(TufRole.Root, path, nextJson, MaxRootBytes);
            var next = RootMetadata.Read(nextJson);
            next.DemandSigners(root[TufRole.Root], root);
            next.DemandSigners(next[TufRole.Root], next);
            if (next.Version != root.Version + 1)
            {
                throw new TufException(TufRole.Root, TufCheck.Version, $"{path} is version {next.Version}; expected {root.Version + 1}");
            }

            (root, json) = (next, nextJson);
        }

        return root.Version >= seen?.Version || seen is null
            ? (root, json)
            : throw new TufException(
                TufRole.Root, TufCheck.Version, $"the mirror ends at version {root.Version}; version {seen.Version} was seen before");
    }

    // Nobody signs two documents of one version.
    private static void DemandSame(Metadata document, Metadata? seen)
    {
        if (seen is not null && document.Version == seen.Version && !document.Payload.AsSpan().SequenceEqual(seen.Payload))
        {
            throw new TufException(document.Role, TufCheck.Version,
                $"version {document.Version} is not the one that was seen before; expected the same repository");
        }
    }

    private static bool Counts(VersionsMetadata seen, RootMetadata root) => seen.CountSigners(root[seen.Role]) >= root[seen.Role].Threshold;

    private static void DemandNotOlder(TufRole role, long version, long seen)
    {
        if (version < seen)
        {
            throw new TufException(role, TufCheck.Version, $"the mirror has version {version}; version {seen} was seen before");
        }
    }

    private static void DemandNoneOlder(VersionsMetadata snapshot, VersionsMetadata seen)
    {
        foreach (var (name, file) in seen.Files)
        {
            var version = snapshot.Files.GetValueOrDefault(name)?.Version;
            if (version is null || version < file.Version)
            {
                var named = version is null ? $"no {name}" : $"version {version} of {name}";
                throw new TufException(TufRole.Snapshot, TufCheck.Version,
                    $"version {snapshot.Version} names {named}; version {file.Version} was seen before");
            }
        }
    }

    private static void DemandNamed(Metadata document, VersionsMetadata by)
    {
        if (by[document.Role].Version is var version && version != document.Version)
        {
            throw new TufException(document.Role, TufCheck.Version,
                $"it is version {document.Version}; {TufException.Name(by.Role)} version {by.Version} names {version}");
        }
    }

    private static string TargetPath(RootMetadata root, FileMetadata file, string path) =>
        root.IsConsistent ? $"targets/{Convert.ToHexStringLower((file.Sha256 ?? file.Sha512)!)}.{path}" : $"targets/{path}";

    private Task<ReadOnlyMemory<byte>> FetchAsync(RootMetadata root, VersionsMetadata by, int maxBytes, CancellationToken cancellationToken)
    {
        var file = by[by.Names];
        var name = $"{TufException.Name(by.Names)}.json";
        return FetchAsync(by.Names, root.IsConsistent ? $"{file.Version}.{name}" : name, file, maxBytes, cancellationToken);
    }

    private async Task<ReadOnlyMemory<byte>> FetchAsync(
        TufRole role, string path, FileMetadata file, int maxBytes, CancellationToken cancellationToken)
    {
        if (file.Length > maxBytes)
        {
            throw new TufException(role, TufCheck.Length, $"{path} has {file.Length} bytes; expected at most {maxBytes}");
        }

        var content = await FetchAsync(role, path, (int)(file.Length ?? maxBytes), cancellationToken).ConfigureAwait(false);
        file.Demand(role, path, content.Span);
        return content;
    }

    private async Task<ReadOnlyMemory<byte>> FetchAsync(TufRole role, string path, int maxBytes, CancellationToken cancellationToken)
    {
        var content = await mirror.FetchAsync(path, maxBytes, cancellationToken).ConfigureAwait(false)
            ?? throw new TufException(role, TufCheck.Missing, $"the mirror has no {path}");
        DemandWithin(role, path, content, maxBytes);
        return content;
    }

    private static void DemandWithin(TufRole role, string path, ReadOnlyMemory<byte> content, int maxBytes)
    {
        if (content.Length > maxBytes)
        {
            throw new TufException(role, TufCheck.Length, $"{path} has more than {maxBytes} bytes");
        }
    }
}
