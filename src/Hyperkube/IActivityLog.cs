namespace Hyperkube;

/// <summary>Told what happens while it happens, for whoever watches.</summary>
/// <remarks>Implementations are safe for several threads and never throw.</remarks>
public interface IActivityLog
{
    /// <summary>A step begins; the caller disposes it when it ends, well or not.</summary>
    /// <param name="name">What is done to what, short: <c>download kubelet linux/arm64</c>.</param>
    /// <param name="totalBytes">How much there is to do, or null while nobody knows.</param>
    IActivity Begin(string name, long? totalBytes);

    /// <summary>Something a person should know that is no failure: a retry, a source that was passed over.</summary>
    void Warn(string message);

    /// <summary>Something a person should read before what follows: a plan. May have several lines.</summary>
    void Note(string text)
    {
    }

    /// <summary>Something was decided: one line for whoever looks for the reason later.</summary>
    /// <param name="what">What about.</param>
    /// <param name="fields">The facts, by name; those that are null are left out.</param>
    void Decision(string what, IReadOnlyList<(string Name, string? Value)> fields)
    {
    }
}

/// <summary>One step. Reports are bytes done so far.</summary>
public interface IActivity : IProgress<long>, IDisposable
{
    /// <summary>The total became known.</summary>
    void Expect(long totalBytes);

    /// <summary>The step succeeded.</summary>
    /// <param name="result">What came of it, short.</param>
    void Complete(string result);
}

/// <summary>Nobody watches.</summary>
public sealed class NoActivityLog : IActivityLog
{
    /// <summary>The one there needs to be.</summary>
    public static NoActivityLog Instance { get; } = new();

    /// <inheritdoc/>
    public IActivity Begin(string name, long? totalBytes) => new NoActivity();

    /// <inheritdoc/>
    public void Warn(string message)
    {
    }

    private sealed class NoActivity : IActivity
    {
        public void Report(long value)
        {
        }

        public void Expect(long totalBytes)
        {
        }

        public void Complete(string result)
        {
        }

        public void Dispose()
        {
        }
    }
}
