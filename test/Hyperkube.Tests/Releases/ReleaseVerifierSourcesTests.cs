using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases;

/// <summary>Several sources: they are asked in order, and what all of them said decides.</summary>
public sealed class ReleaseVerifierSourcesTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_first_source_that_has_it_is_enough()
    {
        await using var first = LocalSite.Start();
        await using var second = LocalSite.Start();

        using var binary = await FetchAsync(first, first.Open(), second.Open());

        Assert.Equal(first.Site.Url.ToString(), binary.Source);
        Assert.Empty(second.Site.Requests);
    }

    [Theory]
    [InlineData("down")]
    [InlineData("busy")]
    [InlineData("missing")]
    [InlineData("wrong")]
    [InlineData("refused")]
    [InlineData("page")]
    public async Task A_source_that_fails_makes_way_for_the_next_and_is_named(string failure)
    {
        await using var local = LocalSite.Start();
        await using var good = LocalSite.Start();

        using var binary = await FetchAsync(local, Failing(local, failure), good.Open());

        Assert.Equal(good.Site.Url.ToString(), binary.Source);
        Assert.Contains(local.Log.Warnings, w => w.EndsWith("; trying the next source", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("missing", "wrong", ErrorKind.BadDigest)]
    [InlineData("wrong", "missing", ErrorKind.BadDigest)]
    [InlineData("busy", "wrong", ErrorKind.BadDigest)]
    [InlineData("wrong", "refused", ErrorKind.BadDigest)]
    [InlineData("page", "refused", ErrorKind.BadContent)]
    [InlineData("missing", "refused", ErrorKind.AccessDenied)]
    [InlineData("refused", "busy", ErrorKind.AccessDenied)]
    [InlineData("missing", "busy", ErrorKind.Unavailable)]
    [InlineData("busy", "missing", ErrorKind.Unavailable)]
    [InlineData("missing", "missing", ErrorKind.NotFound)]
    public async Task When_all_fail_the_most_serious_failure_decides(string one, string other, ErrorKind kind)
    {
        await using var local = LocalSite.Start();
        await using var second = LocalSite.Start();

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => FetchAsync(local, Failing(local, one), Failing(second, other)));

        Assert.Equal(kind, error.Kind);
    }

    [Fact]
    public async Task Checksums_and_file_come_from_the_same_source()
    {
        await using var onlyChecksums = LocalSite.Start();
        onlyChecksums.OnBinary = _ => SiteAnswer.Text("no", 404);
        await using var other = LocalSite.Start();
        ReleaseTree.WriteFile(
            other.Tree, LocalSite.Version, LocalSite.Platform, "kubelet", StandInProgram.Create(LocalSite.Platform, "other\n"));

        using var binary = await FetchAsync(other, onlyChecksums.Open(), other.Open());

        Assert.Equal(other.Site.Url.ToString(), binary.Source);
        Assert.NotEqual(Digest.Of(LocalSite.Content), binary.Digest);
    }

    [Fact]
    public async Task A_directory_and_a_site_stand_in_for_each_other()
    {
        await using var local = LocalSite.Start();
        Directory.CreateDirectory(local.PathOf("empty"));

        using var binary = await FetchAsync(local, new DirectorySource(local.PathOf("empty")), local.Open());

        Assert.Equal(local.Site.Url.ToString(), binary.Source);
    }

    // A wrong call stays wrong: to go on would hide it for as long as the next source works.
    [Fact]
    public async Task A_redirect_that_was_not_allowed_ends_the_search()
    {
        await using var local = LocalSite.Start();
        await using var second = LocalSite.Start();
        local.Site.Intercept = _ => SiteAnswer.Redirect("https://elsewhere.example/");

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => FetchAsync(local, local.Open(), second.Open()));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Empty(second.Site.Requests);
    }

    [Fact]
    public async Task A_cancellation_asks_no_further_source()
    {
        await using var local = LocalSite.Start();
        await using var second = LocalSite.Start();
        using CancellationTokenSource stop = new();
        local.Site.Intercept = _ =>
        {
            stop.Cancel();
            return new SiteAnswer { Silent = true };
        };
        ReleaseVerifier verifier = new([local.Open(), second.Open()], evidence: null, local.Log);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => verifier.FetchAsync([LocalSite.Kubelet], jobs: 1, stop.Token));

        Assert.Empty(second.Site.Requests);
    }

    private static async Task<VerifiedBinary> FetchAsync(LocalSite logTo, params IReadOnlyList<IReleaseSource> sources) =>
        (await new ReleaseVerifier(sources, evidence: null, logTo.Log).FetchAsync([LocalSite.Kubelet], jobs: 1, Ct)).Binaries[0];

    private static DownloadSite Failing(LocalSite local, string failure)
    {
        Func<SiteRequest, SiteAnswer?> answer = failure switch
        {
            "busy" => _ => SiteAnswer.Text("busy", 503),
            "missing" => _ => SiteAnswer.Text("no", 404),
            "refused" => _ => SiteAnswer.Text("no", 403),
            "page" => _ => SiteAnswer.Text("<html>Sign in</html>"),
            "wrong" => request => request.Path == LocalSite.Kubelet.Path
                ? new SiteAnswer { Body = StandInProgram.Create(LocalSite.Platform, "wrong\n") }
                : null,
            _ => _ => null,
        };
        local.Site.Intercept = answer;
        return local.Open(url: failure == "down" ? new Uri($"http://127.0.0.1:{SiteClientTests.ClosedPort()}/release") : null);
    }
}
