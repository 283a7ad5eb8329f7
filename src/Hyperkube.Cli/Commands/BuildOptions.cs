using System.CommandLine;
using Hyperkube.Oci;
using Hyperkube.Oci.Layers;

namespace Hyperkube.Cli.Commands;

/// <summary>The flags of <c>build</c>.</summary>
internal sealed class BuildOptions
{
    private readonly ReleaseOptions _release = new();
    private AttachmentFlags? _attachments;
    private RegistryFlags? _registry;

    private readonly Option<IReadOnlyList<ImageReference>> _output = new("--output", "-o")
    {
        Description = "Where the image goes; repeat (default: oci:dist/hyperkube:VERSION): HOST/REPO:TAG, " +
            "oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME:TAG]",
        HelpName = "TRANSPORT",
        CustomParser = Parsers.Each<ImageReference>,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _tag = new("--tag")
    {
        Description = "The image's name inside archives and engines (default: hyperkube:VERSION)",
        HelpName = "REF",
    };

    private readonly Option<LayerCompression> _compression = CompressionFlag.Create();

    private readonly Option<bool> _load = new("--load")
    {
        Description = "Hand the image of this host's platform to docker, podman or containerd",
    };

    private readonly Option<bool> _tryLoad = new("--try-load") { Description = "The same, but no failure if no engine answers" };

    private readonly Option<bool> _moveTag = new("--move-tag") { Description = "Let a tag that stands for other content be moved" };

    private readonly Option<string?> _digestFile = new("--digest-file")
    {
        Description = "Write the image's digest to a file",
        HelpName = "FILE",
        CustomParser = Parsers.Text,
    };

    internal BuildOptions()
    {
        _tag.Validators.Add(result =>
        {
            if (result.Tokens is [var word] && RegistryReference.TryParseLocalName(word.Value) is null)
            {
                result.AddError($"--tag '{word.Value}': not a name; expected [HOST/]REPO[:TAG]");
            }
        });
    }

    internal void AddTo(Command command)
    {
        _release.AddTo(command);
        foreach (var option in (Option[])[_output, _tag, _compression, _load, _tryLoad, _moveTag, _digestFile])
        {
            command.Options.Add(option);
        }

        _attachments = new AttachmentFlags(command);
        _registry = new RegistryFlags(command, _release.PlainHttp, _release.Authorities);
    }

    internal BuildCommand.Request Read(ParseResult line) => new(
        line.GetValue(_release.Version),
        _release.Read(line),
        line.GetValue(_output) ?? [],
        line.GetValue(_tag) is { } name ? RegistryReference.TryParseLocalName(name) : null,
        line.GetRequiredValue(_compression),
        line.GetValue(_load),
        line.GetValue(_tryLoad),
        line.GetValue(_moveTag),
        line.GetValue(_digestFile),
        _attachments!.Read(line),
        _registry!.Read(line));
}
