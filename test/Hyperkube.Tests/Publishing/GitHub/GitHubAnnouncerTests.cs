using System.Collections.Concurrent;
using Hyperkube.Oci;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Registry;
using Hyperkube.Publishing;
using Hyperkube.Publishing.GitHub;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Publishing.GitHub;

/// <summary>Announcements: complete, once, and as patient as GitHub asks.</summary>
public sealed class GitHubAnnouncerTests : IAsyncLifetime
{
    private const string Repository = "acme/hyperkube";
    private const string Token = "t0ken";

    private readonly GitHubServer _server = new(Repository, Token, ("KUBERNETES_VERSION", "v1.31.0\n"), ("Makefile", "all:\n"));
    private readonly ImpatientTime _time = new();

    /// <summary>The newest release of the registry.</summary>
    private KubernetesVersion? Newest { get; set; }

    private readonly HttpMessageInvoker _http = HttpConnections.Create(new EnvironmentProxy(_ => null), HostTls.Trusting(null));

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        Assert.Empty(_server.Complaints);
        _http.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_tag_is_a_commit_whose_file_says_the_version_and_the_release_has_the_notes()
    {
        Assert.Empty(await AnnounceAsync("v1.30.1", "v1.30.14"));

        Assert.Equal("v1.30.1 v1.30.14", string.Join(' ', _server.Tags));
        Assert.Equal("v1.30.1\n", _server.FileAt("refs/tags/v1.30.1", "KUBERNETES_VERSION"));
        Assert.Equal("v1.30.14\n", _server.FileAt("refs/tags/v1.30.14", "KUBERNETES_VERSION"));
        Assert.Equal("all:\n", _server.FileAt("refs/tags/v1.30.14", "Makefile"));
        Assert.Equal("v1.31.0\n", _server.FileAt("refs/heads/trunk", "KUBERNETES_VERSION"));
        var newest = _server.Releases[0];
        Assert.Equal("v1.30.14", (string?)newest["tag_name"]);
        Assert.Equal("true", (string?)newest["make_latest"]);
        Assert.Equal("false", (string?)_server.Releases[1]["make_latest"]);
        Assert.Equal("notes of v1.30.14", (string?)newest["body"]);
    }

    [Fact]
    public async Task What_the_head_says_already_is_tagged_there()
    {
        await AnnounceAsync("v1.31.0");

        Assert.Equal(_server.CommitOf("refs/heads/trunk"), _server.CommitOf("refs/tags/v1.31.0"));
    }

    [Fact]
    public async Task What_is_announced_is_left_alone_and_what_is_half_announced_is_completed()
    {
        _server.PageSize = 1;
        await AnnounceAsync("v1.30.1", "v1.30.2");
        _server.AddTag("v1.30.3");
        var before = _server.Calls.Count;

        Assert.Empty(await AnnounceAsync("v1.30.1", "v1.30.2", "v1.30.3"));

        Assert.Equal(
            "POST /repos/acme/hyperkube/releases",
            string.Join(' ', _server.Calls.Skip(before).Where(c => c.Method != "GET").Select(c => c.ToString())));
        Assert.Equal(3, _server.Releases.Count);
        before = _server.Calls.Count;
        _server.PageSize = 100;
        await AnnounceAsync("v1.30.1", "v1.30.2", "v1.30.3");
        Assert.Equal(2, _server.Calls.Count - before);
    }

    [Fact]
    public async Task An_answer_that_was_lost_makes_nothing_twice()
    {
        HashSet<string> lost = [];
        _server.Intercept = call =>
        {
            // Done, and then the answer does not arrive.
            if (call.Method == "POST" && call.Path.EndsWith("refs", StringComparison.Ordinal) && lost.Add(call.Path))
            {
                _server.AddTag("v1.30.1");
                return SiteAnswer.Of(502);
            }

            return null;
        };

        Assert.Empty(await AnnounceAsync("v1.30.1"));

        Assert.Equal("v1.30.1", Assert.Single(_server.Tags));
        Assert.Single(_server.Releases);
    }

    [Fact]
    public async Task Changes_are_a_second_apart()
    {
        await AnnounceAsync("v1.30.1");

        Assert.Equal(5, _server.Calls.Count(c => c.Method == "POST")); // blob, tree, commit, ref, release
        Assert.Equal(4, _time.Waits.Count(w => w > TimeSpan.FromSeconds(0.5) && w <= TimeSpan.FromSeconds(1)));
    }

