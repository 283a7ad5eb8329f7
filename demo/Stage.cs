using System.Diagnostics;

namespace Hyperkube.Demo;

/// <summary>Shows each command before it runs and what it said, and stops the show when one goes wrong.</summary>
internal sealed class Stage(TextWriter output, string hyperkube)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private int _step;

    /// <summary>Announces a step.</summary>
    public void Step(string title)
    {
        _step++;
        Line("");
        Line($"[{_step}] {title}");
    }

    /// <summary>Shows a result.</summary>
    public void Say(string text)
    {
        foreach (var line in text.TrimEnd().Split('\n'))
        {
            Line($"    {line}");
        }
    }

    /// <summary>Goes on only if something is true.</summary>
    public void Check(bool holds, string result, string failure)
    {
        Say(holds ? result : throw new InvalidOperationException(failure));
        Line("    ok");
    }

    /// <summary>Ends the show.</summary>
    public void Done(string text)
    {
        Line("");
        Line($"{text} ({_clock.Elapsed.TotalSeconds:F1} s)");
    }

    /// <summary>Runs our own program.</summary>
    public async Task<string> HyperkubeAsync(IReadOnlyList<string> arguments, int expected = 0, bool quiet = false)
    {
        if (!quiet)
        {
            Line($"  $ hyperkube {string.Join(' ', arguments)}");
        }

        var (code, said) = await RunAsync(hyperkube, arguments, withErrors: !quiet);
        if (!quiet)
        {
            Say(said);
        }

        if (code != expected)
        {
            throw new InvalidOperationException($"hyperkube ended with exit code {code}, not {expected}: {said}");
        }

        if (!quiet && expected != 0)
        {
            Say($"exit code {code}");
        }

        return said;
    }

    /// <summary>Runs another program, which must succeed.</summary>
    public async Task<string> RunAsync(string program, IReadOnlyList<string> arguments)
    {
        Line($"  $ {program} {string.Join(' ', arguments)}");
        var (code, said) = await RunAsync(program, arguments, withErrors: true);
        Say(said);
        return code == 0 ? said : throw new InvalidOperationException($"{program} ended with exit code {code}");
    }

    /// <summary>Starts a program, sees that it stays, and ends it with SIGTERM.</summary>
    public async Task<int> RunUntilTerminatedAsync(string program)
    {
        Line($"  $ {program} &  kill -TERM $!; wait $!");
        using var process = Process.Start(new ProcessStartInfo(program) { UseShellExecute = false })!;
        await Task.Delay(TimeSpan.FromMilliseconds(200));
        if (process.HasExited)
        {
            throw new InvalidOperationException($"{program} did not stay");
        }

        using var kill = Process.Start(new ProcessStartInfo("kill", ["-TERM", $"{process.Id}"]) { UseShellExecute = false })!;
        using CancellationTokenSource deadline = new(Patience);
        await process.WaitForExitAsync(deadline.Token);
        return process.ExitCode;
    }

    private void Line(string text) => output.WriteLine(text);

    private static async Task<(int Code, string Said)> RunAsync(string program, IReadOnlyList<string> arguments, bool withErrors)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using CancellationTokenSource deadline = new(Patience);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        var errors = process.StandardError.ReadToEndAsync(deadline.Token);
        await process.WaitForExitAsync(deadline.Token);
        return (process.ExitCode, (withErrors ? await errors : "") + await output);
    }
}
