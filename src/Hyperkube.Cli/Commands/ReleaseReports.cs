using Hyperkube.Oci;
using Hyperkube.Oci.Http;
using Hyperkube.Publishing;
using Hyperkube.Publishing.Catalog;
using Hyperkube.Publishing.GitHub;

namespace Hyperkube.Cli.Commands;

/// <summary>What is told of a release run beside its result.</summary>
internal sealed record ReportRequest(
    string? ImageVector, string? GitHub, string? Catalog, IReadOnlyList<string> EndOfLife, string? Metrics)
{
    /// <summary>Whether every published image has to be looked into.</summary>
    internal bool WantsImages => (ImageVector ?? GitHub ?? Catalog) is not null;
}

/// <summary>Tells others what is published.</summary>
internal sealed class ReleaseReports
{
    private readonly ReleaseCommand.Request _request;
    private readonly ReleaseReader _reader;
    private readonly RegistrySession _registries;
    private readonly Session _session;
    private readonly EndOfLife _endOfLife;
    private readonly string? _token;

    /// <summary>Sees to it that all can be told, before anything is done.</summary>
    /// <exception cref="HyperkubeException">Something is missing for it (<see cref="ErrorKind.Usage"/>).</exception>
    internal ReleaseReports(ReleaseCommand.Request request, ReleaseReader reader, RegistrySession registries, Session session)
    {
        (_request, _reader, _registries, _session) = (request, reader, registries, session);
        _endOfLife = EndOfLife.Load(request.Reports.EndOfLife);
        _token = Variable("GH_TOKEN") ?? Variable("GITHUB_TOKEN");
        if (request.Reports.GitHub is not null && _token is null)
        {
            throw new HyperkubeException(ErrorKind.Usage, "--github: neither the variable GH_TOKEN nor GITHUB_TOKEN; expected a token")
            {
                Hint = "set GH_TOKEN to a token that may write the repository's contents",
            };
        }
    }

    private ReportRequest Reports => _request.Reports;

    /// <summary>Tells everybody but Prometheus.</summary>
    /// <returns>The outcomes, with what went wrong in telling of them.</returns>
    internal async Task<IReadOnlyList<ReleaseOutcome>> WriteAsync(
        IReadOnlyList<ReleaseOutcome> outcomes, CancellationToken cancellationToken)
    {
        if (Reports.ImageVector is { } vector)
        {
            await ImageVector.WriteAsync(vector, Entries(outcomes), cancellationToken).ConfigureAwait(false);
        }

        if (Reports.Catalog is { } directory)
        {
            await WriteCatalogAsync(directory, outcomes, cancellationToken).ConfigureAwait(false);
        }

        return Reports.GitHub is { } repository
            ? await AnnounceAsync(repository, outcomes, cancellationToken).ConfigureAwait(false)
            : outcomes;
    }

    /// <summary>Tells Prometheus, of a run that failed as a whole too.</summary>
    internal async Task WriteMetricsAsync(
        IReadOnlyList<ReleaseOutcome> outcomes, IReadOnlyList<HyperkubeException> failures, TimeSpan duration,
        CancellationToken cancellationToken)
    {
        if (Reports.Metrics is { } file && !_request.DryRun)
        {
            var repository = $"{_request.Repository.Host}/{_request.Repository.Repository}";
            ReleaseMetrics metrics = new(repository, _session.Host.Time.GetUtcNow(), duration)
            {
                Outcomes = outcomes,
                FailureKinds = [.. failures.Select(f => ExitCodes.NameOf(f.Kind))],
                RegistryRequests = _registries.Client.Traffic.Requests,
                RegistryBytesReceived = _registries.Client.Traffic.BytesDownloaded,
            };
            await metrics.WriteAsync(file, cancellationToken).ConfigureAwait(false);
        }
    }

    // Foreign ones too: nodes run them all the same, and pinned is better than not.
    private IEnumerable<ImageVectorEntry> Entries(IReadOnlyList<ReleaseOutcome> outcomes) =>
        from outcome in outcomes
        where outcome.Image is not null && outcome.Version.PreRelease is null
        select new ImageVectorEntry(
            _request.Repository with { Tag = outcome.Version.ToString() },
            outcome.Image!.Root.Digest,
            [.. outcome.Image.Platforms.Select(p => p.Platform)]);

    private async Task WriteCatalogAsync(string directory, IReadOnlyList<ReleaseOutcome> outcomes, CancellationToken cancellationToken)
    {
        var trust = _request.Release.Trust.Open();
        List<CatalogEntry> entries = [];
        foreach (var image in outcomes.Select(o => o.Image).OfType<PublishedRelease>())
        {
            var tag = _request.TagOf(image.Version);
            ImageEvidence evidence = new(
                _request.Repository with { Digest = image.Root.Digest },
                image.Platforms.SelectMany(p => p.Binaries).Select(b => b.File.Name),
                _registries.Transports.OpenSourceAsync,
                isOptional: false);
            var verification = await CatalogEntry.VerifyAsync(image, evidence, trust, cancellationToken).ConfigureAwait(false);
            entries.Add(new CatalogEntry(image, tag, verification));
        }

        await CatalogWriter.WriteAsync(directory, _request.Repository, entries, _endOfLife, cancellationToken).ConfigureAwait(false);
    }

    private async Task<IReadOnlyList<ReleaseOutcome>> AnnounceAsync(
        string repository, IReadOnlyList<ReleaseOutcome> outcomes, CancellationToken cancellationToken)
    {
        using GitHubClient client = new(_reader.Http, Api(), _token!, new RetryPolicy { Time = _session.Host.Time }, _session.Log);
        GitHubAnnouncer announcer = new(client, repository, NotesAsync, _session.Log);
        var newest = outcomes.Where(o => o.Image is not null && o.Version.PreRelease is null).Max(o => o.Version);
        var failures = await announcer.AnnounceAsync(
            outcomes.Select(o => o.Image).OfType<PublishedRelease>().Select(i => new Announcement(i, i.Version == newest)),
            cancellationToken).ConfigureAwait(false);
        return [.. outcomes.Select(o => o with { Error = o.Error ?? failures.GetValueOrDefault(o.Version) })];
    }

    private async Task<string> NotesAsync(Announcement announcement, CancellationToken cancellationToken)
    {
        var image = announcement.Image;
        var repository = _registries.Repository(_request.Repository);
        List<(Digest Subject, Descriptor Referrer)> referrers = [];
        foreach (var subject in image.Platforms.Select(p => p.Digest).Prepend(image.Root.Digest).Distinct())
        {
            var found = await repository.ReferrersAsync(subject, cancellationToken).ConfigureAwait(false);
            referrers.AddRange(found.Select(r => (subject, r)));
        }

        return ReleaseNotes.Of(_request.Repository with { Tag = _request.TagOf(image.Version) }, image, referrers);
    }

    // The token must not be read on the way.
    private Uri Api() => Variable("GITHUB_API_URL") is not { } text ? GitHubClient.PublicApi
        : Uri.TryCreate($"{text.TrimEnd('/')}/", UriKind.Absolute, out var url)
            && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback)) ? url
        : throw new HyperkubeException(
            ErrorKind.Usage, "GITHUB_API_URL: not an https URL; expected such as https://github.example.com/api/v3");

    private string? Variable(string name) => _session.Host.Variable(name) is { Length: > 0 } value ? value : null;
}
