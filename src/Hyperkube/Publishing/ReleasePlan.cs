using System.Globalization;
using System.Text;
using Hyperkube.Oci;
using Hyperkube.Releases;

namespace Hyperkube.Publishing;

/// <summary>What is to be done about a release.</summary>
public enum PlannedAction
{
    /// <summary>Nothing: it is published.</summary>
    Present,

    /// <summary>Nothing: somebody else's image has the tag.</summary>
    Foreign,

    /// <summary>Build and publish it.</summary>
    Build,

    /// <summary>Nothing: upstream has published it broken, and has not changed it since that was seen.</summary>
    Held,

    /// <summary>Nothing yet: upstream has a tag but not all binaries.</summary>
    Pending,

    /// <summary>Raise the alarm: upstream now serves other binaries than those that were published.</summary>
    Changed,

    /// <summary>Nobody knows: it could not be asked for.</summary>
    Unknown,
}

/// <summary>What is known of a release, on both sides.</summary>
/// <param name="Version">Which.</param>
/// <param name="IsTagged">Whether the registry has its tag.</param>
public sealed record ReleaseFacts(KubernetesVersion Version, bool IsTagged)
{
    /// <summary>The published image, if it was looked into.</summary>
    public PublishedRelease? Published { get; init; }

    /// <summary>What upstream has, if it was asked.</summary>
    public UpstreamRelease? Upstream { get; init; }

    /// <summary>Why it may be on hold.</summary>
    public IReadOnlyList<HeldRelease> Holds { get; init; } = [];

    /// <summary>What tells whether it still is what it was when it was held: 64 hex digits; null when nobody asked.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>Why one side could not be asked.</summary>
    public HyperkubeException? Failure { get; init; }
}

/// <summary>What is to be done about one release, and why.</summary>
/// <param name="Facts">What is known.</param>
/// <param name="Action">What is to be done.</param>
/// <param name="Reason">Why, short.</param>
public sealed record PlannedRelease(ReleaseFacts Facts, PlannedAction Action, string Reason)
{
    /// <summary>Which.</summary>
    public KubernetesVersion Version => Facts.Version;

    /// <summary>What the tag stands for, if that is known.</summary>
    public Digest? Digest => Facts.Published?.Root.Digest;

    /// <summary>What a run ends with if there is such a release.</summary>
    public HyperkubeException? Error => Action switch
    {
        PlannedAction.Changed => new HyperkubeException(ErrorKind.BadDigest, $"{Version}: changed upstream: {Reason}")
        {
            Hint = "find out who changed what: the image stays as it was published",
        },
        PlannedAction.Unknown => Facts.Failure,
        _ => null,
    };
}

/// <summary>What to find out about a release before anything can be decided.</summary>
/// <param name="Version">Which.</param>
/// <param name="Tag">Its tag.</param>
/// <param name="IsTagged">Whether the registry has the tag.</param>
/// <param name="LookIntoImage">Whether the published image is looked into.</param>
/// <param name="AskUpstream">Whether upstream is asked for its checksums.</param>
public sealed record ReleaseQuestion(KubernetesVersion Version, string Tag, bool IsTagged, bool LookIntoImage, bool AskUpstream);

/// <summary>What is to be done about all releases, newest first. A value: deciding asks nobody.</summary>
/// <param name="Releases">One for each release.</param>
public sealed record ReleasePlan(IReadOnlyList<PlannedRelease> Releases)
{
    /// <summary>The newest release that the registry has, no candidate of one, whoever's part it is; null if it has none.</summary>
    public KubernetesVersion? Newest { get; init; }

    /// <summary>What to find out: of what is missing, whether upstream has it; of what is published, only the newest patch of each minor,
    /// unless everything is audited.</summary>
    /// <param name="versions">The releases that count.</param>
    /// <param name="tags">What the registry has.</param>
    /// <param name="tagOf">The tag of a release.</param>
    /// <param name="shard">Whose part.</param>
    /// <param name="audit">Whether every published image is compared with upstream.</param>
    /// <param name="isTold">Of which releases the published image is looked into in any case, to tell others of it.</param>
    public static IReadOnlyList<ReleaseQuestion> Questions(
        IReadOnlyList<KubernetesVersion> versions, PublishedTags tags, Func<KubernetesVersion, string> tagOf, Shard shard, bool audit,
        Func<KubernetesVersion, bool> isTold)
    {
        var newest = versions.Where(v => tags.Has(tagOf(v)))
            .GroupBy(v => (v.Major, v.Minor)).Select(g => g.Max()!).ToHashSet();
        return
        [
            .. from version in versions.Distinct().OrderDescending()
               where shard.Has(version)
               let tag = tagOf(version)
               let isTagged = tags.Has(tag)
               let isCompared = isTagged && (audit || newest.Contains(version))
               select new ReleaseQuestion(version, tag, isTagged, isTagged && (isCompared || isTold(version)), !isTagged || isCompared),
        ];
    }

