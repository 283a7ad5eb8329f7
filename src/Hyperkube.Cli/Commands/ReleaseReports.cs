using Hyperkube.Oci;
using Hyperkube.Publishing;

namespace Hyperkube.Cli.Commands;

/// <summary>What is told of a release run beside its result.</summary>
internal sealed record ReportRequest(string? ImageVector)
{
    /// <summary>Whether every published image has to be looked into.</summary>
    internal bool WantsImages => ImageVector is not null;
}

/// <summary>Tells others what is published.</summary>
internal static class ReleaseReports
{
    internal static async Task WriteAsync(
        ReleaseCommand.Request request, IReadOnlyList<ReleaseOutcome> outcomes, Session session, CancellationToken cancellationToken)
    {
        if (request.Reports.ImageVector is { } vector)
        {
            await ImageVector.WriteAsync(vector, Entries(request, outcomes), cancellationToken).ConfigureAwait(false);
        }
    }

    // Foreign ones too: nodes run them all the same, and pinned is better than not.
    private static IEnumerable<ImageVectorEntry> Entries(ReleaseCommand.Request request, IReadOnlyList<ReleaseOutcome> outcomes) =>
        from outcome in outcomes
        where outcome.Image is not null && outcome.Version.PreRelease is null
        select new ImageVectorEntry(
            request.Repository with { Tag = outcome.Version.ToString() },
            outcome.Image!.Root.Digest,
            [.. outcome.Image.Platforms.Select(p => p.Platform)]);
}
