using Hyperkube.Oci;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Registry;
using Hyperkube.Publishing;
using Hyperkube.Releases;

namespace Hyperkube.Cli.Commands;

/// <summary>Makes the collaborators that a release request asks for.</summary>
internal sealed class ReleaseReader : IDisposable
{
    private const string ExceptionsFile = "SIGNATURE_EXCEPTIONS";

    private readonly Lazy<HttpMessageInvoker> _http;
    private readonly ReleaseRequest _request;
    private readonly Session _session;
    private readonly IReadOnlyList<IReleaseSource> _sources;

    /// <param name="request">What is wanted.</param>
    /// <param name="session">Whom to tell.</param>
    /// <param name="present">A directory that may hold some of the files already, or null.</param>
    internal ReleaseReader(ReleaseRequest request, Session session, string? present = null)
    {
        _request = request;
        _session = session;
        var variable = session.Host.Variable;
        var hasSite = request.Sources.Any(IsUrl); // Without one, neither logins nor proxies matter.
        SiteOptions options = new()
        {
            RedirectHosts = request.RedirectHosts,
            PlainHttp = request.PlainHttp,
            Logins = hasSite ? Netrc.Load(variable) : Netrc.Empty,
            Retry = new RetryPolicy { Time = session.Host.Time },
        };
        _http = new(() => HttpConnections.Create(new EnvironmentProxy(variable), HostTls.Trusting(request.Authorities)));
        _sources =
        [
            .. request.Sources.Select(IReleaseSource (s) => IsUrl(s)
                ? new DownloadSite(_http.Value, UrlOf(s, "--source"), options, Cache(session), present, session.Log)
                : new DirectorySource(s)),
        ];
    }

    /// <summary>Where downloads are kept, and where an image is built that is wanted in no layout.</summary>
    internal string CacheDirectory => _request.Cache ?? DefaultCache(_session.Host.Variable);

    /// <summary>Small files of the sources.</summary>
    internal UpstreamFiles Files => new(_sources, _session.Log);

    /// <summary>Sends requests to others than registries.</summary>
    internal HttpMessageInvoker Http => _http.Value;

    private BinaryCache Cache(Session session) => new(CacheDirectory, _request.CacheBytes, session.Host.Time);

    internal Task<KubernetesVersion> ResolveAsync(ReleaseName name, CancellationToken cancellationToken) =>
        new ReleaseVerifier(_sources, evidence: null, _session.Log).ResolveAsync(name, cancellationToken);

    /// <summary>Gets every file that was asked for.</summary>
    /// <param name="version">Of which release.</param>
    /// <param name="transports">Opens the images that evidence is looked for in.</param>
    /// <param name="destinations">Where the image will go: what is published there already has the evidence to use again.</param>
    /// <param name="jobs">How many files at once.</param>
    /// <param name="cancellationToken">What has come so far is kept for the next time.</param>
    /// <returns>The release, which the caller disposes.</returns>
    internal Task<VerifiedRelease> FetchAsync(
        KubernetesVersion version, Transports transports, IEnumerable<ImageReference> destinations, int jobs,
        CancellationToken cancellationToken)
    {
        ReleaseFile[] files =
        [
            .. from platform in _request.Platforms.Order()
               from name in _request.Binaries.Order()
               select new ReleaseFile(version, platform, name),
        ];
        var finder = _request.Verify == Verification.Signature ? Finder(transports, destinations) : null;
        return new ReleaseVerifier(_sources, finder, _session.Log).FetchAsync(files, jobs, cancellationToken);
    }

    private EvidenceFinder Finder(Transports transports, IEnumerable<ImageReference> destinations) => new(
        _request.Trust.Open(),
        _request.Trust.OpenExceptions(_session.Host.Time, ExceptionsFile),
        [
            .. _request.Evidence is { } evidence ? [EvidenceOf(evidence, transports)] : (IEvidenceStore[])[],
            .. destinations.Select(d => new ImageEvidence(d, _request.Binaries, transports.OpenSourceAsync, isOptional: true)),
        ],
        new EvidenceCache(Path.Combine(CacheDirectory, "evidence")),
        new RekorClient(_http.Value, _request.Rekor, new RetryPolicy { Time = _session.Host.Time }, _session.Log),
        _session.Log);

    private IEvidenceStore EvidenceOf(string evidence, Transports transports) =>
        evidence.StartsWith('.') || evidence.StartsWith('/') || Directory.Exists(evidence)
            ? new PublishedEvidence(new DirectorySource(evidence, "--evidence"))
            : ImageReference.TryParse(evidence, null, out var reference)
                ? new ImageEvidence(reference, _request.Binaries, transports.OpenSourceAsync, isOptional: false)
                : throw new HyperkubeException(ErrorKind.Usage, $"--evidence '{evidence}': neither a directory nor an image; expected one");

    public void Dispose()
    {
        if (_http.IsValueCreated)
        {
            _http.Value.Dispose();
        }
    }

    private static bool IsUrl(string source) => source.Contains("://", StringComparison.Ordinal);

    /// <summary>Reads the URL of a site.</summary>
    internal static Uri UrlOf(string text, string flag) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "https" or "http"
            ? url
            : throw new HyperkubeException(ErrorKind.Usage, $"{flag}: not a URL of a site; expected https://HOST/PATH{(
                flag == "--source" ? " or a directory" : "")}");

    // https://specifications.freedesktop.org/basedir-spec/0.8/: a relative XDG_CACHE_HOME does not count.
    private static string DefaultCache(Func<string, string?> variable)
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return variable("XDG_CACHE_HOME") is { Length: > 0 } cache && Path.IsPathRooted(cache) ? Path.Combine(cache, "hyperkube")
            : home.Length > 0 ? Path.Combine(home, ".cache", "hyperkube")
            : throw new HyperkubeException(ErrorKind.Usage, "no place for downloads: neither XDG_CACHE_HOME nor a home directory")
            {
                Hint = "name a directory with --cache DIR",
            };
    }
}
