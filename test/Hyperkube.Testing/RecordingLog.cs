using System.Collections.Concurrent;

namespace Hyperkube.Testing;

/// <summary>Keeps what it is told.</summary>
public sealed class RecordingLog : IActivityLog
{
    private readonly ConcurrentQueue<string> _warnings = [];
    private readonly ConcurrentQueue<string> _completed = [];

    public IReadOnlyCollection<string> Warnings => _warnings;

    /// <summary>Finished steps, as <c>name: result</c>.</summary>
    public IReadOnlyCollection<string> Completed => _completed;

    public IActivity Begin(string name, long? totalBytes) => new Step(this, name);

    public void Warn(string message) => _warnings.Enqueue(message);

    private sealed class Step(RecordingLog log, string name) : IActivity
    {
        public void Report(long value)
        {
        }

        public void Expect(long totalBytes)
        {
        }

        public void Complete(string result) => log._completed.Enqueue($"{name}: {result}");

        public void Dispose()
        {
        }
    }
}
