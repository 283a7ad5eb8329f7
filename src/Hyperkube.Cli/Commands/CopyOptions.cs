using System.CommandLine;
using Hyperkube.Oci;
using Hyperkube.Publishing;

namespace Hyperkube.Cli.Commands;

/// <summary>The flags of <c>copy</c>.</summary>
internal sealed class CopyOptions
{
    private RegistryFlags? _registry;

    private readonly Option<string?> _images = new("--images")
    {
        Description = "Sources, one a line, in a file; - reads standard input",
        HelpName = "FILE",
        CustomParser = Parsers.Text,
    };

    private readonly Option<IReadOnlyList<Platform>> _platform = new("--platform")
    {
        Description = "Keep only these platforms; repeat, or separate with commas",
        HelpName = "OS/ARCH",
        CustomParser = Parsers.Many<Platform>,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<bool> _newIndex = new("--new-index")
    {
        Description = "With --platform: write an index of what is kept, with a new digest (default)",
    };

    private readonly Option<bool> _sparse = new("--sparse")
    {
        Description = "With --platform: keep the index and its digest; not every registry takes that",
    };

    private readonly Option<bool> _noReferrers = new("--no-referrers") { Description = "Leave signatures and their like behind" };

    private readonly Option<bool> _moveTag = new("--move-tag") { Description = "Let a tag that stands for other content be moved" };

    private readonly Option<string?> _digestFile = new("--digest-file")
    {
        Description = "Write the digests to a file, one a line",
        HelpName = "FILE",
        CustomParser = Parsers.Text,
    };

    private readonly Option<string?> _imageVector = new("--image-vector")
    {
        Description = "Write overrides for Gardener's image vector: the image of each version, pinned by digest",
        HelpName = "FILE",
        CustomParser = Parsers.Text,
    };

    internal void AddTo(Command command)
    {
        foreach (var option in (Option[])[_images, _platform, _newIndex, _sparse, _noReferrers, _moveTag, _digestFile, _imageVector])
        {
            command.Options.Add(option);
        }

        _registry = new RegistryFlags(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_sparse) && result.GetValue(_newIndex))
            {
                result.AddError("--sparse and --new-index: expected one of them");
            }
        });
    }

    internal CopyCommand.Request Read(ParseResult line, IReadOnlyList<ImageReference> places) => new(
        places,
        line.GetValue(_images),
        new MirrorRequest
        {
            Platforms = line.GetValue(_platform) ?? [],
            IsSparse = line.GetValue(_sparse),
            WithReferrers = !line.GetValue(_noReferrers),
            MoveTag = line.GetValue(_moveTag),
            WithPlatforms = line.GetValue(_imageVector) is not null,
        },
        line.GetValue(_digestFile),
        line.GetValue(_imageVector),
        _registry!.Read(line));
}
