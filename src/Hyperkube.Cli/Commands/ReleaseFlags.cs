using System.CommandLine;
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

    private readonly Option<LayerCompression> _compression = CompressionFlag.Create();
    private readonly ReleaseOptions _release = new();
    private readonly VersionFlags _versions;
    private readonly RegistryFlags _registry;

    internal ReleaseFlags(Command command)
    {
        command.Arguments.Add(_repository);
        _versions = new VersionFlags(command);
        foreach (var option in (Option[])[_dryRun, _audit, _shard, _holds, _imageVector, _compression])
        {
            command.Options.Add(option);
        }

        _release.AddFlagsTo(command);
        _registry = new RegistryFlags(command, _release.PlainHttp, _release.Authorities);
    }

    internal ReleaseCommand.Request Read(ParseResult line) => new(
        line.GetRequiredValue(_repository)!,
        _versions.Read(line),
        _release.Read(line),
        line.GetRequiredValue(_compression),
        line.GetValue(_dryRun),
        line.GetValue(_audit),
        line.GetRequiredValue(_shard),
        line.GetValue(_holds),
        new ReportRequest(line.GetValue(_imageVector)),
        _registry.Read(line));
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
