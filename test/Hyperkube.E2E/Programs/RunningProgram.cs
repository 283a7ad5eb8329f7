using System.Diagnostics;
using System.Globalization;

namespace Hyperkube.E2E.Programs;

/// <summary>A program that was started here, and that does not outlive its test.</summary>
internal sealed class RunningProgram : IDisposable
{
    /// <summary>Far beyond what any step takes; whoever needs longer hangs.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    private readonly Process _process;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly Task<string> _out;
    private readonly Task<string> _error;
    private readonly string _line;

    private RunningProgram(Process process, string line, string? outputFile)
    {
        _process = process;
        _line = line;
        _out = outputFile is null ? process.StandardOutput.ReadToEndAsync() : SaveAsync(process, outputFile);
        _error = process.StandardError.ReadToEndAsync();
    }

    internal int Id => _process.Id;

    internal bool HasEnded => _process.HasExited;

    internal bool HasFailed => HasEnded && _process.ExitCode != 0;

    /// <summary>Starts a program without standard input, in an environment that holds nothing of the tester's.</summary>
    internal static RunningProgram Start(
        string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? outputFile = null)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var (name, value) in Machine.Environment)
        {
            start.Environment[name] = value;
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return new RunningProgram(process, $"{program} {string.Join(' ', arguments)}", outputFile);
    }

    /// <summary>Waits for its end; one that does not end is killed, and the test fails.</summary>
    internal async Task<Ended> EndAsync(TimeSpan? patience = null)
    {
        using CancellationTokenSource deadline = new(patience ?? Patience);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, TestContext.Current.CancellationToken);
        try
        {
            await _process.WaitForExitAsync(either.Token);
            _watch.Stop();

            // A daemon that it left behind may hold on to them.
            await Task.WhenAll(_out, _error).WaitAsync(TimeSpan.FromSeconds(10), either.Token);
        }
        catch (OperationCanceledException)
        {
            Kill();
            Assert.Fail($"{_line}\nhas not ended within {patience ?? Patience}");
        }

        return new Ended(_line, _process.ExitCode, await _out, await _error, _watch.Elapsed);
    }

    /// <summary>Sends it a signal and measures how long it lives on.</summary>
    internal async Task<Ended> EndAsync(string signal, TimeSpan? patience = null)
    {
        await SignalAsync(signal);
        _watch.Restart();
        return await EndAsync(patience);
    }

    /// <summary>Sends a signal to it, or to another process.</summary>
    internal async Task SignalAsync(string signal, int? id = null) =>
        (await Run.ProgramAsync("sh", ["-c", $"kill -s {signal} {id ?? Id}"])).Well();

    internal void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }
    }

    /// <summary>Waits until something is so; gives up when the program ends.</summary>
    internal async Task UntilAsync(string what, Func<ValueTask<bool>> isSo)
    {
        for (var watch = Stopwatch.StartNew(); !await isSo();)
        {
            if (HasEnded || watch.Elapsed > TimeSpan.FromSeconds(20))
            {
                Kill();
                var ended = await EndAsync();
                Assert.Fail($"{_line}\nwaited for: {what}\nexit code {ended.Code}\n{ended.Out}{ended.Error}");
            }

            await Task.Delay(Pause, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Its only child process, or null. Any of its threads may be the parent.</summary>
    internal int? Child()
    {
        try
        {
            return Directory.EnumerateDirectories($"/proc/{Id}/task")
                .SelectMany(t => File.ReadAllText($"{t}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .ToList() is [var only] ? int.Parse(only, CultureInfo.InvariantCulture) : null;
        }
        catch (IOException)
        {
            return null; // It, or one of its threads, has just ended.
        }
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private static async Task<string> SaveAsync(Process process, string file)
    {
        await using var stream = File.Create(file);
        await process.StandardOutput.BaseStream.CopyToAsync(stream);
        return "";
    }
}
