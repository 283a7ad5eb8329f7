using System.CommandLine;
using System.CommandLine.Parsing;
using Hyperkube.Oci;
using Hyperkube.Publishing;

namespace Hyperkube.Cli.Commands;

/// <summary>The flags of <c>copy</c>.</summary>
internal sealed class CopyOptions
{
    private RegistryFlags? _registry;

    private readonly Argument<List<ImageReference>> _places = new("SRC... DST")
    {
        Description = "From where, to where: HOST/REPO[:TAG][@sha256:...], oci:DIR[:TAG], oci-archive:FILE[:TAG], "
            + "docker-archive:FILE[:NAME:TAG]. A source without tag means all its tags",
        CustomParser = ParsePlaces,
        Arity = ArgumentArity.OneOrMore,
    };

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
        command.Arguments.Add(_places);
        foreach (var option in (Option[])[_images, _platform, _newIndex, _sparse, _noReferrers, _moveTag, _digestFile, _imageVector])
        {
            command.Options.Add(option);
        }

        _registry = new RegistryFlags(command);
        command.Validators.Add(result =>
        {
            foreach (var problem in Problems(result))
            {
                result.AddError(problem);
            }
        });
    }

    internal CopyCommand.Request Read(ParseResult line) => new(
        line.GetRequiredValue(_places),
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

    private IEnumerable<string> Problems(CommandResult result)
    {
        if (result.GetValue(_sparse) && result.GetValue(_newIndex))
        {
            yield return "--sparse and --new-index: expected one of them";
        }

        if (result.GetValue(_imageVector) is not null && result.GetValue(_places) is [.., var destination and not RegistryReference])
        {
            yield return $"--image-vector: the destination is {destination}; expected a registry, for nodes to pull from";
        }
    }

    private static List<ImageReference> ParsePlaces(ArgumentResult result)
    {
        List<ImageReference> places = [];
        foreach (var token in result.Tokens)
        {
            if (token.Value.StartsWith('-'))
            {
                result.AddError($"Unrecognized command or argument '{token.Value}'."); // A flag that is none ends up here.
                continue;
            }

            try
            {
                places.Add(ImageReference.ParsePlace(token.Value));
            }
            catch (FormatException e)
            {
                result.AddError(e.Message);
            }
        }

        return places;
    }
}
