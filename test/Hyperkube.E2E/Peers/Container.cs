using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E.Peers;

/// <summary>A container that a runtime runs in the foreground, without an engine above.</summary>
internal sealed class Container : IAsyncDisposable
{
    private readonly Sandbox _sandbox;
    private readonly string[] _runtime;
    private readonly string _id = $"hyperkube-e2e-{Environment.ProcessId}";

    private Container(Sandbox sandbox, string[] runtime, Bundle bundle)
    {
        _sandbox = sandbox;
        _runtime = runtime;
        Program = sandbox.Start([.. runtime, "run", "--bundle", bundle.Directory, _id]);
    }

    /// <summary>The runtime; it passes signals on, and ends as the container does.</summary>
    internal RunningProgram Program { get; }

    internal static Container Start(Sandbox sandbox, string runtime, Bundle bundle)
    {
        string[] options = runtime == "crun" ? ["--cgroup-manager=disabled"] : [];
        return new Container(sandbox, [runtime, "--root", sandbox["runtime"], .. options], bundle);
    }

    // After a test that failed the container may outlive the runtime.
    public async ValueTask DisposeAsync()
    {
        if (!Program.HasEnded || Program.HasFailed)
        {
            _ = await _sandbox.RunAsync([.. _runtime, "delete", "--force", _id]);
        }

        Program.Dispose();
    }
}
