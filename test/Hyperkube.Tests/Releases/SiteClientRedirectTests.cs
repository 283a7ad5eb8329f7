using System.Text;
using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases;

/// <summary>Where a client may be led, and with what.</summary>
public sealed class SiteClientRedirectTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirect_on_the_same_host_is_followed(int status)
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = request => request.Path == "stable.txt" ? SiteAnswer.Redirect("/release/there.txt") with { Status = status }
            : request.Path == "there.txt" ? SiteAnswer.Text("v1.36.4")
            : null;

        Assert.Equal("v1.36.4", await local.Open().ReadTextAsync("stable.txt", Ct));
    }

    [Fact]
    public async Task A_redirect_keeps_the_range_of_a_download_that_goes_on()
    {
        await using var local = LocalSite.Start();
        local.OnBinary = _ => local.BinaryRequests.Count == 0
            ? new SiteAnswer { Body = LocalSite.Content, CutAfter = 500_000 }
            : SiteAnswer.Redirect($"/release/./{LocalSite.Kubelet.Path}?signed=1");

        await Assert.ThrowsAsync<HyperkubeException>(() => local.FetchAsync());

        Assert.Contains(local.Site.Requests, r => r.Request.Path.EndsWith("?signed=1", StringComparison.Ordinal)
            && r.Request.Header("Range") is { } range && range.StartsWith("bytes=500000-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_redirect_to_a_host_that_is_not_on_the_list_is_refused_and_names_the_flag()
    {
        await using var local = LocalSite.Start();
        await using var other = LocalSite.Start();
        local.Site.Intercept = request => SiteAnswer.Redirect(At("localhost", other, request.Path));

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => local.Open().ReadTextAsync("stable.txt", Ct));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Contains("a redirect to localhost", error.Message, StringComparison.Ordinal);
        Assert.Contains("--allow-redirect localhost", error.Hint, StringComparison.Ordinal);
        Assert.Single(local.Site.Requests);
        Assert.Empty(other.Site.Requests);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("LOCALHOST")]
    public async Task A_redirect_to_a_host_that_was_allowed_is_followed(string allowed)
    {
        await using var local = LocalSite.Start();
        await using var other = LocalSite.Start();
        local.Site.Intercept = request => SiteAnswer.Redirect(At("localhost", other, request.Path));

        var binary = await local.FetchAsync(local.Open(LocalSite.Hasty with { RedirectHosts = [allowed] }));

        Assert.Equal(Digest.Of(LocalSite.Content), binary.Digest);
        Assert.Equal(3, other.Site.Requests.Count);
    }

    // Whoever runs the site on loopback could otherwise send the download over the network in the clear.
    [Theory]
    [InlineData("http://mirror.invalid/stable.txt")]
    [InlineData("http://dl.k8s.io.invalid/stable.txt")]
    [InlineData("http://dl.k8s.io/release/stable.txt")]
    public async Task A_redirect_to_plain_HTTP_on_another_machine_is_refused_even_when_the_host_is_allowed(string target)
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = _ => SiteAnswer.Redirect(target);
        var once = LocalSite.Hasty with
        {
            RedirectHosts = ["mirror.invalid", "dl.k8s.io.invalid"],
            Retry = LocalSite.Hasty.Retry with { MaxAttempts = 1 },
            AnswerTimeout = TimeSpan.FromMilliseconds(500),
        };

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => local.Open(once).ReadTextAsync("stable.txt", Ct));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Contains("without TLS", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ftp://127.0.0.1/stable.txt")]
    [InlineData("file:///etc/passwd")]
    [InlineData("data:text/plain,v1.36.4")]
    public async Task A_redirect_to_what_is_no_HTTP_is_refused(string target)
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = _ => SiteAnswer.Redirect(target);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => local.Open().ReadTextAsync("stable.txt", Ct));

        Assert.Equal(ErrorKind.Usage, error.Kind);
    }

    [Fact]
    public async Task A_loop_of_redirects_is_left_after_the_fifth()
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = _ => SiteAnswer.Redirect("/release/stable.txt");

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => local.Open().ReadTextAsync("stable.txt", Ct));

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Contains("more than 5 redirects", error.Message, StringComparison.Ordinal);
        Assert.InRange(local.Site.Requests.Count, 6, 30);
    }

    [Fact]
    public async Task A_redirect_to_nowhere_is_no_success()
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = _ => SiteAnswer.Text("", 302);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => local.Open().ReadTextAsync("stable.txt", Ct));

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
    }

    [Fact]
    public async Task A_login_goes_to_the_host_that_it_is_for()
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = _ => SiteAnswer.Text("v1.36.4");

        await local.Open(WithLogins("machine 127.0.0.1 login ann password one\nmachine localhost login ben password two"))
            .ReadTextAsync("stable.txt", Ct);

        Assert.Equal("ann:one", LoginOf(local.Site.Requests[0]));
    }

    [Fact]
    public async Task A_host_without_a_login_gets_none()
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = _ => SiteAnswer.Text("v1.36.4");

        await local.Open(WithLogins("machine mirror.example login ann password one")).ReadTextAsync("stable.txt", Ct);

        Assert.Null(local.Site.Requests[0].Request.Header("Authorization"));
    }

    [Theory]
    [InlineData("machine 127.0.0.1 login ann password one")]
    [InlineData("default login ann password one")] // It is for the site that was asked, not for wherever that leads.
    public async Task A_login_does_not_follow_a_redirect_to_another_host(string logins)
    {
        await using var local = LocalSite.Start();
        await using var other = LocalSite.Start();
        local.Site.Intercept = request => SiteAnswer.Redirect(At("localhost", other, request.Path));
        other.Site.Intercept = _ => SiteAnswer.Text("v1.36.4");

        await local.Open(WithLogins(logins) with { RedirectHosts = ["localhost"] }).ReadTextAsync("stable.txt", Ct);

        Assert.Equal("ann:one", LoginOf(local.Site.Requests[0]));
        Assert.Null(other.Site.Requests[0].Request.Header("Authorization"));
    }

    internal static SiteOptions WithLogins(string logins) => LocalSite.Hasty with { Logins = Netrc.Parse(logins, "netrc") };

    internal static string? LoginOf(ServedRequest served) => served.Request.Header("Authorization") is { } header
        ? Encoding.UTF8.GetString(Convert.FromBase64String(header["Basic ".Length..]))
        : null;

    internal static string At(string host, LocalSite site, string path) =>
        $"{site.Site.Url.Scheme}://{host}:{site.Site.Url.Port}/release/{path}";
}
