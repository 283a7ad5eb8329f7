using Hyperkube.Oci;
using Hyperkube.Oci.Http;
using Hyperkube.Publishing;
using Hyperkube.Publishing.Catalog;
using Hyperkube.Publishing.GitHub;
using Hyperkube.Releases;

namespace Hyperkube.Cli.Commands;

/// <summary>What is told of a release run beside its result.</summary>
internal sealed record ReportRequest(
    string? ImageVector, string? GitHub, string? Catalog, IReadOnlyList<string> EndOfLife, string? Metrics);

/// <summary>Tells others what is published. One report that fails keeps no other from being made.</summary>
internal sealed class ReleaseReports : IDisposable
{
    private readonly ReleaseCommand.Request _request;
    private readonly RegistrySession _registries;
    private readonly Session _session;
    private readonly EndOfLife _endOfLife;
    private readonly GitHubClient? _github;
    private readonly List<HyperkubeException> _failures = [];
    private Announced? _announced;

    /// <summary>Sees to it that all can be told, before anything is done.</summary>
    /// <exception cref="HyperkubeException">Something is missing for it (<see cref="ErrorKind.Usage"/>).</exception>
    internal ReleaseReports(ReleaseCommand.Request request, ReleaseReader reader, RegistrySession registries, Session session)
    {
        (_request, _registries, _session) = (request, registries, session);
        _endOfLife = EndOfLife.Load(request.Reports.EndOfLife);
        if (request.Reports.GitHub is not null)
        {
            _github = new GitHubClient(reader.Http, Api(), Token(), new RetryPolicy { Time = session.Host.Time }, session.Log);
        }
    }

    private ReportRequest Reports => _request.Reports;

    /// <summary>What could not be told.</summary>
    internal IReadOnlyList<HyperkubeException> Failures => _failures;

    public void Dispose() => _github?.Dispose();

    /// <summary>Asks GitHub what is announced, so that only the images of what is not have to be looked into.</summary>
    internal Task PrepareAsync(CancellationToken cancellationToken) =>
        _github is null ? Task.CompletedTask : TryAsync($"--github {Reports.GitHub}", async () =>
            _announced = await Announcer(_github).ReadAsync(cancellationToken).ConfigureAwait(false));

    /// <summary>Whether the image of a published release has to be looked into.</summary>
    internal bool IsTold(KubernetesVersion version) =>
        (Reports.ImageVector ?? Reports.Catalog) is not null || _announced?.Has(version) == false;

    /// <summary>Tells everybody but Prometheus.</summary>
    /// <param name="outcomes">What came of each release.</param>
    /// <param name="newest">The newest release that was published before.</param>
    /// <param name="cancellationToken">Leaves the files that were there.</param>
    /// <returns>The outcomes, with what went wrong in telling of them.</returns>
    internal async Task<IReadOnlyList<ReleaseOutcome>> WriteAsync(
        IReadOnlyList<ReleaseOutcome> outcomes, KubernetesVersion? newest, CancellationToken cancellationToken)
    {
        if ((Reports.ImageVector ?? Reports.Catalog ?? Reports.GitHub) is not null)
        {
            List<ReleaseOutcome> tagged = [];
            foreach (var outcome in outcomes)
            {
                tagged.Add(await AsTaggedAsync(outcome, cancellationToken).ConfigureAwait(false));
            }

            outcomes = tagged;
        }

        if (Reports.ImageVector is { } vector)
        {
            await TryAsync($"--image-vector {vector}", () => IsKept(vector, outcomes)
                ? Task.CompletedTask
                : ImageVector.WriteAsync(vector, Entries(outcomes), cancellationToken)).ConfigureAwait(false);
        }

        if (Reports.Catalog is { } directory)
        {
            await TryAsync($"--catalog {directory}", () => IsKept(directory, outcomes)
                ? Task.CompletedTask
                : WriteCatalogAsync(directory, outcomes, cancellationToken)).ConfigureAwait(false);
        }

        if (_github is { } client && _announced is { } announced)
        {
            await TryAsync($"--github {Reports.GitHub}", async () =>
            {
                var images = outcomes.Select(o => o.Image).OfType<PublishedRelease>().Where(i => !announced.Has(i.Version)).ToList();
                var failures = await Announcer(client).AnnounceAsync(images, newest, cancellationToken).ConfigureAwait(false);
                outcomes = [.. outcomes.Select(o => o with { Error = o.Error ?? failures.GetValueOrDefault(o.Version) })];
            }).ConfigureAwait(false);
        }

        return outcomes;
    }

