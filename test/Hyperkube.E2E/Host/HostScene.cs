using System.Security.Cryptography;
using System.Text.Json;
using Hyperkube.E2E.Programs;
using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Host;

/// <summary>A host below a directory, and two releases of small programs in a layout and in a registry on loopback.</summary>
internal sealed class HostScene : IAsyncDisposable
{
    internal const string Old = "v1.36.4";
    internal const string New = "v1.36.5";

    // A layer of it is worth keeping when its download is interrupted: above 1 MiB.
    private const int FileBytes = 4 << 20;

    private readonly TempDirectory _work = new();

    private HostScene() => Directory.CreateDirectory(Root);

    internal string Root => _work["root"];

    internal string Bin => _work["root/opt/bin"];

    internal string State => _work["root/var/lib/hyperkube"];

    internal string Kubelet => Path.Combine(Bin, "kubelet");

    internal TestRegistry Registry { get; } = new();

    internal string this[string relative] => _work[relative];

    /// <summary>Makes both images.</summary>
    internal static async Task<HostScene> CreateAsync(int fileBytes = FileBytes)
    {
        HostScene scene = new();
        ReleaseTree.Write(scene["release"], Old, fileBytes);
        ReleaseTree.Write(scene["release"], New, fileBytes);
        foreach (var version in (string[])[Old, New])
        {
            await scene.BuildAsync(version, "-o", $"oci:{scene["image"]}", "-o", scene.Tagged(version));
        }

        return scene;
    }

    /// <summary>Builds an image of one platform of what is in the release.</summary>
    internal async Task BuildAsync(string version, params string[] more) => (await Exe.Here.RunAsync(
        ["build", version, "--source", _work["release"], "--cache", _work["downloads"], "--platform", "linux/amd64", .. more])).Well();

    /// <summary>A program of a release, before it went into an image.</summary>
    internal byte[] Program(string version, string name = "kubelet") =>
        File.ReadAllBytes(ReleaseTree.PathOf(_work["release"], version, new Platform("linux", "amd64"), name));

    internal string Local(string version) => $"oci:{_work["image"]}:{version}";

    internal string Tagged(string version) => $"{Registry.Url.Authority}/hyperkube:{version}";

    internal string Pinned(string version) => $"{Registry.Url.Authority}/hyperkube@{DigestOf(version)}";

    internal string DigestOf(string version) => Registry.Tag("hyperkube", version)!;

    /// <summary>The words of an install below the root.</summary>
    internal string[] Words(string reference, params string[] more) =>
        ["--format", "json", "install", reference, "--insecure-skip-signature", "--root", Root, .. more];

    internal Task<Ended> InstallAsync(string reference, params string[] more) => Exe.Here.RunAsync(Words(reference, more));

    internal Task<Ended> RollbackAsync(params string[] more) =>
        Exe.Here.RunAsync(["--format", "json", "rollback", "--root", Root, .. more]);

    internal Task<Ended> StatusAsync() => Exe.Here.RunAsync(["--format", "json", "status", "--root", Root]);

    /// <summary>Runs a shell's line in a mount namespace of its own; <c>$0</c> is the work directory, further words follow.</summary>
    internal Task<Ended> PrivatelyAsync(string script, params string[] words)
    {
        Machine.NeedsRoot();
        Machine.Needs("unshare");
        return Run.ProgramAsync("unshare", ["--mount", "sh", "-euc", "mount --make-rprivate /\n" + script, _work.Path, .. words]);
    }

    /// <summary>The version of what is at a destination; the test fails if it is none of them, whole.</summary>
    internal string VersionAt(string name = "kubelet") => VersionOf(Path.Combine(Bin, name), name);

    internal string VersionOf(string path, string name = "kubelet")
    {
        var hash = SHA256.HashData(File.ReadAllBytes(path));
        var version = Array.Find([Old, New], v => SHA256.HashData(Program(v, name)).SequenceEqual(hash));
        Assert.True(version is not null, $"{path} is neither the old nor the new file");
        return version;
    }

    /// <summary>What the receipt says of a destination; undefined if nothing.</summary>
    internal JsonElement ReceiptOf(string path = "/opt/bin/kubelet") =>
        Receipt().GetProperty("binaries").EnumerateArray().FirstOrDefault(b => b.GetProperty("path").GetString() == path);

    internal JsonElement Receipt() => Read(Path.Combine(State, "receipt.json"));

    /// <summary>What a run leaves only when it is killed.</summary>
    internal IReadOnlyList<string> Leftovers() =>
    [
        .. Directory.EnumerateFileSystemEntries(
                Root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None })
            .Select(f => Path.GetRelativePath(Root, f)).Where(f => IsLeftover(Path.GetFileName(f))),
    ];

    internal static JsonElement Read(string path)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        return json.RootElement.Clone();
    }

    internal static JsonElement Result(Ended ended)
    {
        using var json = JsonDocument.Parse(ended.Out);
        return json.RootElement.Clone();
    }

    public async ValueTask DisposeAsync()
    {
        await Registry.DisposeAsync();
        _work.Dispose();
    }

    private static bool IsLeftover(string name) =>
        name == "intent.json" || (name.StartsWith(".hyperkube-", StringComparison.Ordinal)
            && !name.StartsWith(".hyperkube-prev-", StringComparison.Ordinal));
}
