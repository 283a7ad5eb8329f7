using System.Globalization;
using Spectre.Console;

namespace Hyperkube.Cli.Output;

/// <summary>A bar for each step that is under way, with rate and time left: for a person at a terminal.</summary>
internal sealed class BarLog(IAnsiConsole console, ProgressContext progress, TimeProvider time, bool withDecisions = false) : IActivityLog
{
    /// <summary>Runs something while the bars are drawn.</summary>
    internal static Task<T> RunAsync<T>(
        IAnsiConsole console, TimeProvider time, Func<IActivityLog, Task<T>> run, bool withDecisions = false) =>
        console.Progress()
            .AutoClear(enabled: true)
            .HideCompleted(enabled: true)
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn { Width = 24 },
                new PercentageColumn(),
                new DownloadedColumn { Base = FileSizeBase.Decimal },
                new TransferSpeedColumn { Base = FileSizeBase.Decimal },
                new RemainingTimeColumn())
            .StartAsync(progress => run(new BarLog(console, progress, time, withDecisions)));

    public IActivity Begin(string name, long? totalBytes) => new Bar(this, name, totalBytes);

    public void Warn(string message) =>
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[yellow]hyperkube: warning:[/] {Printable.Text(message)}");

    public void Note(string text) => console.WriteLine(Printable.Text(text.TrimEnd('\n')));

    public void Decision(string what, IReadOnlyList<(string Name, string? Value)> fields)
    {
        if (withDecisions)
        {
            console.WriteLine(Printable.Text(DecisionLine.Of(what, fields)));
        }
    }

    private sealed class Bar : IActivity
    {
        private readonly BarLog _log;
        private readonly ProgressTask _task;
        private readonly string _name;
        private readonly long _begun;

        internal Bar(BarLog log, string name, long? totalBytes)
        {
            _log = log;
            _name = name;
            _begun = log.Time.GetTimestamp();
            _task = log.Progress.AddTask(Markup.Escape(Printable.Text(name)), maxValue: totalBytes ?? 1);
            _task.IsIndeterminate = totalBytes is null;
        }

        public void Report(long value) => _task.Value = value;

        public void Expect(long totalBytes)
        {
            _task.MaxValue = Math.Max(totalBytes, 1);
            _task.IsIndeterminate = false;
        }

        public void Complete(string result)
        {
            var seconds = _log.Time.GetElapsedTime(_begun).TotalSeconds;
            _log.Console.MarkupLineInterpolated(
                CultureInfo.InvariantCulture,
                $"[green]✓[/] {Printable.Text(_name)}: {Printable.Text(result)} [dim]({seconds:F1} s)[/]");
        }

        public void Dispose() => _task.StopTask();
    }

    private TimeProvider Time => time;

    private ProgressContext Progress => progress;

    private IAnsiConsole Console => console;
}
