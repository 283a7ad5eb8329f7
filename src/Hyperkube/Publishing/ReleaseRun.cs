using System.Collections.Concurrent;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layout;
using Hyperkube.Oci.Registry;
using Hyperkube.Releases;

namespace Hyperkube.Publishing;

/// <summary>How releases are built, and where they go.</summary>
public sealed record ReleaseRunSettings
{
    /// <summary>Opens the repository; its registry itself, never a mirror.</summary>
    public required Func<RemoteRepository> Open { get; init; }

    /// <summary>The tag of a release.</summary>
    public required Func<KubernetesVersion, string> TagOf { get; init; }

    /// <summary>The binaries of a release.</summary>
    public required Func<KubernetesVersion, IEnumerable<ReleaseFile>> Wanted { get; init; }

    /// <summary>Fetches and checks all binaries of a release; the run disposes them.</summary>
    public required Func<KubernetesVersion, CancellationToken, Task<VerifiedRelease>> Fetch { get; init; }

    /// <summary>Builds into a layout.</summary>
    public required Func<ImageLayout, NodeImageBuilder> Builder { get; init; }

    /// <summary>The time that images carry.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Where images are built, each in a directory of its own that goes when it is published.</summary>
    public required string ScratchDirectory { get; init; }

    /// <summary>Whether signatures are asked for; else their lateness is nobody's matter.</summary>
    public bool WantsSignatures { get; init; } = true;

    /// <summary>Whether anything is published; else what would be is only recorded.</summary>
    public bool Publishes { get; init; } = true;

    /// <summary>Releases at a time: their images lie on the disk together.</summary>
    public int AtOnce { get; init; } = 1;
}

/// <summary>What came of a release.</summary>
/// <param name="Planned">What was planned.</param>
/// <param name="Action">What was done: <c>published</c>, or what the plan says.</param>
public sealed record ReleaseOutcome(PlannedRelease Planned, string Action)
{
    /// <summary>Which.</summary>
    public KubernetesVersion Version => Planned.Version;

    /// <summary>The image that its tag stands for now, if it was looked into.</summary>
    public PublishedRelease? Image { get; init; }

    /// <summary>Why it failed.</summary>
    public HyperkubeException? Error { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; init; }
}

/// <summary>Carries out a plan. Each release fails alone, and each one can be cut off at any moment: its tag comes last.</summary>
/// <param name="publisher">Publishes.</param>
/// <param name="files">Upstream, to say what a broken release looks like there.</param>
/// <param name="settings">How.</param>
/// <param name="log">Told what happens.</param>
/// <param name="time">Measures.</param>
public sealed class ReleaseRun(Publisher publisher, UpstreamFiles files, ReleaseRunSettings settings, IActivityLog log, TimeProvider time)
{
    private readonly ConcurrentDictionary<KubernetesVersion, ReleaseOutcome> _outcomes = new();
    private readonly ReleaseArrival _arrival = new(files, time);

    /// <summary>What is done so far, newest first; of an interrupted run only those that it came to.</summary>
    public IReadOnlyList<ReleaseOutcome> Outcomes => [.. _outcomes.Values.OrderByDescending(o => o.Version)];

