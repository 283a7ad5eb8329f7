namespace Hyperkube.Oci.Http;

/// <summary>Ends a transfer that has all but stopped: less than so many bytes in so long.</summary>
public sealed class SpeedGuard : IDisposable
{
    private readonly TimeSpan _span;
    private readonly long _minBytes;
    private readonly CancellationTokenSource _tooSlow;
    private long _inSpan;

    /// <summary>Begins to count.</summary>
    /// <param name="span">How long.</param>
    /// <param name="minBytes">How many bytes must have passed by then.</param>
    /// <param name="time">The clock.</param>
    public SpeedGuard(TimeSpan span, long minBytes, TimeProvider time)
    {
        (_span, _minBytes) = (span, minBytes);
        _tooSlow = new CancellationTokenSource(span, time);
    }

    /// <summary>Cancelled when it was too slow.</summary>
    public CancellationToken Token => _tooSlow.Token;

    /// <summary>For a message: what was expected.</summary>
    public string Failure => $"less than {_minBytes} bytes in {_span.TotalSeconds:F0} s";

    /// <summary>Tells that bytes have passed.</summary>
    public void Passed(long bytes)
    {
        _inSpan += bytes;
        if (_inSpan >= _minBytes)
        {
            _inSpan = 0;
            _tooSlow.CancelAfter(_span);
        }
    }

    /// <summary>Waits for an answer now, not for bytes.</summary>
    public void Await(TimeSpan longest) => _tooSlow.CancelAfter(longest);

    /// <inheritdoc/>
    public void Dispose() => _tooSlow.Dispose();
}
