namespace Hyperkube.Cli.Output;

/// <summary>One line for each finished step: for files, pipes and CI.</summary>
internal sealed class PlainLog(TextWriter error, TimeProvider time, bool withDecisions = false) : IActivityLog
{
    private readonly Lock _lock = new();

    public IActivity Begin(string name, long? totalBytes) => new Step(this, name);

    public void Warn(string message) => Write($"hyperkube: warning: {message}");

    public void Note(string text) => Write(text.TrimEnd('\n'));

    public void Decision(string what, IReadOnlyList<(string Name, string? Value)> fields)
    {
        if (withDecisions)
        {
            Write(DecisionLine.Of(what, fields));
        }
    }

    private void Write(string line)
    {
        lock (_lock)
        {
            error.WriteLine(Printable.Text(line));
        }
    }

    private sealed class Step(PlainLog log, string name) : IActivity
    {
        private readonly long _begun = log.Clock.GetTimestamp();

        public void Report(long value)
        {
        }

        public void Expect(long totalBytes)
        {
        }

        public void Complete(string result) =>
            log.Write($"{name}: {result} ({log.Clock.GetElapsedTime(_begun).TotalSeconds:F1} s)");

        public void Dispose()
        {
        }
    }

    private TimeProvider Clock => time;
}