    public static TheoryData<int, string, string?, string?, string?, double> Limits() => new()
    {
        { 429, "retry-after", "30.5", null, null, 60 }, // No number of seconds: a minute.
        { 403, "primary, until the reset", null, "0", "100", 101 },
        { 429, "told", "17", "0", "100", 17 },
        { 403, "You have exceeded a secondary rate limit. Please wait a few minutes", null, "4000", "100", 60 },
        { 429, "too many", null, null, null, 60 },
    };

    [Theory]
    [MemberData(nameof(Limits))]
    public async Task Limits_are_waited_for_as_long_as_is_asked(
        int status, string message, string? retryAfter, string? remaining, string? resetIn, double seconds)
    {
        var isFirst = true;
        _server.Intercept = call =>
        {
            if (!call.Path.EndsWith("/releases", StringComparison.Ordinal) || !isFirst)
            {
                return null;
            }

            isFirst = false;
            var answer = GitHubServer.Json(status, $$"""{"message":"{{message}}"}""");
            answer = retryAfter is null ? answer : answer.With("Retry-After", retryAfter);
            answer = remaining is null ? answer : answer.With("x-ratelimit-remaining", remaining);
            return resetIn is null ? answer
                : answer.With("x-ratelimit-reset", $"{_time.GetUtcNow().ToUnixTimeSeconds() + int.Parse(resetIn, System.Globalization.CultureInfo.InvariantCulture)}");
        };

        Assert.Empty(await AnnounceAsync("v1.30.1"));

        Assert.Contains(_time.Waits, w => Math.Abs(w.TotalSeconds - seconds) <= 1);
    }

