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
            "  hyperkube release registry.example.com/hyperkube --shard 1/4 --versions git+https://github.com/kubernetes/kubernetes");
        ReleaseFlags flags = new(command);
        command.SetAction((line, token) => run(flags.Read(line), token));
        return command;
    }

    internal static async Task RunAsync(Request request, Session session, CancellationToken cancellationToken)
    {
        var begun = session.Host.Time.GetTimestamp();
        var filter = Filter(request);
        using ReleaseReader reader = new(request.Release, session);
        using var registries = request.Access.Open(session);
        using var signing = request.Attachments.OpenSigning(request.Access, session);
        ReleaseReports reports = new(request, reader, registries, session);
        ReleaseRun? run = null;
        IReadOnlyList<ReleaseOutcome> outcomes = [];
        HyperkubeException? failure = null;
        try
        {
            var plan = await PlanAsync(request, filter, reader, registries, session, cancellationToken).ConfigureAwait(false);
            if (request.DryRun)
            {
                session.Results(
                    [.. plan.Releases.Select(Entry)], CliJson.Default.IReadOnlyListReleasedVersion,
                    (_, text) => text.Write(plan.ToString()));
                return;
            }

            session.Log.Note(plan.ToString());
            run = Run(request, reader, registries, signing, session);
            await run.RunAsync(plan, cancellationToken).ConfigureAwait(false);
            outcomes = await reports.WriteAsync(run.Outcomes, cancellationToken).ConfigureAwait(false);
        }
        catch (HyperkubeException e)
        {
            failure = e;
        }
        finally
        {
            // Also of a run that was interrupted: what it did is done.
            outcomes = outcomes.Count > 0 ? outcomes : run?.Outcomes ?? [];
            if (run is not null)
            {
                session.Results([.. outcomes.Select(Entry)], CliJson.Default.IReadOnlyListReleasedVersion, Write);
            }
        }

        var failures = outcomes.Select(o => o.Error).Append(failure).OfType<HyperkubeException>().ToList();
        await reports.WriteMetricsAsync(outcomes, failures, session.Host.Time.GetElapsedTime(begun), cancellationToken)
            .ConfigureAwait(false);
        if (failures.Count > 0)
        {
            throw Seriousness.Most(failures, f => f.Kind);
        }
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
        Request request, VersionFilter filter, ReleaseReader reader, RegistrySession registries, Session session,
        CancellationToken cancellationToken)
    {
        var holds = Holds(request.Holds);
        var source = request.Versions.Open(reader.Files, session.Host);
        var versions = filter.Of(await source.ReadAsync(cancellationToken).ConfigureAwait(false));
        var repository = registries.Repository(request.Repository);
        var tags = await PublishedTags.ReadAsync(repository, cancellationToken).ConfigureAwait(false);
        ReleaseSurvey survey = new(repository, reader.Files, v => Files(v, request.Release), holds);
        var questions = ReleasePlan.Questions(
            versions, tags, request.TagOf, request.Shard, request.Audit, request.Reports.WantsImages && !request.DryRun);
        return ReleasePlan.Of(await survey.AskAsync(questions, cancellationToken).ConfigureAwait(false));
    }

    private static ReleaseRun Run(
        Request request, ReleaseReader reader, RegistrySession registries, SigningSession? signing, Session session)
    {
        var created = BuildCommand.SourceDate(session.Host.Variable);
        ReleaseRunSettings settings = new()
        {
            Open = () => registries.Repository(request.Repository),
            TagOf = request.TagOf,
            Fetch = (version, token) => reader.FetchAsync(
                version, registries.Transports, [request.Repository with { Tag = request.TagOf(version) }], token),
            Builder = layout => new NodeImageBuilder(layout, request.Compression, request.Release.Jobs, session.Log),
            Created = created,
            ScratchDirectory = reader.CacheDirectory,
            Publishes = !request.NoPublish,
            AtOnce = Math.Min(MaxAtOnce, request.Release.Jobs),
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
        planned.Version.ToString(), ReleasePlan.Word(planned.Action), planned.Digest?.ToString(), ErrorOf(planned.Facts.Failure),
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
