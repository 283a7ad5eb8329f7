using System.CommandLine;
using Hyperkube.Cli.Output;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Layers;
using Hyperkube.Publishing;
using Hyperkube.Releases;

namespace Hyperkube.Cli.Commands;

/// <summary><c>hyperkube release REPO</c>: publishes every release that is missing.</summary>
internal static class ReleaseCommand
{
    /// <summary>Releases under way together: one is fetched while another one is packed. More would only fill the disk.</summary>
    private const int MaxAtOnce = 2;

    /// <summary>What the command line asked for, parsed.</summary>
    internal sealed record Request(
        RegistryReference Repository, VersionRequest Versions, ReleaseRequest Release, LayerCompression Compression, bool DryRun, bool Audit,
        Shard Shard, string? Holds, ReportRequest Reports, RegistryAccess Access);

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
        var created = BuildCommand.SourceDate(session.Host.Variable);
        var filter = request.Versions.Filter();
        if (filter.Minimum is null)
        {
            throw new HyperkubeException(
                ErrorKind.Usage, $"release: neither --minimum nor a file {VersionRequest.MinimumFile}; expected the oldest version to publish")
            {
                Hint = "hyperkube release REPO --minimum v1.34.0",
            };
        }

        using ReleaseReader reader = new(request.Release, session);
        using var registries = request.Access.Open(session);
        string TagOf(KubernetesVersion version) => PublishedTags.TagOf(version, request.Compression.Algorithm);

        var versions = filter.Of(await request.Versions.Open(reader.Files, session.Host).ReadAsync(cancellationToken).ConfigureAwait(false));
        var repository = registries.Repository(request.Repository);
        var tags = await PublishedTags.ReadAsync(repository, cancellationToken).ConfigureAwait(false);
        ReleaseSurvey survey = new(repository, reader.Files, v => Files(v, request.Release), Holds(request.Holds));
        var questions = ReleasePlan.Questions(versions, tags, TagOf, request.Shard, request.Audit, request.Reports.WantsImages);
        var plan = ReleasePlan.Of(await survey.AskAsync(questions, cancellationToken).ConfigureAwait(false));
        if (request.DryRun)
        {
            var planned = plan.Releases.Select(r => new ReleasedVersion(
                r.Version.ToString(), ReleasePlan.Word(r.Action), r.Digest?.ToString(), ErrorOf(r.Facts.Failure), r.Reason));
            session.Results([.. planned], CliJson.Default.IReadOnlyListReleasedVersion, (_, text) => text.Write(plan.ToString()));
            return;
        }

        session.Log.Note(plan.ToString());
        ReleaseRun run = new(
            new Publisher([]),
            reader.Files,
            new ReleaseRunSettings
            {
                Open = () => registries.Repository(request.Repository),
                TagOf = TagOf,
                Fetch = (version, token) => reader.FetchAsync(
                    version, registries.Transports, [request.Repository with { Tag = TagOf(version) }], token),
                Builder = layout => new NodeImageBuilder(layout, request.Compression, request.Release.Jobs, session.Log),
                Created = created,
                ScratchDirectory = reader.CacheDirectory,
                AtOnce = Math.Min(MaxAtOnce, request.Release.Jobs),
            },
            session.Log,
            session.Host.Time);
        try
        {
            await run.RunAsync(plan, cancellationToken).ConfigureAwait(false);
            await ReleaseReports.WriteAsync(request, run.Outcomes, session, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // Also of a run that was interrupted: what it did is done.
            session.Results([.. run.Outcomes.Select(Entry)], CliJson.Default.IReadOnlyListReleasedVersion, Write);
        }

        var failures = run.Outcomes.Select(o => o.Error).OfType<HyperkubeException>().ToList();
        if (failures.Count > 0)
        {
            throw ExitCodes.MostSerious(failures, f => f.Kind);
        }
    }

    private static IEnumerable<ReleaseFile> Files(KubernetesVersion version, ReleaseRequest request) =>
        from platform in request.Platforms.Order()
        from name in request.Binaries.Order()
        select new ReleaseFile(version, platform, name);

    private static HeldReleases Holds(string? file) =>
        file is not null ? HeldReleases.Load(file)
        : File.Exists(HeldReleases.DefaultFile) ? HeldReleases.Load(HeldReleases.DefaultFile)
        : HeldReleases.None;

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

        var counts = releases.GroupBy(r => r.Action).Select(g => $"{g.Count()} {g.Key}").Order(StringComparer.Ordinal);
        text.WriteLine($"{releases.Count} releases: {string.Join(", ", counts.DefaultIfEmpty("none"))}");
    }
}
