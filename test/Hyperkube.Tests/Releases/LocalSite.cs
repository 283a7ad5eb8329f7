using System.Security.Cryptography.X509Certificates;
using Hyperkube.Oci;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Registry;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases;

/// <summary>A site on loopback with one kubelet of 1 MiB, and what a client of it needs: connections, a cache, a log.</summary>
internal sealed class LocalSite : IAsyncDisposable
{
    internal const string Version = "v1.36.4";
    internal const int Size = 1 << 20;

    internal static readonly Platform Platform = new("linux", "amd64");
    internal static readonly ReleaseFile Kubelet = new(KubernetesVersion.Parse(Version), Platform, BinaryName.Kubelet);
    internal static readonly byte[] Content = StandInProgram.Create(Platform, $"Kubernetes {Version}\n", padTo: Size);

    /// <summary>Five tries with next to no wait between them.</summary>
    internal static readonly SiteOptions Hasty = new()
    {
        Retry = new RetryPolicy { FirstDelay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromMilliseconds(2) },
    };

    private readonly TempDirectory _directory = new();
    private readonly List<IDisposable> _disposables = [];

    private LocalSite(X509Certificate2? certificate)
    {
        ReleaseTree.WriteFile(Tree, Version, Platform, "kubelet", Content);
        Site = ReleaseSite.Start(Tree, certificate);
    }

    internal ReleaseSite Site { get; }

    internal RecordingLog Log { get; } = new();

    internal string Tree => _directory["tree"];

    internal string Cache => _directory["cache"];

    /// <summary>Answers to requests for the binary itself are made by this, where it does not answer null.</summary>
    internal Func<SiteRequest, SiteAnswer?> OnBinary
    {
        set => Site.Intercept = request => request.Path == Kubelet.Path ? value(request) : null;
    }

    /// <summary>Requests for the binary itself.</summary>
    internal IReadOnlyList<ServedRequest> BinaryRequests => [.. Site.Requests.Where(r => r.Request.Path == Kubelet.Path)];

    internal static LocalSite Start(X509Certificate2? certificate = null) => new(certificate);

    /// <summary>A client as a new run of the program has it, on the same cache.</summary>
    internal DownloadSite Open(
        SiteOptions? options = null, Uri? url = null, string? authorities = null, string? present = null, string? proxy = null)
    {
        var http = HttpConnections.Create(new EnvironmentProxy(name => name == "HTTPS_PROXY" ? proxy : null), HostTls.Trusting(authorities));
        _disposables.Add(http);
        return new DownloadSite(
            http, url ?? Site.Url, options ?? Hasty, new BinaryCache(Cache, long.MaxValue, TimeProvider.System), present, Log);
    }

    /// <summary>Gets and checks the kubelet from one source.</summary>
    internal async Task<VerifiedBinary> FetchAsync(IReleaseSource? source = null)
    {
        ReleaseVerifier verifier = new([source ?? Open()], evidence: null, Log);
        var release = await verifier.FetchAsync([Kubelet], jobs: 1, TestContext.Current.CancellationToken);
        _disposables.Add(release);
        return release.Binaries[0];
    }

    /// <summary>Gets it and expects a failure.</summary>
    internal Task<HyperkubeException> FailAsync(IReleaseSource? source = null) =>
        Assert.ThrowsAsync<HyperkubeException>(() => FetchAsync(source));

    /// <summary>A path beside tree and cache.</summary>
    internal string PathOf(string relative) => _directory[relative];

    public async ValueTask DisposeAsync()
    {
        _disposables.ForEach(d => d.Dispose());
        await Site.DisposeAsync();
        _directory.Dispose();
    }
}
