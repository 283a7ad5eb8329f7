using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Peers;

/// <summary>Runs container tools that keep no daemon, with all their state in a directory that goes with the test.</summary>
internal sealed class Sandbox : IDisposable
{
    private readonly TempDirectory _state = new();

    internal Sandbox(params string[] programs)
    {
        Machine.NeedsRoot();
        Machine.Needs([.. programs, "unshare", "mountpoint"]);
    }

    /// <summary>A path beside the state.</summary>
    internal string this[string relative] => _state[relative];

    internal Task<Ended> RunAsync(params string[] words) => Run.ProgramAsync(Machine.Script("private.sh"), [_state.Path, .. words]);

    /// <summary>Starts a program that stays; its process is the one that is returned.</summary>
    internal RunningProgram Start(params string[] words) =>
        RunningProgram.Start(Machine.Script("private.sh"), [_state.Path, .. words]);

    public void Dispose() => _state.Dispose();
}