    /// <summary>Tells Prometheus, of a run that failed as a whole or was cut off too.</summary>
    internal Task WriteMetricsAsync(
        IReadOnlyList<ReleaseOutcome> outcomes, IReadOnlyList<string> failureKinds, TimeSpan duration) =>
        Reports.Metrics is not { } file || _request.DryRun ? Task.CompletedTask : TryAsync($"--metrics {file}", () =>
        {
            var repository = $"{_request.Repository.Host}/{_request.Repository.Repository}";
            ReleaseMetrics metrics = new(repository, _session.Host.Time.GetUtcNow(), duration)
            {
                Outcomes = outcomes,
                FailureKinds = failureKinds,
                RegistryRequests = _registries.Client.Traffic.Requests,
                RegistryBytesReceived = _registries.Client.Traffic.BytesDownloaded,
            };
            return metrics.WriteAsync(file, CancellationToken.None);
        });

    private async Task TryAsync(string report, Func<Task> tell)
    {
        try
        {
            await tell().ConfigureAwait(false);
        }
        catch (HyperkubeException e)
        {
            Fail(e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fail(new HyperkubeException(ErrorKind.HostFailed, $"{report}: {e.Message}", e)
            {
                Hint = "check space, owner and permissions there",
            });
        }
    }

    private void Fail(HyperkubeException failure)
    {
        _failures.Add(failure);
        _session.Log.Warn(failure.Message); // The exit code may be another failure's.
    }

    // Another worker may have tagged its own image since; what others are told is what the tag stands for.
    private async Task<ReleaseOutcome> AsTaggedAsync(ReleaseOutcome outcome, CancellationToken cancellationToken)
    {
        if (outcome is not { Action: "published", Image: { } image })
        {
            return outcome;
        }

        try
        {
            var (repository, tag) = (_registries.Repository(_request.Repository), _request.TagOf(outcome.Version));
            var root = await repository.ResolveAsync(tag, cancellationToken).ConfigureAwait(false);
            return root is null || root.Digest == image.Root.Digest ? outcome : outcome with
            {
                Image = await PublishedRelease.ReadAsync(repository, outcome.Version, tag, cancellationToken).ConfigureAwait(false),
            };
        }
        catch (HyperkubeException e)
        {
            return outcome with { Image = null, Error = e };
        }
    }

    // A list without what could not be looked into would say that it is gone.
    private bool IsKept(string file, IReadOnlyList<ReleaseOutcome> outcomes)
    {
        var unknown = outcomes.FirstOrDefault(o => o is
        {
            Image: null, Error.Kind: ErrorKind.Unavailable or ErrorKind.TimedOut or ErrorKind.AccessDenied,
        } && (o.Planned.Facts.IsTagged || o.Action == "published"));
        if (unknown is not null)
        {
            _session.Log.Warn($"{file}: left as it was, because {unknown.Version} could not be looked into");
        }

        return unknown is not null;
    }

    // Foreign ones too: nodes run them all the same, and pinned is better than not.
    private IEnumerable<ImageVectorEntry> Entries(IReadOnlyList<ReleaseOutcome> outcomes) =>
        from outcome in outcomes
        where outcome.Image is not null && outcome.Version.PreRelease is null
        select new ImageVectorEntry(
            outcome.Version,
            _request.Repository with { Tag = _request.TagOf(outcome.Version) },
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

    private GitHubAnnouncer Announcer(GitHubClient client) => new(client, Reports.GitHub!, NotesAsync, _session.Log);

    private async Task<string> NotesAsync(PublishedRelease image, CancellationToken cancellationToken)
    {
        var repository = _registries.Repository(_request.Repository);
        List<(Digest Subject, Descriptor Referrer)> referrers = [];
        foreach (var subject in image.Platforms.Select(p => p.Digest).Prepend(image.Root.Digest).Distinct())
        {
            var found = await repository.ReferrersAsync(subject, cancellationToken).ConfigureAwait(false);
            referrers.AddRange(found.Select(r => (subject, r)));
        }

        return ReleaseNotes.Of(
            _request.Repository with { Tag = _request.TagOf(image.Version) }, image, referrers,
            new ReleaseNotesSettings(_request.Compression, _request.Release.Verify == Verification.Signature));
    }

    private string Token() => Variable("GH_TOKEN") ?? Variable("GITHUB_TOKEN")
        ?? throw new HyperkubeException(ErrorKind.Usage, "--github: neither the variable GH_TOKEN nor GITHUB_TOKEN; expected a token")
        {
            Hint = "set GH_TOKEN to a token that may write the repository's contents",
        };

    // The token must not be read on the way.
    private Uri Api() => Variable("GITHUB_API_URL") is not { } text ? GitHubClient.PublicApi
        : Uri.TryCreate($"{text.TrimEnd('/')}/", UriKind.Absolute, out var url)
            && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback)) ? url
        : throw new HyperkubeException(
            ErrorKind.Usage, "GITHUB_API_URL: not an https URL; expected such as https://github.example.com/api/v3");

    private string? Variable(string name) => _session.Host.Variable(name) is { Length: > 0 } value ? value : null;
}
