using System.CommandLine;
using System.CommandLine.Parsing;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Registry;
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
        CustomParser = ParsePlatforms,
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
        CustomParser = Parsers.Texts,
        DefaultValueFactory = _ => [UpstreamSite],
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<Verification> _verify = new("--verify")
    {
        Description = "How the files are checked: checksum unless told (signature is not there yet)",
        HelpName = "signature|checksum",
        CustomParser = ParseVerification,
    };

    private readonly Option<string[]> _allowRedirect = new("--allow-redirect")
    {
        Description = "A host that a source may redirect to, beside its own and upstream's; repeat",
        HelpName = "HOST",
        CustomParser = Parsers.Texts,
        Arity = ArgumentArity.OneOrMore,
    };

    internal Option<bool> PlainHttp { get; } = new("--plain-http")
    {
        Description = "Let a source or registry that is not on this machine speak HTTP without TLS",
    };

    internal Option<string?> Authorities { get; } = new("--ca")
    {
        Description = "A PEM file of certificate authorities to trust beside the system's",
        HelpName = "FILE",
        CustomParser = Parsers.Text,
    };

    private readonly Option<int?> _jobs = new("--jobs")
    {
        Description = "How many files are fetched, and blocks compressed, at once (default: the cores of this machine)",
        HelpName = "N",
        CustomParser = Parsers.Number(1, 256),
    };

    private readonly Option<string?> _cache = new("--cache")
    {
        Description = "Where verified downloads are kept, up to 8 GiB (default: hyperkube in XDG_CACHE_HOME or ~/.cache)",
        HelpName = "DIR",
        CustomParser = Parsers.Text,
    };

    internal void AddTo(Command command)
    {
        command.Arguments.Add(Version);
        AddFlagsTo(command);
    }

    /// <summary>All but the version.</summary>
    internal void AddFlagsTo(Command command)
    {
        foreach (var option in (Option[])[_platform, _binary, _source, _verify, _allowRedirect, PlainHttp, Authorities, _jobs, _cache])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Only what says where files come from.</summary>
    internal void AddSourceTo(Command command)
    {
        foreach (var option in (Option[])[_source, _allowRedirect, PlainHttp, Authorities])
        {
            command.Options.Add(option);
        }
    }

    internal ReleaseRequest Read(ParseResult line) => new(
        line.GetRequiredValue(_platform),
        line.GetRequiredValue(_binary),
        line.GetRequiredValue(_source),
        line.GetValue(_allowRedirect) ?? [],
        line.GetValue(PlainHttp),
        line.GetValue(Authorities),
        line.GetValue(_jobs) ?? Environment.ProcessorCount,
        line.GetValue(_cache));

    /// <summary>What <see cref="AddSourceTo"/> has added; nothing is fetched.</summary>
    internal ReleaseRequest ReadSource(ParseResult line) => new(
        [], [], line.GetRequiredValue(_source), line.GetValue(_allowRedirect) ?? [], line.GetValue(PlainHttp), line.GetValue(Authorities),
        Jobs: 1, Cache: null);

    private static IReadOnlyList<Platform> ParsePlatforms(ArgumentResult result)
    {
        var platforms = Parsers.Many<Platform>(result);
        foreach (var platform in platforms.Except(SleepProgram.Platforms))
        {
            result.AddError($"--platform {platform}: upstream has no node binaries for it; " +
                $"expected one of {string.Join(", ", SleepProgram.Platforms)}");
        }

        return platforms;
    }

    private static Verification ParseVerification(ArgumentResult result)
    {
        var text = result.Tokens[^1].Value;
        if (text != "checksum")
        {
            result.AddError(text == "signature"
                ? "--verify signature is not there yet; use --verify checksum"
                : $"--verify '{text}': expected signature or checksum");
        }

        return Verification.Checksum;
    }
}

/// <summary>Makes the collaborators that a release request asks for.</summary>
internal sealed class ReleaseReader : IDisposable
{
    private readonly HttpMessageInvoker? _http;
    private readonly ReleaseRequest _request;
    private readonly ReleaseVerifier _verifier;
    private readonly Func<string, string?> _variable;

    /// <param name="request">What is wanted.</param>
    /// <param name="session">Whom to tell.</param>
    /// <param name="present">A directory that may hold some of the files already, or null.</param>
    internal ReleaseReader(ReleaseRequest request, Session session, string? present = null)
    {
        _request = request;
        var variable = session.Host.Variable;
        _variable = variable;
        var hasSite = request.Sources.Any(IsUrl); // Without one, neither logins nor proxies matter.
        SiteOptions options = new()
        {
            RedirectHosts = request.RedirectHosts,
            PlainHttp = request.PlainHttp,
            Logins = hasSite ? Netrc.Load(variable) : Netrc.Empty,
            Retry = new RetryPolicy { Time = session.Host.Time },
        };
        _http = hasSite ? HttpConnections.Create(new EnvironmentProxy(variable), HostTls.Trusting(request.Authorities)) : null;
        IReleaseSource[] sources =
        [
            .. request.Sources.Select(IReleaseSource (s) => IsUrl(s)
                ? new DownloadSite(_http!, UrlOf(s), options, Cache(session), present, session.Log)
                : new DirectorySource(s)),
        ];
        _verifier = new ReleaseVerifier(sources, session.Log);
        Files = new UpstreamFiles(sources, session.Log);
    }

    /// <summary>Small files of the sources.</summary>
    internal UpstreamFiles Files { get; }

    /// <summary>Where downloads are kept, and where an image is built that is wanted in no layout.</summary>
    internal string CacheDirectory => _request.Cache ?? DefaultCache(_variable);

    private BinaryCache Cache(Session session) => new(CacheDirectory, BinaryCache.DefaultMaxBytes, session.Host.Time);

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
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = _request.Jobs, CancellationToken = stop.Token };
        try
        {
            await Parallel.ForAsync(0, files.Length, parallel,
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
            return failures.Count == 0 ? [.. fetched.Select(f => f!)] : throw new OperationCanceledException(stop.Token);
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
