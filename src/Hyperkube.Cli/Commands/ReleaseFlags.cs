using System.CommandLine;
using System.CommandLine.Parsing;
using Hyperkube.Oci;
using Hyperkube.Oci.Layers;
using Hyperkube.Publishing;

namespace Hyperkube.Cli.Commands;

/// <summary>The flags of <c>release</c>.</summary>
internal sealed class ReleaseFlags
{
    private readonly Argument<RegistryReference?> _repository = new("REPO")
    {
        Description = "Where images are published: HOST/REPO",
        CustomParser = RepositoryArgument.Parse,
        Arity = ArgumentArity.ExactlyOne,
    };

    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Print the plan, and stop there" };

    private readonly Option<bool> _noPublish = new("--no-publish")
    {
        Description = "Publish nothing: only announce, list and measure what is published, with a login that may only read the registry",
    };

    private readonly Option<bool> _audit = new("--audit")
    {
        Description = "Compare every published image with upstream; otherwise the newest patch of each minor",
    };

    private readonly Option<Shard> _shard = new("--shard")
    {
        Description = "Do one part of the work of N workers, by version: 1/4 to 4/4, or 0/4 to 3/4",
        HelpName = "I/N",
        CustomParser = Parsers.One<Shard>,
        DefaultValueFactory = _ => Shard.All,
    };

    private readonly Option<string?> _holds = new("--holds")
    {
        Description = "Releases that upstream has published broken, and that are left alone until they change there: "
            + $"VERSION FINGERPRINT REASON, a line each (default: the file {HeldReleases.DefaultFile}, if it is there)",
        HelpName = "FILE",
        CustomParser = Parsers.Text,
    };

    private readonly Option<string?> _imageVector = new("--image-vector")
    {
        Description = "Write overrides for Gardener's image vector: the image of each version, pinned by digest",
        HelpName = "FILE",
        CustomParser = Parsers.Text,
    };

    private readonly Option<string?> _github = new("--github")
    {
        Description = "Announce what is published at GitHub: a tag on a commit whose file KUBERNETES_VERSION says the version, and a "
            + "release with notes. The token is the variable GH_TOKEN, else GITHUB_TOKEN; the API is GITHUB_API_URL",
        HelpName = "OWNER/REPO",
        CustomParser = ParseGitHub,
    };

    private readonly Option<string?> _catalog = new("--catalog")
    {
        Description = "Write a static catalog of what is published into a directory: index.html and catalog.json",
        HelpName = "DIR",
        CustomParser = Parsers.Text,
    };

    private readonly Option<string[]> _endOfLife = new("--end-of-life")
    {
        Description = "Until when the catalog says that minors are supported: schedule.yaml or eol.yaml of the Kubernetes website; repeat",
        HelpName = "FILE",
        CustomParser = Parsers.Texts,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _metrics = new("--metrics")
    {
        Description = "Write metrics for Prometheus' node exporter, NAME.prom in its textfile directory",
        HelpName = "FILE",
        CustomParser = Parsers.Text,
    };

    private readonly Option<LayerCompression> _compression = CompressionFlag.Create();
    private readonly ReleaseOptions _release = new();
    private readonly VersionFlags _versions;
    private readonly AttachmentFlags _attachments;
    private readonly RegistryFlags _registry;

    internal ReleaseFlags(Command command)
    {
        command.Arguments.Add(_repository);
        _versions = new VersionFlags(command);
        Option[] own =
        [
            _dryRun, _noPublish, _audit, _shard, _holds, _github, _catalog, _endOfLife, _metrics, _imageVector, _compression,
        ];
        foreach (var option in own)
        {
            command.Options.Add(option);
        }

        _release.AddFlagsTo(command);
        _attachments = new AttachmentFlags(command);
        _registry = new RegistryFlags(command, _release.PlainHttp, _release.Authorities);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_shard) is { Count: > 1 } && (result.GetValue(_catalog) ?? result.GetValue(_imageVector)) is not null)
            {
                result.AddError(
                    "--shard: a part of the releases makes no --catalog or --image-vector; expected them in a run without --shard");
            }
        });
    }

    internal ReleaseCommand.Request Read(ParseResult line) => new(
        line.GetRequiredValue(_repository)!,
        _versions.Read(line),
        _release.Read(line),
        line.GetRequiredValue(_compression),
        line.GetValue(_dryRun),
        line.GetValue(_noPublish),
        line.GetValue(_audit),
        line.GetRequiredValue(_shard),
        line.GetValue(_holds),
        new ReportRequest(
            line.GetValue(_imageVector), line.GetValue(_github), line.GetValue(_catalog), line.GetValue(_endOfLife) ?? [],
            line.GetValue(_metrics)),
        _attachments.Read(line),
        _registry.Read(line));

    private static string? ParseGitHub(ArgumentResult result)
    {
        var text = Parsers.Text(result);
        if (text is not null && (text.Split('/') is not [{ Length: > 0 } owner, { Length: > 0 } name]
            || !(owner + name).All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') || owner[0] == '.' || name[0] == '.'))
        {
            result.AddError($"--github '{text}': expected OWNER/REPO");
        }

        return text;
    }
}

/// <summary>The flag that says how layers are compressed.</summary>
internal static class CompressionFlag
{
    internal static Option<LayerCompression> Create() => new("--compression")
    {
        Description = "How the layers are compressed: gzip (level 6), gzip:1 to gzip:9, zstd (level 3), zstd:1 to zstd:19",
        HelpName = "gzip|zstd[:LEVEL]",
        CustomParser = Parsers.One<LayerCompression>,
        DefaultValueFactory = _ => LayerCompression.Gzip,
    };
}
