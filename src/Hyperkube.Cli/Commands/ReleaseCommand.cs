using System.CommandLine;
using Hyperkube.Cli.Output;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Layers;
using Hyperkube.Publishing;
using Hyperkube.Releases;
using Hyperkube.Releases.Versions;

namespace Hyperkube.Cli.Commands;

/// <summary><c>hyperkube release REPO</c>: publishes every release that is missing.</summary>
internal static class ReleaseCommand
{
    /// <summary>Releases under way together: one is fetched while another one is packed. More would only fill the disk.</summary>
    private const int MaxAtOnce = 2;

    /// <summary>What the list of releases is called beside an error.</summary>
    private const string List = "releases";

    /// <summary>What the command line asked for, parsed.</summary>
    internal sealed record Request(
        RegistryReference Repository, VersionRequest Versions, ReleaseRequest Release, LayerCompression Compression, bool DryRun,
        bool NoPublish,
        bool Audit, Shard Shard, string? Holds, ReportRequest Reports, AttachmentRequest Attachments, RegistryAccess Access)
    {
        internal string TagOf(KubernetesVersion version) => PublishedTags.TagOf(version, Compression.Algorithm);
    }

    internal static Command Create(Func<Request, CancellationToken, Task> run)
    {
        Command command = new("release",
            "Publishes every release that is missing in a repository: finds it upstream, checks it, builds it, pushes it, tags it last.\n" +
            "It remembers nothing: the registry says what is published. Run it as often as you like.\n\n" +
            "Examples:\n" +
            "  hyperkube release registry.example.com/hyperkube --minimum v1.34.0 --dry-run\n" +
            "  hyperkube release registry.example.com/hyperkube --minimum v1.34.0 --metrics /var/lib/node_exporter/hyperkube.prom\n" +
            "  hyperkube release registry.example.com/hyperkube --minimum v1.34.0 --shard 1/4 --github acme/hyperkube");
        ReleaseFlags flags = new(command);
        command.SetAction((line, token) => run(flags.Read(line), token));
        return command;
    }

