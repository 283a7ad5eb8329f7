using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Peers;

/// <summary>An engine's daemon of our own: state, socket and all below a temporary directory.</summary>
internal abstract class Daemon : IAsyncDisposable
{
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(15);

    private RunningProgram? _program;

    /// <summary>Where everything of it is.</summary>
    protected TempDirectory State { get; } = new();

    /// <summary>Runs its client.</summary>
    internal abstract Task<Ended> RunAsync(params string[] arguments);

    /// <summary>Starts it, and waits until its client gets an answer.</summary>
    protected async Task StartAsync(string script, string[] arguments, string[] probe)
    {
        _program = RunningProgram.Start(Machine.Script(script), [State.Path, .. arguments]);
        await _program.UntilAsync($"{script} answers", async () => (await RunAsync(probe)).Code == 0);
    }

    /// <summary>The process that a signal has to reach, if it is not the one that was started.</summary>
    protected virtual int? Main(RunningProgram program) => null;

    /// <summary>Removes what it left outside its directory.</summary>
    protected virtual void Clean()
    {
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_program is { HasEnded: false })
            {
                await _program.SignalAsync("TERM", Main(_program));
                _ = await _program.EndAsync(Farewell);
            }
        }
        finally
        {
            _program?.Dispose();
            Clean();
            State.Dispose();
        }
    }
}
