using System.Collections.Concurrent;

namespace Hyperkube.Testing;

/// <summary>A clock on which short waits, as between two tries, are over at once. Long ones, as for an answer, take as
/// long as they take.</summary>
public sealed class SkippingTime : TimeProvider
{
    /// <summary>The program's own waits between tries are at most 20 s, its deadlines at least 30 s.</summary>
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(25);

    private readonly ConcurrentQueue<TimeSpan> _skipped = [];

    /// <summary>What it says the time is; the system's unless told.</summary>
    public DateTimeOffset? Now { get; set; }

    /// <summary>The waits that were over at once, in their order.</summary>
    public IReadOnlyCollection<TimeSpan> Skipped => _skipped;

    public override DateTimeOffset GetUtcNow() => Now ?? System.GetUtcNow();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime < TimeSpan.Zero || dueTime >= Short)
        {
            return base.CreateTimer(callback, state, dueTime, period);
        }

        _skipped.Enqueue(dueTime);
        return base.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
