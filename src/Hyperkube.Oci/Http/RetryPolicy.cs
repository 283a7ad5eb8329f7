using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;

namespace Hyperkube.Oci.Http;

/// <summary>How often, and how patiently, a request is tried again.</summary>
/// <remarks>
/// Waits double and are drawn between zero and that: many clients that failed together must not come back together.
/// What the server asks for with <c>Retry-After</c> is waited for exactly.
/// Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
/// </remarks>
public sealed record RetryPolicy
{
    /// <summary>Tries of one request, the first included; 5 unless told.</summary>
    public int MaxAttempts { get; init; } = 5;

    /// <summary>The longest wait before the second try; it doubles with each further one. 500 ms unless told.</summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>No wait of our own is longer. 20 s unless told.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>A server that asks for more is not waited for. 2 min unless told.</summary>
    public TimeSpan MaxRetryAfter { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Whether the same request may fare better later.</summary>
    public static bool IsTransient(HttpStatusCode status) =>
        status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
            or HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway
            or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;

    /// <summary>How long to wait after a failed try, or null when it was the last.</summary>
    /// <param name="attempt">Which try failed; 1 is the first.</param>
    /// <param name="retryAfter">What the server asked for.</param>
    public TimeSpan? DelayAfter(int attempt, RetryConditionHeaderValue? retryAfter)
    {
        if (attempt >= MaxAttempts)
        {
            return null;
        }

        var asked = retryAfter?.Delta ?? (retryAfter?.Date - Time.GetUtcNow());
        if (asked is { } wait)
        {
            return wait > MaxRetryAfter ? null : wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
        }

        var longest = Math.Min(MaxDelay.TotalMilliseconds, FirstDelay.TotalMilliseconds * Math.Pow(2, attempt - 1));
        return TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32((int)longest + 1));
    }
}
