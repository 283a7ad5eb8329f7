using Hyperkube.Releases;

namespace Hyperkube.Publishing;

/// <summary>Whether a release is still arriving: upstream copies its files one by one, and nothing says in which order.</summary>
/// <param name="files">Upstream.</param>
/// <param name="time">The clock.</param>
internal sealed class ReleaseArrival(UpstreamFiles files, TimeProvider time)
{
    /// <summary>Within it what is not there yet is to come; after it, it is missing. Upstream copies a release in less than one hour, its
    /// mirrors within a few.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromHours(6);

    /// <summary>Clocks differ; a file from a later day proves nothing.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromHours(1);

    /// <summary>Whether the newest checksum of these files is there for some hours only. A source that gives no times has old ones only.
    /// </summary>
    internal async Task<bool> IsUnderWayAsync(IEnumerable<ReleaseFile> wanted, CancellationToken cancellationToken)
    {
        var stamps = await Task.WhenAll(wanted.Select(f => files.StampAsync($"{f.Path}.sha256", cancellationToken))).ConfigureAwait(false);
        return stamps.Max(s => s?.Written) is { } newest && time.GetUtcNow() - newest < Patience && newest - time.GetUtcNow() < Skew;
    }

    /// <summary>What is not there of the release's list, which proves the version of its files: its checksum, or its signature.</summary>
    /// <returns>Null when both are there.</returns>
    internal async Task<string?> MissingOfListAsync(KubernetesVersion version, CancellationToken cancellationToken)
    {
        var path = ReleaseManifest.PathOf(version);
        async Task<bool> HasAsync(string suffix) =>
            await files.StampAsync(path + suffix, cancellationToken).ConfigureAwait(false) is not null;

        return !await HasAsync(".sha256").ConfigureAwait(false) ? ReleaseManifest.FileName
            : await HasAsync(".sigstore.json").ConfigureAwait(false)
                || (await HasAsync(".sig").ConfigureAwait(false) && await HasAsync(".cert").ConfigureAwait(false)) ? null
            : $"the signature of {ReleaseManifest.FileName}";
    }
}
