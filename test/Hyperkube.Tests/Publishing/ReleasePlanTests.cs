using Hyperkube.Oci;
using Hyperkube.Publishing;
using Hyperkube.Releases;
using Hyperkube.Releases.Versions;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Publishing;

/// <summary>The plan is a value: what is known goes in, what is to be done comes out.</summary>
public sealed class ReleasePlanTests
{
    private static readonly Platform Amd64 = new("linux", "amd64");
    private static readonly Platform Arm64 = new("linux", "arm64");
    private static readonly string Fingerprint = new('f', 64);

    // A history as upstream's is: gaps, v1.30.1 beside v1.30.14, candidates, a release that is half there, one that is broken,
    // one that was tagged again, one by somebody else.
    [Fact]
    public void The_plan_of_a_history_is_the_one_in_the_file()
    {
        KubernetesVersion[] history =
        [
            .. "v1.30.0 v1.30.1 v1.30.2 v1.30.13 v1.30.14 v1.31.0 v1.31.1 v1.31.2 v1.32.0-rc.1 v1.32.0 v1.32.1 v1.33.0 v1.33.1 v1.33.2 v1.29.9"
                .Split(' ').Select(KubernetesVersion.Parse),
        ];
        var versions = new VersionFilter(KubernetesVersion.Parse("v1.30.1"), PreReleases: false).Of(history);
        var tags = PublishedTags.Of(["v1.30.14", "v1.30.2", "v1.31.2", "v1.32.1", "v1.33.0-zstd", "latest", "v1.29.9"]);

        var questions = ReleasePlan.Questions(versions, tags, v => v.ToString(), Shard.All, audit: false, isTold: _ => false);
        var plan = ReleasePlan.Of(questions.Select(q => q.Version.ToString() switch
        {
            "v1.33.2" => Missing(q, null, null, null, null),
            "v1.33.1" => Missing(q, "a", "b", null, null),
            "v1.33.0" => Missing(q, "a", "b", "c", "d"),
            "v1.32.1" => Tagged(q) with { Published = Image(q, "1", "2", "3", "4"), Upstream = Upstream(q, "1", "2", "3", "9") },
            "v1.32.0" => Missing(q, "a", "b", "c", "d") with { Holds = [new(q.Version, Fingerprint, "kubectl linux/amd64 has another file's signature")] },
            "v1.31.2" => Tagged(q) with { Published = Image(q, "1", "2", "3", "4"), Upstream = Upstream(q, "1", "2", "3", "4") },
            "v1.31.1" => Missing(q, "a", "b", "c", "d") with { Holds = [new(q.Version, new string('0', 64), "it was broken")] },
            "v1.31.0" => new ReleaseFacts(q.Version, q.IsTagged) { Failure = new HyperkubeException(ErrorKind.Unavailable, "GET https://mirror.example/x: 503") },
            "v1.30.14" => Tagged(q) with { Published = Image(q) },
            _ when q.IsTagged => Tagged(q),
            _ => Missing(q, "a", "b", "c", "d"),
        }));

        var text = string.Concat(
            questions.Select(q => $"ask {q.Version,-10}{(q.LookIntoImage ? " image" : "")}{(q.AskUpstream ? " upstream" : "")}\n"))
            + "\n" + plan
            + "\n" + string.Concat(plan.Releases.Select(r => $"{r.Version} {r.Action}\n"));
        Assert.Equal(Golden.TextFor("test/Hyperkube.Tests/Publishing/Golden/plan.txt", text), text);
    }

    [Fact]
    public void With_audit_every_published_image_is_compared_and_otherwise_the_newest_of_each_minor()
    {
        KubernetesVersion[] versions = [.. "v1.31.1 v1.31.0 v1.30.9 v1.30.10".Split(' ').Select(KubernetesVersion.Parse)];
        var tags = PublishedTags.Of(["v1.31.0", "v1.30.9", "v1.30.10"]);

        string Asked(bool audit, bool all) => string.Join(' ', ReleasePlan.Questions(versions, tags, v => $"{v}", Shard.All, audit, _ => all)
            .Select(q => $"{q.Version}:{(q.LookIntoImage ? "i" : "")}{(q.AskUpstream ? "u" : "")}"));

        Assert.Equal("v1.31.1:u v1.31.0:iu v1.30.10:iu v1.30.9:", Asked(audit: false, all: false));
        Assert.Equal("v1.31.1:u v1.31.0:iu v1.30.10:iu v1.30.9:i", Asked(audit: false, all: true));
        Assert.Equal("v1.31.1:u v1.31.0:iu v1.30.10:iu v1.30.9:iu", Asked(audit: true, all: false));
    }

