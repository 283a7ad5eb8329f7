using Hyperkube.Host;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Layout;
using Hyperkube.Oci.Registry;
using Hyperkube.Publishing;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Host;

/// <summary>A host in a directory, with an old kubelet, and everything that an installer can leave there.</summary>
internal sealed class HostileHost : IDisposable
{
    internal const string Destination = "/opt/bin/kubelet";
    internal const string Repository = "team/hyperkube";

    private const string Kept = "opt/bin/.hyperkube-prev-kubelet";
    private const string State = "var/lib/hyperkube/";

    private static readonly byte[] Old = StandInProgram.Create(HostileImage.Amd64, "Kubernetes v1.35.0\n");

    private readonly TempDirectory _work = new();
    private RegistryClient? _client;

    internal HostileHost()
    {
        Directory.CreateDirectory(_work["root/opt/bin"]);
        File.WriteAllBytes(PathOf(Destination), Old);
        File.SetUnixFileMode(PathOf(Destination), FileModes.Executable);
    }

    internal RecordingLog Log { get; } = new();

    /// <summary>What has come over the line so far.</summary>
    internal long BytesDownloaded => _client?.Traffic.BytesDownloaded ?? 0;

    internal TimeProvider Time { get; init; } = new SkippingTime();

    internal Func<RegistryOptions, RegistryOptions> Options { get; set; } = options => options;

    /// <summary>Changes what is asked of the installer: the kubelet, unsigned, unless told.</summary>
    internal Func<InstallRequest, InstallRequest> Ask { get; set; } = request => request;

    internal byte[] Installed => File.ReadAllBytes(PathOf(Destination));

    internal string PathOf(string path) => _work[$"root{path}"];

    /// <summary>Installs from a layout that holds the image.</summary>
    internal Task<InstallResult> InstallAsync(HostileImage image, CancellationToken cancellationToken)
    {
        image.WriteTo(_work["layout"]);
        LayoutReference reference = new(_work["layout"], HostileImage.Tag);
        return InstallAsync(reference, ImageLayout.Open(_work["layout"]), image.Path, cancellationToken);
    }

    /// <summary>Installs from registries, each a mirror of the last.</summary>
    internal Task<InstallResult> InstallAsync(
        string imagePath, CancellationToken cancellationToken, params TestRegistry[] registries)
    {
        _client ??= new RegistryClient(Options(new RegistryOptions
        {
            Credentials = new Nobody(),
            Proxy = new EnvironmentProxy(_ => null),
            Warn = Log.Warn,
            Retry = new RetryPolicy { Time = Time },
        }));
        RegistryReference reference = new(registries[^1].Url.Authority, Repository, HostileImage.Tag, null);
        var source = _client.Repository(Repository, [.. registries.Select(r => new RegistryHost { Root = r.Root })]);
        return InstallAsync(reference, source, imagePath, cancellationToken);
    }

    /// <summary>What the host remembers.</summary>
    internal InstallReceipt Receipt()
    {
        using var root = HostRoot.Open(_work["root"]);
        using var state = HostState.Look(root, Log.Warn);
        return state.Receipt;
    }

    /// <summary>Nothing has changed, and nothing was left.</summary>
    internal void AssertUntouched()
    {
        Assert.Equal([Destination[1..]], Files());
        Assert.Equal(Old, Installed);
        Assert.Equal(FileModes.Executable, File.GetUnixFileMode(PathOf(Destination)));
        AssertTidyState();
    }

    /// <summary>The new file is there, the old one is kept, and that is all.</summary>
    internal void AssertInstalled(byte[] expected)
    {
        Assert.Equal([Kept, Destination[1..]], Files());
        Assert.True(expected.AsSpan().SequenceEqual(Installed), "other bytes were installed");
        Assert.Equal(Old, File.ReadAllBytes(PathOf($"/{Kept}")));
        Assert.Equal(FileModes.Executable, File.GetUnixFileMode(PathOf(Destination)));
        AssertTidyState();
    }

    /// <summary>Every file below the host but its state.</summary>
    internal IReadOnlyList<string> Files() =>
    [
        .. _work.Files().Where(f => f.StartsWith("root/", StringComparison.Ordinal)).Select(f => f["root/".Length..])
            .Where(f => !f.StartsWith(State, StringComparison.Ordinal)),
    ];

    public void Dispose()
    {
        _client?.Dispose();
        _work.Dispose();
    }

    private void AssertTidyState() =>
        Assert.DoesNotContain(_work.Files(), f => f.Contains(".hyperkube-stage-", StringComparison.Ordinal)
            || f.Contains(".hyperkube-part-", StringComparison.Ordinal) || f.EndsWith("intent.json", StringComparison.Ordinal));

    private async Task<InstallResult> InstallAsync(
        ImageReference reference, IContentSource content, string imagePath, CancellationToken cancellationToken)
    {
        using var root = HostRoot.Open(_work["root"]);
        HostInstaller installer = new(root, (r, _) => Task.FromResult(new ImageSource(r, content)), Log, searchPath: null, Time);
        return await installer.InstallAsync(
            Ask(new InstallRequest
            {
                Reference = reference,
                Binaries = [new WantedBinary("kubelet", imagePath, Destination)],
                Platform = HostileImage.Amd64,
                Verify = VerificationMode.None,
            }),
            cancellationToken);
    }

    private sealed class Nobody : ICredentialSource
    {
        public string Name => "test";

        public ValueTask<CredentialAnswer> FindAsync(string host, string repository, CancellationToken cancellationToken) =>
            ValueTask.FromResult(new CredentialAnswer(null, "test"));
    }
}
