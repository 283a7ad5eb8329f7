using System.Globalization;
using System.Net;
using Hyperkube.Oci;
using Hyperkube.Oci.Http;

namespace Hyperkube.Publishing.GitHub;

/// <summary>What GitHub asks of those who ask it: pauses, waits, and to stop.</summary>
/// <remarks>Source: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api,
/// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api</remarks>
/// <param name="api">Where, for messages.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Told about waits.</param>
internal sealed class GitHubLimits(Uri api, TimeProvider time, IActivityLog log)
{
    /// <summary>Between two requests that change something.</summary>
    private static readonly TimeSpan BetweenChanges = TimeSpan.FromSeconds(1);

    /// <summary>What to wait when a secondary limit names no time.</summary>
    private static readonly TimeSpan SecondaryWait = TimeSpan.FromMinutes(1);

    /// <summary>The job comes back in an hour: longer waits are its.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(15);

    private long? _changed;
    private DateTimeOffset? _exhaustedUntil;
    private HyperkubeException? _end;

    /// <summary>Waits until a request may be sent.</summary>
    /// <exception cref="HyperkubeException">None may any more: what one request was told holds for all that follow, and who goes on asking
    /// is locked out.</exception>
    internal async Task ReadyAsync(HttpMethod method, CancellationToken cancellationToken)
    {
        if (_end is not null)
        {
            throw _end;
        }

        if (_exhaustedUntil - time.GetUtcNow() is { Ticks: > 0 } rest)
        {
            HyperkubeException limit = new(ErrorKind.Unavailable, $"{HttpFailure.Where(api)}: the limit of requests is reached");
            await WaitAsync(rest, limit, cancellationToken).ConfigureAwait(false);
        }

        _exhaustedUntil = null;
        if (method == HttpMethod.Get)
        {
            return;
        }

        if (_changed is { } last && BetweenChanges - time.GetElapsedTime(last) is { Ticks: > 0 } pause)
        {
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
        }

        _changed = time.GetTimestamp();
    }

    /// <summary>Waits before another try.</summary>
    /// <exception cref="HyperkubeException">It is too long.</exception>
    internal async Task WaitAsync(TimeSpan delay, HyperkubeException failure, CancellationToken cancellationToken)
    {
        if (delay > MaxWait)
        {
            throw End(new HyperkubeException(
                ErrorKind.Unavailable, $"{failure.Message}: it asks for {delay.TotalMinutes:F0} min of patience", failure)
            {
                Hint = $"run it again after {time.GetUtcNow() + delay:HH:mm} UTC: it goes on where it was",
            });
        }

        log.Warn($"{failure.Message}; trying again in {delay.TotalSeconds:F0} s");
        await Task.Delay(delay, time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sees to it that nothing is asked any more.</summary>
    /// <returns>Why, which whoever asks is told.</returns>
    internal HyperkubeException End(HyperkubeException failure) => _end = failure;

    /// <summary>Takes note of how many requests are left after one that was answered.</summary>
    internal void Note(HttpResponseMessage response)
    {
        if (Header(response, "x-ratelimit-remaining") == "0")
        {
            _exhaustedUntil = ResetOf(response);
        }
    }

    /// <summary>How long a 403 or 429 asks to wait; null: it is no limit, but a refusal.</summary>
    internal TimeSpan? WaitOf(HttpResponseMessage response, HyperkubeException failure, int attempt)
    {
        if (response.Headers.RetryAfter is { } after)
        {
            return after.Delta ?? (after.Date - time.GetUtcNow());
        }

        if (Header(response, "x-ratelimit-remaining") == "0" && ResetOf(response) is { } reset)
        {
            var wait = reset - time.GetUtcNow();
            return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
        }

        return response.StatusCode == HttpStatusCode.TooManyRequests
            || failure.Message.Contains("rate limit", StringComparison.OrdinalIgnoreCase)
            ? SecondaryWait * Math.Pow(2, attempt - 1)
            : null;
    }

    // A second later, since clocks differ.
    private static DateTimeOffset? ResetOf(HttpResponseMessage response) =>
        long.TryParse(Header(response, "x-ratelimit-reset"), NumberStyles.None, CultureInfo.InvariantCulture, out var reset)
        && reset < DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(reset + 1)
            : null;

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.First() : null;
}