    internal static async Task RunAsync(Request request, Session session, CancellationToken cancellationToken)
    {
        session.Host.BeginLongRun();
        var begun = session.Host.Time.GetTimestamp();
        var filter = Filter(request);
        using ReleaseReader reader = new(request.Release, session);
        using var registries = request.Access.Open(session);
        using var signing = request.Attachments.OpenSigning(request.Access, session);
        using ReleaseReports reports = new(request, reader, registries, session);
        ReleaseRun? run = null;
        IReadOnlyList<ReleaseOutcome> outcomes = [];
        HyperkubeException? failure = null;
        var cutOff = "interrupted"; // Until the run has come to its end.
        try
        {
            var plan = await PlanAsync(request, filter, reader, registries, reports, session, cancellationToken).ConfigureAwait(false);
            if (request.DryRun)
            {
                Print(plan, reports, session);
                return;
            }

            session.Log.Note(plan.ToString());
            run = Run(request, plan, reader, registries, signing, session);
            await run.RunAsync(plan, cancellationToken).ConfigureAwait(false);
            outcomes = await reports.WriteAsync(run.Outcomes, plan.Newest, cancellationToken).ConfigureAwait(false);
            cutOff = null;
        }
        catch (HyperkubeException e)
        {
            (failure, cutOff) = (e, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            failure = new HyperkubeException(ErrorKind.HostFailed, e.Message, e) { Hint = "check space, owner and permissions there" };
            cutOff = null;
        }
        finally
        {
            // Also of a run that was interrupted: what it did is done.
            outcomes = outcomes.Count > 0 ? outcomes : run?.Outcomes ?? [];
            var kinds = Failures(outcomes, reports, failure).Select(f => ExitCodes.NameOf(f.Kind)).Concat(cutOff is null ? [] : [cutOff]);
            await reports.WriteMetricsAsync(outcomes, [.. kinds], session.Host.Time.GetElapsedTime(begun)).ConfigureAwait(false);
            if (run is not null)
            {
                var isItsOwn = cutOff is not null || failure is not null || reports.Failures.Count > 0;
                session.Results(
                    [.. outcomes.Select(Entry)], isItsOwn ? List : null, CliJson.Default.IReadOnlyListReleasedVersion, Write);
            }
        }

        ThrowMostSerious(Failures(outcomes, reports, failure));
    }

    private static IEnumerable<HyperkubeException> Failures(
        IReadOnlyList<ReleaseOutcome> outcomes, ReleaseReports reports, HyperkubeException? failure) =>
        outcomes.Select(o => o.Error).Concat(reports.Failures).Append(failure).OfType<HyperkubeException>();

    private static void ThrowMostSerious(IEnumerable<HyperkubeException> failures)
    {
        if (failures.ToList() is [_, ..] all)
        {
            throw Seriousness.Most(all, f => f.Kind);
        }
    }

    // What the run would end with is what its plan ends with.
    private static void Print(ReleasePlan plan, ReleaseReports reports, Session session)
    {
        session.Results(
            [.. plan.Releases.Select(Entry)], reports.Failures.Count > 0 ? List : null, CliJson.Default.IReadOnlyListReleasedVersion,
            (_, text) => text.Write(plan.ToString()));
        ThrowMostSerious(plan.Releases.Select(r => r.Error).OfType<HyperkubeException>().Concat(reports.Failures));
    }

    private static VersionFilter Filter(Request request)
    {
        var filter = request.Versions.Filter();
        return filter.Minimum is not null ? filter : throw new HyperkubeException(
            ErrorKind.Usage, $"release: neither --minimum nor a file {VersionRequest.MinimumFile}; expected the oldest version to publish")
        {
            Hint = "hyperkube release REPO --minimum v1.34.0",
        };
    }

    private static async Task<ReleasePlan> PlanAsync(
        Request request, VersionFilter filter, ReleaseReader reader, RegistrySession registries, ReleaseReports reports, Session session,
        CancellationToken cancellationToken)
    {
        var holds = Holds(request.Holds);
        var source = request.Versions.Open(reader.Files, session.Host);
        var versions = filter.Of(await source.ReadAsync(cancellationToken).ConfigureAwait(false));
        var repository = registries.Repository(request.Repository);
        var tags = await PublishedTags.ReadAsync(repository, cancellationToken).ConfigureAwait(false);
        ReleaseSurvey survey = new(repository, reader.Files, v => Files(v, request.Release), holds);
        await reports.PrepareAsync(cancellationToken).ConfigureAwait(false);
        var questions = ReleasePlan.Questions(versions, tags, request.TagOf, request.Shard, request.Audit, reports.IsTold);
        return ReleasePlan.Of(await survey.AskAsync(questions, cancellationToken).ConfigureAwait(false)) with
        {
            Newest = versions.Where(v => v.PreRelease is null && tags.Has(request.TagOf(v))).Max(),
        };
    }

    private static ReleaseRun Run(
        Request request, ReleasePlan plan, ReleaseReader reader, RegistrySession registries, SigningSession? signing, Session session)
    {
        var jobs = request.Release.Jobs;
        var atOnce = Math.Min(Math.Min(MaxAtOnce, jobs), Math.Max(1, plan.With(PlannedAction.Build).Count()));
        var jobsOfEach = jobs / atOnce;
        var created = BuildCommand.SourceDate(session.Host.Variable);
        ReleaseRunSettings settings = new()
        {
            Open = () => registries.Repository(request.Repository),
            TagOf = request.TagOf,
            Wanted = version => Files(version, request.Release),
            WantsSignatures = request.Release.Verify == Verification.Signature,
            Fetch = (version, token) => reader.FetchAsync(
                version, registries.Transports, [request.Repository with { Tag = request.TagOf(version) }], jobsOfEach, token),
            Builder = layout => new NodeImageBuilder(layout, request.Compression, jobsOfEach, session.Log),
            Created = created,
            ScratchDirectory = reader.CacheDirectory,
            Publishes = !request.NoPublish,
            AtOnce = atOnce,
        };
        var attachments = request.Attachments.Open(
            request.Release, request.Compression, created, signing,
            image => request.Repository with { Tag = request.TagOf(image.Version) }, session.Host.Time);
        return new ReleaseRun(new Publisher(attachments), reader.Files, settings, session.Log, session.Host.Time);
    }

    private static IEnumerable<ReleaseFile> Files(KubernetesVersion version, ReleaseRequest request) =>
        from platform in request.Platforms.Order()
        from name in request.Binaries.Order()
        select new ReleaseFile(version, platform, name);

    private static HeldReleases Holds(string? file) =>
        file is not null ? HeldReleases.Load(file)
        : File.Exists(HeldReleases.DefaultFile) ? HeldReleases.Load(HeldReleases.DefaultFile)
        : HeldReleases.None;

    private static ReleasedVersion Entry(PlannedRelease planned) => new(
        planned.Version.ToString(), ReleasePlan.Word(planned.Action), planned.Digest?.ToString(), ErrorOf(planned.Error),
        planned.Reason);

    private static ReleasedVersion Entry(ReleaseOutcome outcome) => new(
        outcome.Version.ToString(), outcome.Action, (outcome.Image?.Root.Digest)?.ToString(), ErrorOf(outcome.Error),
        outcome.Planned.Reason);

    private static ErrorBody? ErrorOf(HyperkubeException? failure) =>
        failure is null ? null : new ErrorBody(ExitCodes.Of(failure.Kind), ExitCodes.NameOf(failure.Kind), failure.Message, failure.Hint);

    private static void Write(IReadOnlyList<ReleasedVersion> releases, TextWriter text)
    {
        foreach (var release in releases.Where(r => r.Action != "present"))
        {
            text.WriteLine($"{release.Version,-18}{release.Action,-11}{release.Digest ?? release.Error?.Message ?? release.Reason}");
            if (release.Error?.Hint is { } hint)
            {
                text.WriteLine($"{"",-29}try: {hint}");
            }
        }

        var counts = releases.GroupBy(r => r.Action, StringComparer.Ordinal).Select(g => $"{g.Count()} {g.Key}")
            .Order(StringComparer.Ordinal);
        text.WriteLine($"{releases.Count} releases: {string.Join(", ", counts.DefaultIfEmpty("none"))}");
    }
}