    /// <summary>Decides.</summary>
    public static ReleasePlan Of(IEnumerable<ReleaseFacts> facts) =>
        new([.. facts.OrderByDescending(f => f.Version).Select(Decide)]);

    /// <summary>Those about which something particular is to be done.</summary>
    public IEnumerable<PlannedRelease> With(PlannedAction action) => Releases.Where(r => r.Action == action);

    /// <summary>The plan for a person: a line for each release about which there is something to say, and how many others there are.
    /// </summary>
    public override string ToString()
    {
        StringBuilder text = new();
        foreach (var release in Releases.Where(r => r.Action != PlannedAction.Present))
        {
            text.Append(CultureInfo.InvariantCulture, $"{release.Version,-18}{Word(release.Action),-10}{release.Reason}\n");
        }

        var counts = Releases.GroupBy(r => r.Action).OrderBy(g => g.Key).Select(g => $"{g.Count()} {Word(g.Key)}");
        return text.Append(CultureInfo.InvariantCulture, $"{Releases.Count} releases: {string.Join(", ", counts.DefaultIfEmpty("none"))}\n")
            .ToString();
    }

    /// <summary>An action as plans and JSON name it.</summary>
    public static string Word(PlannedAction action) => action switch
    {
        PlannedAction.Present => "present",
        PlannedAction.Foreign => "foreign",
        PlannedAction.Build => "build",
        PlannedAction.Held => "held",
        PlannedAction.Pending => "pending",
        PlannedAction.Changed => "changed",
        PlannedAction.Unknown => "failed",
        _ => throw new ArgumentOutOfRangeException(nameof(action)),
    };

    private static PlannedRelease Decide(ReleaseFacts facts) => facts switch
    {
        _ when facts.Holds.FirstOrDefault(h => h.Fingerprint == facts.Fingerprint) is { } hold => new(
            facts, PlannedAction.Held, hold.Reason),
        { Failure: { } failure } => new(facts, PlannedAction.Unknown, failure.Message),
        { IsTagged: true } => DecideTagged(facts),
        _ => DecideMissing(facts),
    };

    private static PlannedRelease DecideTagged(ReleaseFacts facts)
    {
        if (facts.Published is not { } published)
        {
            return new(facts, PlannedAction.Present, "the tag is there");
        }

        if (!published.IsOurs)
        {
            return new(facts, PlannedAction.Foreign, "the image there does not record its binaries: it is not ours");
        }

        // An image may record a binary twice: its author's business, and no reason to fall over.
        var upstream = (facts.Upstream?.Binaries ?? []).Where(b => b.Sha256 is not null).DistinctBy(b => b.File)
            .ToDictionary(b => b.File, b => b.Sha256);
        var recorded = published.Platforms.SelectMany(p => p.Binaries).ToList();
        return recorded.FirstOrDefault(b => upstream.TryGetValue(b.File, out var now) && now != b.Sha256) is { } changed
            ? new(facts, PlannedAction.Changed,
                $"{changed.File} is sha256:{changed.Sha256} in the image, and sha256:{upstream[changed.File]} upstream")
            : new(facts, PlannedAction.Present,
                recorded.Exists(b => upstream.ContainsKey(b.File)) ? "the same binaries as upstream" : "the tag is there");
    }

    private static PlannedRelease DecideMissing(ReleaseFacts facts)
    {
        var binaries = facts.Upstream?.Binaries ?? [];
        var missing = binaries.Where(b => b.Sha256 is null).Select(b => b.File.ToString()).ToList();
        if (missing.Count > 0 || binaries.Count == 0)
        {
            return new(facts, PlannedAction.Pending, missing.Count == binaries.Count
                ? "upstream has no binaries yet"
                : $"upstream has not yet: {string.Join(", ", missing)}");
        }

        return new(facts, PlannedAction.Build, facts.Holds.Count > 0 ? "upstream has changed it since it was held" : "missing");
    }
}
