using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E.Peers;

/// <summary>The image's entrypoint as the kernel sees it.</summary>
internal static class SleepProcess
{
    /// <summary>rt_sigtimedwait of amd64; an emulator on amd64 calls the same.</summary>
    private const string WaitForSignal = "128";

    /// <summary>Waits until a process waits for signals: before that, one would end it in another way.</summary>
    internal static Task WaitsAsync(RunningProgram program, Func<int?> process) =>
        program.UntilAsync("/sleep waits for a signal", async () => process() is { } id && await SystemCallAsync(id) == WaitForSignal);

    private static async Task<string?> SystemCallAsync(int process)
    {
        try
        {
            return (await File.ReadAllTextAsync($"/proc/{process}/syscall", TestContext.Current.CancellationToken)).Split(' ')[0];
        }
        catch (IOException)
        {
            return null; // It has just ended, or just begun.
        }
    }
}