    [Fact]
    public async Task A_limit_that_asks_for_an_hour_is_left_to_the_next_run()
    {
        _server.Intercept = _ => GitHubServer.Json(403, """{"message":"API rate limit exceeded"}""")
            .With("x-ratelimit-remaining", "0").With("x-ratelimit-reset", $"{_time.GetUtcNow().ToUnixTimeSeconds() + 3600}");

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => AnnounceAsync("v1.30.1"));

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Contains("60 min of patience", error.Message, StringComparison.Ordinal);
        Assert.Single(_server.Calls);
    }

    [Fact]
    public async Task A_refusal_is_no_limit()
    {
        _server.Intercept = c => c.Method == "POST" ? GitHubServer.Json(403, """{"message":"Resource not accessible by integration"}""") : null;

        var failures = await AnnounceAsync("v1.30.1");

        Assert.Equal(ErrorKind.AccessDenied, failures[KubernetesVersion.Parse("v1.30.1")].Kind);
        Assert.Single(_server.Calls, c => c.Method == "POST");
        Assert.Contains("contents: write", failures[KubernetesVersion.Parse("v1.30.1")].Hint, StringComparison.Ordinal);
    }

    // What one request was told holds for all: twenty versions are not twenty more tries.
    [Theory]
    [InlineData(401, "Bad credentials", null, ErrorKind.AccessDenied, 1)]
    [InlineData(403, "Resource not accessible by integration", null, ErrorKind.AccessDenied, 1)]
    [InlineData(404, "Not Found", null, ErrorKind.AccessDenied, 1)]
    [InlineData(403, "API rate limit exceeded", 3600, ErrorKind.Unavailable, 1)]
    [InlineData(403, "You have exceeded a secondary rate limit", null, ErrorKind.Unavailable, 5)]
    public async Task After_a_refusal_or_a_long_limit_nothing_more_is_asked(int status, string message, int? resetIn, ErrorKind kind, int posts)
    {
        _server.Intercept = call =>
        {
            var answer = GitHubServer.Json(status, $$"""{"message":"{{message}}"}""");
            return call.Method != "POST" ? null
                : resetIn is null ? answer
                : answer.With("x-ratelimit-remaining", "0").With("x-ratelimit-reset", $"{_time.GetUtcNow().ToUnixTimeSeconds() + resetIn}");
        };

        var failures = await AnnounceAsync("v1.30.1", "v1.30.2", "v1.30.3");

        Assert.Equal(3, failures.Count);
        Assert.All(failures.Values, f => Assert.Equal(kind, f.Kind));
        Assert.Equal(posts, _server.Calls.Count(c => c.Method == "POST"));
        Assert.Equal("POST", _server.Calls[^1].Method);
    }

    // The stand-in keeps count itself, and complains of whoever asks on.
    [Theory]
    [InlineData(60, true)]
    [InlineData(3600, false)]
    public async Task When_the_last_request_is_used_up_it_waits_or_stops_before_it_is_told_off(int resetIn, bool isPatient)
    {
        _server.Limit = new RequestLimit(7, TimeSpan.FromSeconds(resetIn), _time);

        var failures = await AnnounceAsync("v1.30.1", "v1.30.2");

        Assert.Equal(isPatient ? 0 : 2, failures.Count);
        Assert.Equal(isPatient ? 2 : 0, _server.Releases.Count);
        Assert.DoesNotContain(_server.Traffic, t => t.Status == 403);
        _server.Limit = null;
        Assert.Empty(await AnnounceAsync("v1.30.1", "v1.30.2"));
        Assert.Equal(2, _server.Releases.Count);
    }

    [Fact]
    public async Task Latest_is_the_newest_of_all_that_is_announced_or_published()
    {
        await AnnounceAsync("v1.31.2", "v1.31.3");
        await AnnounceAsync("v1.30.9"); // A later patch of an older minor, or the other half of a shard.
        Newest = KubernetesVersion.Parse("v1.33.0");
        await AnnounceAsync("v1.32.0"); // v1.33.0 is published; it could not be looked into.
        Newest = null;
        await AnnounceAsync("v1.34.0-rc.1", "v1.33.0");

        Assert.Equal(
            "v1.33.0=true v1.34.0-rc.1=false v1.32.0=false v1.30.9=false v1.31.3=true v1.31.2=false",
            string.Join(' ', _server.Releases.OrderByDescending(r => (string?)r["tag_name"] == "v1.33.0").Select(r => $"{r["tag_name"]}={r["make_latest"]}")));
    }

    [Fact]
    public async Task A_draft_announces_nothing()
    {
        _server.AddDraft("v1.30.1");

        Assert.Empty(await AnnounceAsync("v1.30.1"));

        Assert.Equal(2, _server.Releases.Count);
        Assert.Equal("v1.30.1", Assert.Single(_server.Tags));
    }

    [Fact]
    public async Task The_token_goes_to_no_other_host()
    {
        _server.Intercept = c => GitHubServer.Json(200, "[]").With("Link", "<http://127.0.0.2:1/x>; rel=\"next\"");

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => AnnounceAsync("v1.30.1"));

        Assert.Contains("expected the same host", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_fails_does_not_keep_the_others_from_being_announced()
    {
        _server.Intercept = c => c.Method == "POST" && System.Text.Encoding.UTF8.GetString(c.Body.Span).Contains("v1.30.1\\n", StringComparison.Ordinal)
            ? GitHubServer.Json(422, """{"message":"Validation Failed"}""") : null;

        Assert.Equal("v1.30.1", Assert.Single(await AnnounceAsync("v1.30.1", "v1.30.2")).Key.ToString());
        Assert.Equal("v1.30.2", Assert.Single(_server.Tags));
    }

    private async Task<IReadOnlyDictionary<KubernetesVersion, HyperkubeException>> AnnounceAsync(params string[] versions)
    {
        using GitHubClient client = new(_http, _server.Url, Token, new RetryPolicy { Time = _time }, NoActivityLog.Instance);
        GitHubAnnouncer announcer = new(client, Repository, (a, _) => Task.FromResult($"notes of {a.Version}"), NoActivityLog.Instance);
        return await announcer.AnnounceAsync(
            [
                .. versions.Select(v => new PublishedRelease(
                    KubernetesVersion.Parse(v), new Descriptor(MediaTypes.Index, Digest.Of([1]), 1), Annotations.Of(null), [])),
            ],
            Newest,
            Ct);
    }

    /// <summary>A clock on which no wait takes any time, but moves the clock; the deadline of an answer, 30 s, is a real one.</summary>
    private sealed class ImpatientTime : TimeProvider
    {
        private readonly ConcurrentQueue<TimeSpan> _waits = [];
        private TimeSpan _skipped;

        public IReadOnlyCollection<TimeSpan> Waits => _waits;

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + _skipped;

        public override long GetTimestamp() => System.GetTimestamp() + (long)(_skipped.TotalSeconds * TimestampFrequency);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime < TimeSpan.Zero || dueTime == TimeSpan.FromSeconds(30))
            {
                return System.CreateTimer(callback, state, dueTime, period);
            }

            _waits.Enqueue(dueTime);
            _skipped += dueTime;
            return System.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }
}
