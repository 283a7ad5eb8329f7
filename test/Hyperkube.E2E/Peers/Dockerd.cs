using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E.Peers;

/// <summary>A dockerd of our own.</summary>
internal sealed class Dockerd : Daemon
{
    private readonly string _cgroup = $"hyperkube-e2e-{Environment.ProcessId}";

    private Dockerd()
    {
    }

    /// <summary>What a client of it needs to be told.</summary>
    internal IReadOnlyDictionary<string, string> ClientEnvironment => new Dictionary<string, string>
    {
        ["DOCKER_HOST"] = $"unix://{State["d.sock"]}",
        ["DOCKER_CONFIG"] = State["config"],
        ["HOME"] = State["home"],
    };

    /// <param name="onThisNetwork">Whether it can reach what listens on loopback here.</param>
    internal static async Task<Dockerd> StartAsync(bool onThisNetwork = false)
    {
        Machine.NeedsRoot();
        Machine.Needs("dockerd", "docker", "containerd", "runc", "unshare");
        Dockerd docker = new();
        try
        {
            await docker.StartAsync("start-dockerd.sh", [docker._cgroup, onThisNetwork ? "" : "--net"], ["version"]);
            return docker;
        }
        catch
        {
            await docker.DisposeAsync();
            throw;
        }
    }

    internal override Task<Ended> RunAsync(params string[] arguments) => Run.ProgramAsync("docker", arguments, ClientEnvironment);

    /// <summary>Saves what a client writes to its standard output.</summary>
    internal Task<Ended> SaveAsync(string file, params string[] arguments) =>
        Run.ProgramAsync("docker", arguments, ClientEnvironment, file);

    // unshare's own process takes no orders; with it, by force, the whole namespace would go.
    protected override int? Main(RunningProgram program) => program.Child();

    protected override void Clean()
    {
        foreach (var hierarchy in Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup"))
        {
            Remove(Path.Combine(hierarchy, _cgroup));
        }
    }

    // Files in it cannot be removed, and need not be.
    private static void Remove(string cgroup)
    {
        if (Directory.Exists(cgroup))
        {
            foreach (var child in Directory.EnumerateDirectories(cgroup))
            {
                Remove(child);
            }

            Directory.Delete(cgroup);
        }
    }
}
