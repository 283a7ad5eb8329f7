using System.Security.Cryptography.X509Certificates;

namespace Hyperkube.Testing;

/// <summary>A download site on loopback: serves a directory as dl.k8s.io serves a release, with closed ranges and
/// without ETag, and misbehaves as a test tells it to.</summary>
public sealed class ReleaseSite : LoopbackServer
{
    private const string Below = "release";

    private readonly string _directory;

    private ReleaseSite(string directory, X509Certificate2? certificate)
        : base(certificate, Below) => _directory = Path.GetFullPath(directory);

    /// <summary>What was asked and answered so far, in the order in which answers began. A client that has an
    /// answer, or waits for one that does not come, finds its request here.</summary>
    public IReadOnlyList<ServedRequest> Requests =>
        [.. Traffic.Select(s => new ServedRequest(RequestOf(s.Call), s.Status, s.BodyBytes))];

    /// <summary>Answers instead of the directory where it does not answer null. The path is below <see cref="LoopbackServer.Url"/>,
    /// without a slash in front.</summary>
    public Func<SiteRequest, SiteAnswer?> Intercept { get; set; } = _ => null;

    public static ReleaseSite Start(string directory, X509Certificate2? certificate = null) => new(directory, certificate);

    /// <summary>Body bytes sent for paths that end so.</summary>
    public long BytesFor(string pathEnd) =>
        Requests.Where(s => s.Request.Path.EndsWith(pathEnd, StringComparison.Ordinal)).Sum(s => s.BodyBytes);

    protected override SiteAnswer Answer(RegistryCall asked)
    {
        var request = RequestOf(asked);
        return Intercept(request) ?? FromDirectory(request);
    }

    protected override void TakePart(RegistryCall asked)
    {
        // Nobody sends it anything.
    }

    private static SiteRequest RequestOf(RegistryCall call)
    {
        var path = call.Query.Length > 0 ? $"{call.Path}?{call.Query}" : call.Path;
        return new SiteRequest(
            call.Method, path.StartsWith($"/{Below}/", StringComparison.Ordinal) ? path[(Below.Length + 2)..] : path, call.Headers);
    }

    private SiteAnswer FromDirectory(SiteRequest request)
    {
        var path = Path.GetFullPath(Path.Combine(_directory, request.Path));
        if (!path.StartsWith(_directory + "/", StringComparison.Ordinal) || !File.Exists(path))
        {
            return SiteAnswer.Text("Not Found", 404);
        }

        // Open ranges are refused by some: closed ones only.
        var range = request.Header("Range");
        return range is [.., '-'] ? SiteAnswer.Of(416) : SiteAnswer.Part(File.ReadAllBytes(path), range);
    }
}
