using System.Globalization;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class RetryTests : RemoteTest
{
    private readonly SkippingTime _time = new();
    private readonly Descriptor _blob;

    public RetryTests()
    {
        Options = Options with { Retry = Options.Retry with { Time = _time } };
        _blob = AddBlob(Sample.Bytes(1000));
    }

    [Theory]
    [InlineData(408)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    public async Task What_may_pass_is_tried_again(int status)
    {
        Registry.Intercept = call => call.Number < 4 ? SiteAnswer.Of(status) : null;

        await ReadAsync(Repository, _blob);

        Assert.Equal(5, Registry.Calls.Count);
        Assert.Single(Warnings); // The same trouble is told once.
    }

    [Theory]
    [InlineData(400)]
    [InlineData(403)]
    [InlineData(404)]
    [InlineData(501)]
    public async Task What_will_not_pass_is_not_tried_again(int status)
    {
        Registry.Intercept = _ => SiteAnswer.Of(status);

        await FailureAsync(() => ReadAsync(Repository, _blob));

        Assert.Single(Registry.Calls);
    }

    [Fact]
    public async Task A_host_that_says_when_to_come_back_is_not_asked_before()
    {
        Registry.Intercept = call => call.Number == 0 ? SiteAnswer.Of(429).With("Retry-After", "7") : null;

        await ReadAsync(Repository, _blob);

        Assert.Contains(TimeSpan.FromSeconds(7), _time.Skipped);
    }

    [Fact]
    public async Task A_date_to_come_back_at_is_understood()
    {
        Registry.Intercept = call => call.Number == 0
            ? SiteAnswer.Of(503).With("Retry-After", _time.GetUtcNow().AddSeconds(12).ToString("R", CultureInfo.InvariantCulture))
            : null;

        await ReadAsync(Repository, _blob);

        Assert.Contains(_time.Skipped, wait => wait.TotalSeconds is > 9 and <= 12);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    public async Task A_token_service_that_says_when_to_come_back_is_not_asked_before(int status)
    {
        Registry.Issuer = new TokenIssuer();
        var asked = 0;
        Registry.Intercept = call => call.IsToken && asked++ == 0 ? SiteAnswer.Of(status).With("Retry-After", "7") : null;

        await ReadAsync(Repository, _blob);

        Assert.Contains(TimeSpan.FromSeconds(7), _time.Skipped);
    }

    [Fact]
    public async Task A_date_to_come_back_at_is_understood_from_a_token_service_too()
    {
        Registry.Issuer = new TokenIssuer();
        var asked = 0;
        Registry.Intercept = call => call.IsToken && asked++ == 0
            ? SiteAnswer.Of(503).With("Retry-After", _time.GetUtcNow().AddSeconds(12).ToString("R", CultureInfo.InvariantCulture))
            : null;

        await ReadAsync(Repository, _blob);

        Assert.Contains(_time.Skipped, wait => wait.TotalSeconds is > 9 and <= 12);
    }

    [Fact]
    public async Task A_token_service_that_wants_too_long_a_wait_is_not_waited_for()
    {
        Registry.Issuer = new TokenIssuer();
        Registry.Intercept = call => call.IsToken ? SiteAnswer.Of(429).With("Retry-After", "3600") : null;

        Assert.Equal(ErrorKind.Unavailable, (await FailureAsync(() => ReadAsync(Repository, _blob))).Kind);
        Assert.Single(Registry.Calls, c => c.IsToken);
    }

    [Theory]
    [InlineData("3600")]
    [InlineData("Fri, 01 Jan 2100 00:00:00 GMT")]
    public async Task A_host_that_wants_too_long_a_wait_is_not_waited_for(string after)
    {
        Registry.Intercept = _ => SiteAnswer.Of(429).With("Retry-After", after);

        Assert.Equal(ErrorKind.Unavailable, (await FailureAsync(() => ReadAsync(Repository, _blob))).Kind);
        Assert.Single(Registry.Calls);
    }

    [Theory]
    [InlineData("Mon, 01 Jan 2001 00:00:00 GMT")]
    [InlineData("-5")]
    [InlineData("soon")]
    [InlineData("99999999999999999999")]
    public async Task A_time_to_come_back_that_makes_no_sense_does_no_harm(string after)
    {
        Registry.Intercept = call => call.Number == 0 ? SiteAnswer.Of(429).With("Retry-After", after) : null;

        await ReadAsync(Repository, _blob);
    }

    [Fact]
    public async Task A_wait_that_one_request_was_asked_for_holds_for_the_others()
    {
        Registry.Intercept = call => call.Parameter("mount") is null ? null : SiteAnswer.Of(429).With("Retry-After", "9");

        // The mount is tried once; what comes after it at the same host waits.
        await PutAsync(Client.Repository(Repo, [HostOf(Registry)], ["other"]), Sample.Bytes(10));

        Assert.Contains(_time.Skipped, wait => wait.TotalSeconds is > 6 and <= 9);
    }

    [Fact]
    public async Task A_wait_at_one_host_does_not_hold_for_another()
    {
        var other = Start();
        other.Intercept = _ => SiteAnswer.Of(429).With("Retry-After", "9");
        await FailureAsync(() => ReadAsync(At(other), _blob));
        var waits = _time.Skipped.Count;

        await ReadAsync(Repository, _blob);

        Assert.Equal(waits, _time.Skipped.Count);
    }

    [Fact]
    public async Task A_connection_that_breaks_off_before_the_answer_is_tried_again_without_another_scheme()
    {
        Registry.Alter = (call, answer) => call.Number < 2 ? answer with { Body = default, SaidLength = 1000 } : answer;

        await ReadAsync(Repository, _blob);

        Assert.Equal(3, Registry.Calls.Count);
    }

    [Fact]
    public async Task A_warning_is_told_once()
    {
        Registry.Alter = (_, answer) => answer.With("Warning", "299 - \"goes away in May\"\n199 - \"never mind\"");

        await ReadAsync(Repository, _blob);
        await ReadAsync(Repository, _blob);

        Assert.Equal($"{Registry.Url.Authority} says: goes away in May", Assert.Single(Warnings));
    }

    [Fact]
    public async Task Warnings_without_end_end()
    {
        Registry.Alter = (call, answer) =>
            answer.With("Warning", string.Join('\n', Enumerable.Range(0, 50).Select(i => $"299 - \"{call.Number} {i}\"")));

        for (var i = 0; i < 4; i++)
        {
            await ReadAsync(Repository, _blob);
        }

        Assert.Equal(100, Warnings.Count);
    }
}
