using System.Net;
using System.Net.Http.Headers;
using CsCheck;
using Hyperkube.Oci.Http;
using Microsoft.Extensions.Time.Testing;

namespace Hyperkube.Oci.Tests.Http;

public sealed class RetryPolicyTests
{
    private static readonly DateTimeOffset Now = new(2025, 11, 12, 13, 14, 15, TimeSpan.Zero);

    private readonly RetryPolicy _policy = new() { Time = new FakeTimeProvider(Now) };

    [Theory]
    [InlineData(1, true)]
    [InlineData(4, true)]
    [InlineData(5, false)]
    [InlineData(6, false)]
    public void After_the_last_try_there_is_no_other(int attempt, bool isTriedAgain) =>
        Assert.Equal(isTriedAgain, _policy.DelayAfter(attempt, null) is not null);

    [Theory]
    [InlineData(1, 500)]
    [InlineData(2, 1000)]
    [InlineData(3, 2000)]
    [InlineData(6, 16_000)]
    [InlineData(7, 20_000)]
    [InlineData(1000, 20_000)]
    public void Waits_are_drawn_between_nothing_and_a_bound_that_doubles_up_to_a_cap(int attempt, int boundMilliseconds)
    {
        var patient = _policy with { MaxAttempts = int.MaxValue };

        var waits = Enumerable.Range(0, 300).Select(_ => patient.DelayAfter(attempt, null)!.Value.TotalMilliseconds).ToList();

        Assert.All(waits, wait => Assert.InRange(wait, 0, boundMilliseconds));
        Assert.InRange(waits.Max(), boundMilliseconds / 2.0, boundMilliseconds);
        Assert.InRange(waits.Min(), 0, boundMilliseconds / 2.0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(120)]
    public void What_the_server_asks_for_in_seconds_is_waited_for_exactly(int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), _policy.DelayAfter(1, new(TimeSpan.FromSeconds(seconds))));

    [Theory]
    [InlineData(7, 7)]
    [InlineData(0, 0)]
    [InlineData(-3600, 0)]
    public void A_date_that_the_server_names_is_waited_for_and_one_that_has_passed_is_not(int fromNow, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), _policy.DelayAfter(1, new(Now.AddSeconds(fromNow))));

    [Fact]
    public void A_server_that_asks_for_too_much_is_not_waited_for()
    {
        Assert.Null(_policy.DelayAfter(1, new(TimeSpan.FromSeconds(121))));
        Assert.Null(_policy.DelayAfter(1, new(Now.AddSeconds(121))));
        Assert.Null(_policy.DelayAfter(1, new(DateTimeOffset.MaxValue)));
    }

    [Fact]
    public void A_server_that_asks_after_the_last_try_is_not_waited_for() =>
        Assert.Null(_policy.DelayAfter(5, new(TimeSpan.FromSeconds(1))));

    [Fact]
    public void No_answer_of_a_server_makes_a_wait_that_is_negative_or_too_long() =>
        Gen.Select(Gen.Int[1, 10], Gen.String[Gen.Char["0123456789"], 1, 12]).Sample((attempt, seconds) =>
        {
            var asked = RetryConditionHeaderValue.TryParse(seconds, out var header) ? header : null;

            return _policy.DelayAfter(attempt, asked) is not { } wait || (wait >= TimeSpan.Zero && wait <= _policy.MaxRetryAfter);
        });

    [Theory]
    [InlineData(HttpStatusCode.RequestTimeout, true)]
    [InlineData(HttpStatusCode.TooManyRequests, true)]
    [InlineData(HttpStatusCode.InternalServerError, true)]
    [InlineData(HttpStatusCode.BadGateway, true)]
    [InlineData(HttpStatusCode.ServiceUnavailable, true)]
    [InlineData(HttpStatusCode.GatewayTimeout, true)]
    [InlineData(HttpStatusCode.OK, false)]
    [InlineData(HttpStatusCode.Found, false)]
    [InlineData(HttpStatusCode.Unauthorized, false)]
    [InlineData(HttpStatusCode.Forbidden, false)]
    [InlineData(HttpStatusCode.NotFound, false)]
    [InlineData(HttpStatusCode.NotImplemented, false)]
    public void Only_what_may_pass_is_worth_another_try(HttpStatusCode status, bool isTransient) =>
        Assert.Equal(isTransient, RetryPolicy.IsTransient(status));
}
