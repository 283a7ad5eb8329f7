using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases;

public sealed class DownloadSiteTests
{
    private static readonly Digest Expected = Digest.Of(LocalSite.Content);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_file_comes_with_one_request()
    {
        await using var local = LocalSite.Start();

        using var file = await local.Open().FetchAsync(LocalSite.Kubelet.Path, Expected, Quiet.Step, Ct);

        Assert.Equal(Expected, file!.Sha256);
        Assert.Equal(LocalSite.Size, file.Size);
        Assert.False(file.WasCached);
        Assert.Null(Assert.Single(local.Site.Requests).Request.Header("Range"));
    }

    [Fact]
    public async Task A_checked_kubelet_costs_three_requests_and_later_two()
    {
        await using var local = LocalSite.Start();

        var first = await local.FetchAsync();
        Assert.Equal(
            "kubelet.sha256 kubelet.sha512 kubelet",
            string.Join(' ', local.Site.Requests.Select(r => Path.GetFileName(r.Request.Path))));
        var second = await local.FetchAsync();

        Assert.False(first.WasCached);
        Assert.True(second.WasCached);
        Assert.Equal(5, local.Site.Requests.Count);
        Assert.Equal(LocalSite.Size, local.Site.BytesFor("kubelet"));
    }

    [Fact]
    public async Task A_file_that_lies_ready_is_taken_from_there_and_not_from_the_site()
    {
        await using var local = LocalSite.Start();

        using var file = await local.Open(present: local.Tree).FetchAsync(LocalSite.Kubelet.Path, Expected, Quiet.Step, Ct);

        Assert.Equal(Path.Combine(local.Tree, LocalSite.Kubelet.Path), file!.Path);
        Assert.Empty(local.Site.Requests);
    }

    [Fact]
    public async Task A_file_that_lies_ready_and_is_not_right_is_fetched()
    {
        await using var local = LocalSite.Start();
        ReleaseTree.WriteFile(local.PathOf("present"), LocalSite.Version, LocalSite.Platform, "kubelet", "damaged"u8);

        using var file = await local.Open(present: local.PathOf("present")).FetchAsync(LocalSite.Kubelet.Path, Expected, Quiet.Step, Ct);

        Assert.Equal(Expected, file!.Sha256);
        Assert.Single(local.Site.Requests);
    }

    [Fact]
    public async Task A_file_that_lies_ready_and_is_larger_than_any_binary_is_fetched()
    {
        await using var local = LocalSite.Start();
        var path = ReleaseTree.WriteFile(local.PathOf("present"), LocalSite.Version, LocalSite.Platform, "kubelet", "damaged"u8);
        await using (var huge = File.OpenWrite(path))
        {
            huge.SetLength((1L << 30) + 1); // Takes no room.
        }

        using var file = await local.Open(present: local.PathOf("present")).FetchAsync(LocalSite.Kubelet.Path, Expected, Quiet.Step, Ct);

        Assert.Equal(Expected, file!.Sha256);
    }

    [Fact]
    public async Task What_the_site_does_not_have_is_nothing()
    {
        await using var local = LocalSite.Start();
        var site = local.Open();

        Assert.Null(await site.ReadTextAsync("stable-1.99.txt", Ct));
        Assert.Null(await site.FetchAsync("v1.99.0/bin/linux/amd64/kubelet", Expected, Quiet.Step, Ct));
        Assert.Equal(2, local.Site.Requests.Count);
    }

    [Fact]
    public async Task A_text_is_read_without_the_white_space_around_it()
    {
        await using var local = LocalSite.Start();
        await File.WriteAllTextAsync(Path.Combine(local.Tree, "stable.txt"), "v1.36.4\n", Ct);

        Assert.Equal("v1.36.4", await local.Open().ReadTextAsync("stable.txt", Ct));
    }

    [Fact]
    public async Task A_text_without_end_is_refused_after_a_few_bytes()
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = _ => SiteAnswer.Text("v1.36.4") with { Endless = true };

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => local.Open().ReadTextAsync("stable.txt", Ct));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains("more than 4096 bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_text_that_drips_is_given_up()
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = _ => SiteAnswer.Text(new string('1', 1000)) with { Drip = TimeSpan.FromMilliseconds(20) };
        var site = local.Open(LocalSite.Hasty with { SpeedSpan = TimeSpan.FromMilliseconds(100) });

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => site.ReadTextAsync("stable.txt", Ct));

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
    }

    // A checksum is 64 bytes: the line breaks there as well as in a large file.
    [Fact]
    public async Task A_text_whose_connection_breaks_is_asked_for_again()
    {
        await using var local = LocalSite.Start();
        var first = true;
        local.Site.Intercept = _ =>
        {
            var answer = SiteAnswer.Text("v1.36.4") with { CutAfter = first ? 3 : null };
            first = false;
            return answer;
        };

        Assert.Equal("v1.36.4", await local.Open().ReadTextAsync("stable.txt", Ct));
    }

    [Theory]
    [InlineData("https://ann:hunter2@mirror.example/release")]
    [InlineData("https://ann@mirror.example/release")]
    [InlineData("http://token:@127.0.0.1/release")]
    public async Task Credentials_in_the_URL_are_refused_and_not_repeated(string location)
    {
        await using var local = LocalSite.Start();

        var error = Assert.Throws<HyperkubeException>(() => local.Open(url: new Uri(location)));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.DoesNotContain("hunter2", error.Message + error.Hint, StringComparison.Ordinal);
        Assert.DoesNotContain("token", error.Message + error.Hint, StringComparison.Ordinal);
        Assert.Contains("netrc", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plain_HTTP_to_another_machine_is_refused()
    {
        await using var local = LocalSite.Start();

        var error = Assert.Throws<HyperkubeException>(() => local.Open(url: new Uri("http://mirror.example/release")));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Contains("--plain-http", error.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://mirror.example/release", true)]
    [InlineData("http://127.0.0.1:8080/release", false)]
    [InlineData("http://[::1]:8080/release", false)]
    [InlineData("http://localhost/release", false)]
    [InlineData("https://mirror.example/release", false)]
    public async Task Plain_HTTP_is_fine_on_this_machine_or_when_told(string location, bool plainHttp)
    {
        await using var local = LocalSite.Start();

        Assert.Equal(location, local.Open(LocalSite.Hasty with { PlainHttp = plainHttp }, new Uri(location)).Location);
    }

    [Theory]
    [InlineData("https://mirror.example/release/")]
    [InlineData("https://mirror.example/release?token=hunter2")]
    [InlineData("https://mirror.example/release#hunter2")]
    public async Task The_location_is_the_URL_without_what_may_be_secret(string location)
    {
        await using var local = LocalSite.Start();

        Assert.Equal("https://mirror.example/release", local.Open(url: new Uri(location)).Location);
    }
}
