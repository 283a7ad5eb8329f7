using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E.Peers;

/// <summary>A containerd of our own.</summary>
internal sealed class Containerd : Daemon
{
    private readonly string _client;

    private Containerd(string client) => _client = client;

    /// <summary>What a client of it needs to be told.</summary>
    internal IReadOnlyDictionary<string, string> ClientEnvironment => new Dictionary<string, string>
    {
        ["CONTAINERD_ADDRESS"] = State["c.sock"],
        ["CONTAINERD_NAMESPACE"] = "hyperkube",
    };

    /// <summary>Starts the one of this machine's suite.</summary>
    internal static Task<Containerd> StartAsync()
    {
        Machine.Needs("containerd", "ctr", "unshare");
        return StartAsync("containerd", "ctr");
    }

    /// <summary>Starts the one of Debian sid: 2.1 or later.</summary>
    internal static Task<Containerd> StartNewestAsync() => StartAsync(Machine.Sid("containerd"), Machine.Sid("ctr"));

    private static async Task<Containerd> StartAsync(string program, string client)
    {
        Machine.NeedsRoot();
        Containerd containerd = new(client);
        try
        {
            await containerd.StartAsync("start-containerd.sh", [program], ["version"]);
            return containerd;
        }
        catch
        {
            await containerd.DisposeAsync();
            throw;
        }
    }

    internal override Task<Ended> RunAsync(params string[] arguments) => Run.ProgramAsync(_client, arguments, ClientEnvironment);

    /// <summary>Mounts an image where nobody else sees it, and copies what is in it.</summary>
    internal async Task CopyOutAsync(string image, string architecture, string directory)
    {
        const string Script = """
            mkdir -p "$3" "$3.mount"
            ctr images mount --platform "linux/$2" "$1" "$3.mount"
            cp -a "$3.mount/." "$3"
            ctr images unmount --rm "$3.mount"
            """;
        (await Run.ProgramAsync(
            "unshare", ["--mount", "sh", "-euc", Script, "sh", image, architecture, directory], ClientEnvironment)).Well();
    }
}