    /// <summary>Does what is to be done, newest first.</summary>
    public async Task RunAsync(ReleasePlan plan, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(plan);
        StagedDirectory.RemoveAbandoned(settings.ScratchDirectory); // Also when nothing is to be built.
        foreach (var release in plan.Releases.Where(r => r.Action != PlannedAction.Build || !settings.Publishes))
        {
            Record(new ReleaseOutcome(release, ReleasePlan.Word(release.Action))
            {
                Image = release.Facts.Published,
                Error = release is { Error: { } error, Facts.IsTagged: false }
                    ? await WithHoldAsync(release, error, cancellationToken).ConfigureAwait(false)
                    : release.Error,
            });
        }

        ParallelOptions parallel = new() { MaxDegreeOfParallelism = settings.AtOnce, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(settings.Publishes ? plan.With(PlannedAction.Build) : [], parallel, async (release, token) =>
        {
            var begun = time.GetTimestamp();
            var outcome = await AttemptAsync(release, token).ConfigureAwait(false);
            Record(outcome with { Duration = time.GetElapsedTime(begun) });
        }).ConfigureAwait(false);
    }

    private void Record(ReleaseOutcome outcome)
    {
        _outcomes[outcome.Version] = outcome;
        log.Decision(
            "release",
            [
                ("version", outcome.Version.ToString()),
                ("action", outcome.Action),
                ("digest", (outcome.Image?.Root.Digest)?.ToString()),
                ("seconds", outcome.Duration == default ? null : Seconds(outcome.Duration)),
                ("reason", outcome.Error?.Message ?? outcome.Planned.Reason),
            ]);
    }

    private static string Seconds(TimeSpan duration) =>
        duration.TotalSeconds.ToString("F1", System.Globalization.CultureInfo.InvariantCulture);

    private async Task<ReleaseOutcome> AttemptAsync(PlannedRelease release, CancellationToken cancellationToken)
    {
        try
        {
            return settings.WantsSignatures && await LateAsync(release, cancellationToken).ConfigureAwait(false) is { } late
                ? Pending(release, $"upstream has not yet: {late}")
                : await PublishAsync(release, cancellationToken).ConfigureAwait(false);
        }
        catch (HyperkubeException e)
        {
            return Failed(release, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What crosses the network turns its failures into our own kind: this one is the disk's.
            return Failed(release, new HyperkubeException(ErrorKind.HostFailed, $"{settings.ScratchDirectory}: {e.Message}", e)
            {
                Hint = "check space, owner and permissions there",
            });
        }
    }

    // Without its list a release is built too, of which then only the source says the version: not while the list is to come.
    private async Task<string?> LateAsync(PlannedRelease release, CancellationToken cancellationToken) =>
        release.Version.CompareTo(ReleaseVerifier.FirstSigned) >= 0
        && await _arrival.IsUnderWayAsync(settings.Wanted(release.Version), cancellationToken).ConfigureAwait(false)
            ? await _arrival.MissingOfListAsync(release.Version, cancellationToken).ConfigureAwait(false)
            : null;

    private async Task<ReleaseOutcome> PublishAsync(PlannedRelease release, CancellationToken cancellationToken)
    {
        var version = release.Version;
        VerifiedRelease fetched;
        try
        {
            fetched = await settings.Fetch(version, cancellationToken).ConfigureAwait(false);
        }
        catch (HyperkubeException e) when (e.Kind == ErrorKind.NotFound)
        {
            return Pending(release, e.Message); // It was half there.
        }
        catch (HyperkubeException e)
        {
            return e.Kind == ErrorKind.Unsigned
                && await _arrival.IsUnderWayAsync(settings.Wanted(version), cancellationToken).ConfigureAwait(false)
                    ? Pending(release, e.Message)
                    : Failed(release, await WithHoldAsync(release, e, cancellationToken).ConfigureAwait(false));
        }

        using (fetched)
        {
            using var scratch = StagedDirectory.CreateIn(settings.ScratchDirectory);
            var layout = await ImageLayout.OpenOrCreateAsync(Path.Combine(scratch.Path, "layout"), cancellationToken).ConfigureAwait(false);
            var built = await settings.Builder(layout).BuildAsync(version, fetched.Binaries, settings.Created, cancellationToken)
                .ConfigureAwait(false);
            return await PushAsync(release, layout, built with { ReleaseList = fetched.List?.Digest }, cancellationToken)
                .ConfigureAwait(false);
        }
    }

    private async Task<ReleaseOutcome> PushAsync(
        PlannedRelease release, ImageLayout layout, NodeImage image, CancellationToken cancellationToken)
    {
        var tag = settings.TagOf(release.Version);
        using var activity = log.Begin($"publish {tag}", image.Size);
        var published = await publisher.PublishAsync(layout, image, settings.Open, tag, moveTag: false, cancellationToken)
            .ConfigureAwait(false);
        activity.Complete($"{published.Image.Root.Digest}, {Sizes.Text(published.Image.Size)}");
        return new ReleaseOutcome(release, published.WasPresent ? ReleasePlan.Word(PlannedAction.Present) : "published")
        {
            Image = published.Image,
        };
    }

    // What must be known to put it on hold is known only now, and only here.
    private async Task<HyperkubeException> WithHoldAsync(
        PlannedRelease release, HyperkubeException failure, CancellationToken cancellationToken)
    {
        if (failure.Kind is not (ErrorKind.BadSignature or ErrorKind.Unsigned or ErrorKind.BadDigest or ErrorKind.BadContent))
        {
            return failure;
        }

        try
        {
            var fingerprint = await UpstreamFingerprint.OfAsync(files, release.Version, settings.Wanted(release.Version), cancellationToken)
                .ConfigureAwait(false);
            return new HyperkubeException(failure.Kind, failure.Message, failure)
            {
                Hint = $"if it is broken upstream, hold it until it changes there: add to {HeldReleases.DefaultFile}: "
                    + HeldReleases.Line(release.Version, fingerprint, failure.Message),
            };
        }
        catch (HyperkubeException)
        {
            return failure; // The first one says more.
        }
    }

    private static ReleaseOutcome Pending(PlannedRelease release, string reason) =>
        new(release with { Reason = reason }, ReleasePlan.Word(PlannedAction.Pending));

    private static ReleaseOutcome Failed(PlannedRelease release, HyperkubeException error) =>
        new(release, ReleasePlan.Word(PlannedAction.Unknown)) { Error = error };
}
