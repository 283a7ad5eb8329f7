using System.CommandLine;
using Hyperkube.Oci;
using Hyperkube.Oci.Http;
using Hyperkube.Releases;

namespace Hyperkube.Cli.Commands;

/// <summary>Which files of a release are wanted, and from where.</summary>
internal sealed record ReleaseRequest(
    IReadOnlyList<Platform> Platforms,
    IReadOnlyList<BinaryName> Binaries,
    IReadOnlyList<string> Sources,
    IReadOnlyList<string> RedirectHosts,
    bool PlainHttp,
    string? Authorities,
    int Jobs,
    string? Cache);

/// <summary>The flags of all commands that read releases.</summary>
internal sealed class ReleaseOptions
{
    private const string UpstreamSite = "https://dl.k8s.io/release";

    internal Argument<ReleaseName?> Version { get; } = new("VERSION")
    {
        Description = "The release: v1.34.2, 1.34.2, stable or stable-1.34",
        CustomParser = Parsers.One<ReleaseName>,
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<IReadOnlyList<Platform>> _platform = new("--platform")
    {
        Description = "For which platforms; repeat, or separate with commas",
        HelpName = "OS/ARCH",
        CustomParser = Parsers.Many<Platform>,
        DefaultValueFactory = _ => [new("linux", "amd64"), new("linux", "arm64")],
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<IReadOnlyList<BinaryName>> _binary = new("--binary")
    {
        Description = "Which binaries; repeat, or separate with commas",
        HelpName = "NAME",
        CustomParser = Parsers.Many<BinaryName>,
        DefaultValueFactory = _ => [BinaryName.Kubelet, BinaryName.Kubectl],
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string[]> _source = new("--source")
    {
        Description = "A download site or a directory with the same layout, VERSION/bin/OS/ARCH/NAME; repeat: tried in order",
        HelpName = "URL|DIR",
        DefaultValueFactory = _ => [UpstreamSite],
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string> _verify = new("--verify")
    {
        Description = "How the files are checked: checksum (signature is not there yet)",
        HelpName = "signature|checksum",
        DefaultValueFactory = _ => "checksum",
    };

    private readonly Option<string[]> _allowRedirect = new("--allow-redirect")
    {
        Description = "A host that a source may redirect to, beside its own and upstream's; repeat",
        HelpName = "HOST",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<bool> _plainHttp = new("--plain-http")
    {
        Description = "Let a source that is not on this machine speak HTTP without TLS",
    };

    private readonly Option<string?> _ca = new("--ca")
    {
        Description = "A PEM file of certificate authorities to trust beside the system's",
        HelpName = "FILE",
    };

    private readonly Option<int> _jobs = new("--jobs")
    {
        Description = "How many files are fetched, and blocks compressed, at once (default: the cores of this machine)",
        HelpName = "N",
        DefaultValueFactory = _ => Environment.ProcessorCount,
    };

    private readonly Option<string?> _cache = new("--cache")
    {
        Description = "Where verified downloads are kept, up to 8 GiB (default: hyperkube in XDG_CACHE_HOME or ~/.cache)",
        HelpName = "DIR",
    };

    internal ReleaseOptions()
    {
        _verify.Validators.Add(result =>
        {
            switch (result.Tokens is [.., var word] ? word.Value : null)
            {
                case null or "checksum":
                    break;
                case "signature":
                    result.AddError("--verify signature is not there yet; use --verify checksum");
                    break;
                case var other:
                    result.AddError($"--verify '{other}': expected signature or checksum");
                    break;
            }
        });
        _jobs.Validators.Add(result =>
        {
            if (result.Errors.Any() || result.GetValueOrDefault<int>() is < 1 or > 256)
            {
                result.AddError("--jobs: expected a number from 1 to 256");
            }
        });
    }

    internal void AddTo(Command command)
    {
        command.Arguments.Add(Version);
        foreach (var option in (Option[])[_platform, _binary, _source, _verify, _allowRedirect, _plainHttp, _ca, _jobs, _cache])
        {
            command.Options.Add(option);
        }
    }

    internal ReleaseRequest Read(ParseResult line) => new(
        line.GetRequiredValue(_platform),
        line.GetRequiredValue(_binary),
        line.GetRequiredValue(_source),
        line.GetValue(_allowRedirect) ?? [],
        line.GetValue(_plainHttp),
        line.GetValue(_ca),
        line.GetValue(_jobs),
        line.GetValue(_cache));
}

/// <summary>Makes the collaborators that a release request asks for.</summary>
internal sealed class ReleaseReader : IDisposable
{
    private readonly HttpMessageInvoker? _http;
    private readonly ReleaseRequest _request;
    private readonly ReleaseVerifier _verifier;

    /// <param name="request">What is wanted.</param>
    /// <param name="session">Whom to tell.</param>
    /// <param name="present">A directory that may hold some of the files already, or null.</param>
    internal ReleaseReader(ReleaseRequest request, Session session, string? present = null)
    {
        _request = request;
        var variable = session.Host.Variable;
        CacheDirectory = request.Cache ?? DefaultCache(variable);
        BinaryCache cache = new(CacheDirectory, BinaryCache.DefaultMaxBytes, session.Host.Time);
        SiteOptions options = new()
        {
            RedirectHosts = request.RedirectHosts,
            PlainHttp = request.PlainHttp,
            Logins = Netrc.Load(variable),
            Retry = new RetryPolicy { Time = session.Host.Time },
        };
        _http = request.Sources.Any(IsUrl) ? HttpConnections.Create(new EnvironmentProxy(variable), request.Authorities) : null;
        _verifier = new ReleaseVerifier(
            [.. request.Sources.Select(IReleaseSource (s) => IsUrl(s)
                ? new DownloadSite(_http!, UrlOf(s), options, cache, present, session.Log)
                : new DirectorySource(s))],
            session.Log);
    }

    internal string CacheDirectory { get; }

    internal Task<KubernetesVersion> ResolveAsync(ReleaseName name, CancellationToken cancellationToken) =>
        _verifier.ResolveAsync(name, cancellationToken);

    /// <summary>Gets every file that was asked for.</summary>
    /// <returns>The binaries; the caller disposes them.</returns>
    internal async Task<IReadOnlyList<VerifiedBinary>> FetchAsync(KubernetesVersion version, CancellationToken cancellationToken)
    {
        ReleaseFile[] files =
        [
            .. from platform in _request.Platforms.Order()
               from name in _request.Binaries.Order()
               select new ReleaseFile(version, platform, name),
        ];
        var fetched = new VerifiedBinary?[files.Length];
        List<HyperkubeException> failures = [];
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await Parallel.ForAsync(0, files.Length, new ParallelOptions { MaxDegreeOfParallelism = _request.Jobs, CancellationToken = stop.Token },
                async (i, token) =>
                {
                    try
                    {
                        fetched[i] = await _verifier.FetchAsync(files[i], token).ConfigureAwait(false);
                    }
                    catch (HyperkubeException e)
                    {
                        lock (failures)
                        {
                            failures.Add(e);
                        }

                        await stop.CancelAsync().ConfigureAwait(false); // The image cannot be had any more; the parts are kept.
                    }
                }).ConfigureAwait(false);
            return fetched!;
        }
        catch (Exception e)
        {
            foreach (var binary in fetched)
            {
                binary?.Dispose();
            }

            if (e is OperationCanceledException && failures.Count > 0 && !cancellationToken.IsCancellationRequested)
            {
                throw ExitCodes.MostSerious(failures, f => f.Kind);
            }

            throw;
        }
    }

    public void Dispose() => _http?.Dispose();

    private static bool IsUrl(string source) => source.Contains("://", StringComparison.Ordinal);

    private static Uri UrlOf(string source) =>
        Uri.TryCreate(source, UriKind.Absolute, out var url) && url.Scheme is "https" or "http"
            ? url
            : throw new HyperkubeException(ErrorKind.Usage, $"--source: not a URL of a site; expected https://HOST/PATH or a directory");

    private static string DefaultCache(Func<string, string?> variable) => Path.Combine(
        variable("XDG_CACHE_HOME") is { Length: > 0 } cache && Path.IsPathRooted(cache)
            ? cache
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
        "hyperkube");
}
