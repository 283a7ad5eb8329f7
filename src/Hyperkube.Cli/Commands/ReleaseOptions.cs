using System.CommandLine;
using System.CommandLine.Parsing;
using Hyperkube.Images;
using Hyperkube.Oci;
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
    string? Cache)
{
    /// <summary>How the files are checked.</summary>
    internal required Verification Verify { get; init; }

    /// <summary>Whom to believe.</summary>
    internal required TrustRequest Trust { get; init; }

    /// <summary>How much of the cache is kept, in bytes.</summary>
    internal long CacheBytes { get; init; } = BinaryCache.DefaultMaxBytes;

    /// <summary>The log that is asked for entries.</summary>
    internal required Uri Rekor { get; init; }

    /// <summary>An image or a directory that holds evidence; null for none.</summary>
    internal string? Evidence { get; init; }
}

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

    private TrustFlags? _trust;

    private readonly Option<Verification?> _verify = new("--verify")
    {
        Description = "How the files are checked: by the release team's signature (default), or only by their source's checksums",
        HelpName = "signature|checksum",
        CustomParser = Parsers.Word<Verification?>(("signature", Verification.Signature), ("checksum", Verification.Checksum)),
    };

    private readonly Option<string?> _rekor = new("--rekor-url")
    {
        Description = "The log that signatures are looked up in when no evidence was kept "
            + $"(default: {RekorClient.PublicGood.OriginalString})",
        HelpName = "URL",
        CustomParser = Parsers.Text,
    };

    private readonly Option<string?> _evidence = new("--evidence")
    {
        Description = "An image or a directory whose evidence is used again, so that the same image is built: it is looked for there first",
        HelpName = "REF|DIR",
        CustomParser = Parsers.Text,
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
        Description = "Where verified downloads are kept (default: hyperkube in XDG_CACHE_HOME or ~/.cache)",
        HelpName = "DIR",
        CustomParser = Parsers.Text,
    };

    private readonly Option<long?> _cacheSize = new("--cache-size")
    {
        Description = "How much of them is kept: 500MB, 8GiB (default); what was not used for the longest time goes first",
        HelpName = "SIZE",
        CustomParser = Parsers.Size,
    };

    internal void AddTo(Command command)
    {
        command.Arguments.Add(Version);
        AddFlagsTo(command);
    }

    /// <summary>All but the version.</summary>
    internal void AddFlagsTo(Command command)
    {
        foreach (var option in (Option[])[_platform, _binary, _source, _verify])
        {
            command.Options.Add(option);
        }

        _trust = new TrustFlags(command, "default: the file SIGNATURE_EXCEPTIONS, if it is there");
        foreach (var option in (Option[])[_rekor, _evidence, _allowRedirect, PlainHttp, Authorities, _jobs, _cache, _cacheSize])
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

    /// <summary>What <see cref="AddSourceTo"/> has added; no binary is fetched.</summary>
    internal ReleaseRequest ReadSource(ParseResult line) => new(
        [], [], line.GetRequiredValue(_source), line.GetValue(_allowRedirect) ?? [], line.GetValue(PlainHttp), line.GetValue(Authorities),
        Jobs: 1, Cache: null)
    {
        Verify = Verification.Checksum,
        Trust = new TrustRequest(null, null, null, null),
        Rekor = RekorClient.PublicGood,
    };

    internal ReleaseRequest Read(ParseResult line) => new(
        line.GetRequiredValue(_platform),
        line.GetRequiredValue(_binary),
        line.GetRequiredValue(_source),
        line.GetValue(_allowRedirect) ?? [],
        line.GetValue(PlainHttp),
        line.GetValue(Authorities),
        line.GetValue(_jobs) ?? Environment.ProcessorCount,
        line.GetValue(_cache))
    {
        Verify = line.GetValue(_verify) ?? Verification.Signature,
        Trust = _trust!.Read(line),
        Rekor = line.GetValue(_rekor) is { } rekor ? ReleaseReader.UrlOf(rekor, "--rekor-url") : RekorClient.PublicGood,
        Evidence = line.GetValue(_evidence),
        CacheBytes = line.GetValue(_cacheSize) ?? BinaryCache.DefaultMaxBytes,
    };

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
}
