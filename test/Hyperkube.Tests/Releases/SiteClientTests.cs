using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Hyperkube.Oci;
using Hyperkube.Oci.Http;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases;

/// <summary>Answers that are no success, and what is done about them.</summary>
public sealed class SiteClientTests
{
    private static readonly DateTimeOffset Now = new(2026, 8, 1, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(408)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    public async Task A_server_that_is_busy_is_asked_again(int status)
    {
        await using var local = LocalSite.Start();
        local.OnBinary = _ => local.BinaryRequests.Count < 2 ? SiteAnswer.Text("busy", status) : null;

        var binary = await local.FetchAsync();

        Assert.Equal(Digest.Of(LocalSite.Content), binary.Digest);
        Assert.Equal(3, local.BinaryRequests.Count);
        Assert.Contains(local.Log.Warnings, w => w.Contains($": {status} ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_that_stays_busy_is_given_up_after_the_last_try()
    {
        await using var local = LocalSite.Start();
        local.OnBinary = _ => SiteAnswer.Text("busy", 503);

        var error = await local.FailAsync();

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Contains("503", error.Message, StringComparison.Ordinal);
        Assert.Equal(5, local.BinaryRequests.Count);
    }

    [Theory]
    [InlineData("7", 7)]
    [InlineData("0", 0)]
    [InlineData("Sat, 01 Aug 2026 12:00:09 GMT", 9)]
    [InlineData("Sat, 01 Aug 2026 11:00:00 GMT", 0)]
    public async Task What_the_server_asks_for_is_waited_for(string retryAfter, int seconds)
    {
        await using var local = LocalSite.Start();
        SkippingTime time = new() { Now = Now };
        local.OnBinary = _ => local.BinaryRequests.Count == 0 ? Busy(retryAfter) : null;

        await local.FetchAsync(local.Open(LocalSite.Hasty with { Retry = new RetryPolicy { Time = time } }));

        Assert.Equal(TimeSpan.FromSeconds(seconds), Assert.Single(time.Skipped.DefaultIfEmpty()));
        Assert.Equal(2, local.BinaryRequests.Count);
    }

    [Theory]
    [InlineData("3600")]
    [InlineData("Sat, 01 Aug 2026 13:00:00 GMT")]
    public async Task A_server_that_asks_for_an_hour_is_given_up_at_once(string retryAfter)
    {
        await using var local = LocalSite.Start();
        local.OnBinary = _ => Busy(retryAfter);

        RetryPolicy retry = new() { Time = new SkippingTime { Now = Now } };
        var error = await local.FailAsync(local.Open(LocalSite.Hasty with { Retry = retry }));

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Single(local.BinaryRequests);
    }

    [Theory]
    [InlineData("-5")]
    [InlineData("soon")]
    [InlineData("99999999999999999999")]
    public async Task A_wish_that_makes_no_sense_is_as_good_as_none(string retryAfter)
    {
        await using var local = LocalSite.Start();
        local.OnBinary = _ => local.BinaryRequests.Count == 0 ? Busy(retryAfter) : null;

        Assert.Equal(Digest.Of(LocalSite.Content), (await local.FetchAsync()).Digest);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    public async Task A_refusal_is_not_retried_and_its_hint_names_the_login_file(int status)
    {
        await using var local = LocalSite.Start();
        local.OnBinary = _ => SiteAnswer.Text("no", status);

        var error = await local.FailAsync();

        Assert.Equal(ErrorKind.AccessDenied, error.Kind);
        Assert.Contains("~/.netrc", error.Hint, StringComparison.Ordinal);
        Assert.Single(local.BinaryRequests);
    }

    [Fact]
    public async Task A_proxy_that_wants_a_login_says_so()
    {
        await using var local = LocalSite.Start();
        local.OnBinary = _ => SiteAnswer.Text("no", 407);

        var error = await local.FailAsync();

        Assert.Equal(ErrorKind.AccessDenied, error.Kind);
        Assert.Contains("HTTPS_PROXY", error.Hint, StringComparison.Ordinal);
    }

    // Sites speak TLS, so the proxy is asked for a tunnel.
    [Fact]
    public async Task A_proxy_that_wants_a_login_for_a_tunnel_says_so_too()
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = _ => SiteAnswer.Text("no", 407);

        var error = await local.FailAsync(local.Open(url: new Uri("https://mirror.invalid/release"), proxy: local.Site.Url.ToString()));

        Assert.Equal(ErrorKind.AccessDenied, error.Kind);
        Assert.Contains("HTTPS_PROXY", error.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(407)]
    [InlineData(502)]
    public async Task A_login_for_the_proxy_is_never_shown(int status)
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = _ => SiteAnswer.Text("no", status);
        UriBuilder proxy = new(local.Site.Url) { UserName = "ann", Password = "hunter2" };

        var error = await local.FailAsync(local.Open(url: new Uri("https://mirror.invalid/release"), proxy: proxy.ToString()));

        Assert.Contains(local.Site.Requests, r => r.Request.Method == "CONNECT");
        Assert.DoesNotContain("hunter2", error.ToString() + error.Hint + string.Concat(local.Log.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(204)]
    [InlineData(300)]
    [InlineData(400)]
    [InlineData(418)]
    [InlineData(505)]
    public async Task An_answer_nobody_expects_is_no_success(int status)
    {
        await using var local = LocalSite.Start();
        local.OnBinary = _ => SiteAnswer.Text("", status);

        Assert.Equal(ErrorKind.Unavailable, (await local.FailAsync()).Kind);
        Assert.Single(local.BinaryRequests);
    }

    [Fact]
    public async Task A_host_nobody_answers_at_is_one_line_and_a_way_out()
    {
        await using var local = LocalSite.Start();
        var site = local.Open(url: new Uri($"http://127.0.0.1:{ClosedPort()}/release"));

        var error = await local.FailAsync(site);

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Contains("--source", error.Hint, StringComparison.Ordinal);
        Assert.Contains("make demo", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_HTTP_is_no_success()
    {
        TaskCompletionSource<int> port = new();
        var greeting = GreetAsync(port);
        await using var local = LocalSite.Start();
        var site = local.Open(
            LocalSite.Hasty with { Retry = LocalSite.Hasty.Retry with { MaxAttempts = 1 } },
            new Uri($"http://127.0.0.1:{await port.Task}/release"));

        var error = await local.FailAsync(site);
        await greeting;

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public async Task The_wait_between_two_tries_can_be_cancelled()
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = _ => Busy("60");
        using CancellationTokenSource stop = new();
        var site = local.Open(LocalSite.Hasty with { Retry = new RetryPolicy() });

        var fetching = site.ReadTextAsync("stable.txt", stop.Token);
        while (local.Log.Warnings.Count == 0)
        {
            await Task.Delay(1, Ct);
        }

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fetching);
    }

    [Fact]
    public async Task A_message_shows_neither_query_nor_login()
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = request => request.Path.Contains("token", StringComparison.Ordinal)
            ? SiteAnswer.Text("no", 403)
            : SiteAnswer.Redirect($"{local.Site.Url}/elsewhere?token=hunter2");

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => local.Open().ReadTextAsync("stable.txt", Ct));

        Assert.Equal(ErrorKind.AccessDenied, error.Kind);
        Assert.Contains("/release/elsewhere", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", error.ToString() + error.Hint, StringComparison.Ordinal);
    }

    internal static int ClosedPort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static SiteAnswer Busy(string retryAfter) => new()
    {
        Status = 503,
        Headers = ImmutableDictionary<string, string>.Empty.Add("Retry-After", retryAfter),
    };

    private static async Task GreetAsync(TaskCompletionSource<int> port)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        port.SetResult(((IPEndPoint)listener.LocalEndpoint).Port);
        using var client = await listener.AcceptTcpClientAsync(Ct);
        await client.GetStream().WriteAsync("220 ftp.example ready\r\n"u8.ToArray(), Ct);
    }
}