    // What was published with fewer platforms, or of which upstream has taken something away, has not changed.
    [Fact]
    public void Only_a_binary_that_is_in_both_can_have_changed()
    {
        ReleaseQuestion question = new(KubernetesVersion.Parse("v1.31.0"), "v1.31.0", true, true, true);
        var image = Image(question, "1", "2", "3", "4");

        PlannedAction Of(ReleaseFacts facts) => ReleasePlan.Of([facts]).Releases[0].Action;

        Assert.Equal(PlannedAction.Present, Of(Tagged(question) with { Published = image, Upstream = Upstream(question, "1", null, "3", null) }));
        Assert.Equal(PlannedAction.Changed, Of(Tagged(question) with { Published = image, Upstream = Upstream(question, "1", null, "x", null) }));
        Assert.Equal(PlannedAction.Present, Of(Tagged(question) with
        {
            Published = image with { Platforms = [image.Platforms[0]] },
            Upstream = Upstream(question, "1", "2", "x", "y"),
        }));
    }

    [Fact]
    public void Shards_share_the_work_whole_and_once_from_0_or_from_1()
    {
        var versions = Enumerable.Range(30, 6).SelectMany(minor => Enumerable.Range(0, 15).Select(patch => new KubernetesVersion(1, minor, patch))).ToList();

        foreach (var count in (int[])[1, 2, 3, 4, 7])
        {
            foreach (var first in (int[])[0, 1])
            {
                var shards = Enumerable.Range(first, count).Select(i => Shard.Parse($"{i}/{count}", null)).ToList();
                Assert.All(versions, v => Assert.Single(shards, s => s.Has(v)));
                Assert.All(shards, s => Assert.InRange(versions.Count(s.Has), versions.Count / count / 2, (versions.Count / count * 2) + 1));
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("5/4")]
    [InlineData("-1/4")]
    [InlineData("0/0")]
    [InlineData("1/4/2")]
    [InlineData("1/1001")]
    public void A_part_that_is_none_is_refused(string text) => Assert.Throws<FormatException>(() => Shard.Parse(text, null));

    private static ReleaseFacts Tagged(ReleaseQuestion question) => new(question.Version, question.IsTagged);

    private static ReleaseFacts Missing(ReleaseQuestion question, params string?[] sums) =>
        new(question.Version, question.IsTagged) { Upstream = Upstream(question, sums), Fingerprint = Fingerprint };

    private static IEnumerable<ReleaseFile> Files(KubernetesVersion version) =>
        from platform in (Platform[])[Amd64, Arm64]
        from name in (BinaryName[])[BinaryName.Kubelet, BinaryName.Kubectl]
        select new ReleaseFile(version, platform, name);

    private static UpstreamRelease Upstream(ReleaseQuestion question, params string?[] sums) =>
        new(question.Version, [.. Files(question.Version).Zip(sums, (file, sum) => new UpstreamBinary(file, sum))]);

    private static PublishedRelease Image(ReleaseQuestion question, params string[] sums) => new(
        question.Version,
        new Descriptor(MediaTypes.Index, Digest.Of([1]), 100),
        Annotations.Of(null),
        [
            .. Files(question.Version).Select((file, i) => (File: file, Sum: sums.ElementAtOrDefault(i))).GroupBy(b => b.File.Platform)
                .Select(g => new PublishedPlatform(
                    g.Key, Digest.Of([2]), 1000,
                    [.. g.Where(b => b.Sum is not null).Select(b => new PublishedBinary(b.File, b.Sum!, 10, 5))])),
        ]);
}
