using System.Net;
using Hyperkube.Oci.Http;

namespace Hyperkube.Oci.Registry;

/// <summary>Whether a host is asked, with <c>Expect: 100-continue</c>, before a large body is sent that it may refuse.</summary>
/// <remarks>Safe for many tasks. Source: https://www.rfc-editor.org/rfc/rfc9110#field.expect</remarks>
internal sealed class LargeBodies
{
    /// <summary>What nginx takes unless told otherwise; and less is sent as fast as asked about.</summary>
    private const long FreeBytes = 1 << 20;

    /// <summary>Timers count whole milliseconds, and not by the clock that measures here.</summary>
    private static readonly TimeSpan TimerError = TimeSpan.FromMilliseconds(20);

    private readonly Lock _lock = new();
    private long _taken = FreeBytes;
    private bool _isDeaf;

    /// <summary>Whether to ask about a body: if it is more than the host has ever taken, and it answers such questions.</summary>
    internal bool ShouldAsk(long length)
    {
        lock (_lock)
        {
            return !_isDeaf && length > _taken;
        }
    }

    /// <summary>Notes what became of a request.</summary>
    /// <param name="response">What the host answered.</param>
    /// <param name="length">Of its body.</param>
    /// <param name="waited">How long after the request the body began; null when it never did, or nothing had been asked.</param>
    internal void Note(HttpResponseMessage response, long length, TimeSpan? waited)
    {
        lock (_lock)
        {
            _taken = response.IsSuccessStatusCode ? Math.Max(_taken, length) : _taken;

            // HTTP/2 can refuse at any time, so its servers need not answer; that the body waited in vain is the other sign.
            _isDeaf |= response.StatusCode == HttpStatusCode.ExpectationFailed
                || response.Version.Major > 1
                || waited >= HttpConnections.ExpectTimeout - TimerError;
        }
    }
}
