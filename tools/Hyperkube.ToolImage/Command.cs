using System.CommandLine;
using System.Globalization;
using System.Reflection;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layout;

namespace Hyperkube.ToolImage;

/// <summary>The command line: what maintainers and CI run through <c>make tool-image</c>.</summary>
/// <param name="output">Where the result goes.</param>
/// <param name="variable">The value of an environment variable, or null.</param>
/// <param name="time">The clock.</param>
internal sealed class Command(TextWriter output, Func<string, string?> variable, TimeProvider time)
{
    private readonly Argument<string> _root = new("CHECKOUT") { Description = "The top of this repository" };

    private readonly Option<string[]> _exes = new("--exe")
    {
        Description = "The published exe of a platform: OS/ARCH=FILE. May be repeated",
        Required = true,
    };

    private readonly Option<string> _packages = new("--packages")
    {
        Description = "The directory that fetch-packages has filled",
        Required = true,
    };

    private readonly Option<string> _output = new("--output")
    {
        Description = "oci:DIR[:TAG]; the tag is the tool's version unless named. hyperkube copy brings it anywhere else",
        Required = true,
    };

    private readonly Option<string?> _list = new("--list")
    {
        Description = "The pinned packages (default: packages.txt beside the sources)",
    };

    private readonly Option<string?> _source = new("--source") { Description = "The URL of the sources, for the image's annotations" };

    /// <summary>Runs one command line.</summary>
    /// <returns>The exit code: 0, or 1 after the error has been told.</returns>
    internal async Task<int> RunAsync(IReadOnlyList<string> words, TextWriter errors)
    {
        RootCommand root = new("Makes the container image of hyperkube itself, from its published exes and pinned Debian packages.")
        {
            _root, _exes, _packages, _output, _list, _source,
        };
        root.SetAction(BuildAsync);
        try
        {
            var line = root.Parse(words);
            InvocationConfiguration configuration = new() { Output = output, Error = errors, EnableDefaultExceptionHandler = false };
            return await line.InvokeAsync(configuration).ConfigureAwait(false);
        }
        catch (HyperkubeException e)
        {
            await errors.WriteLineAsync($"tool-image: {e.Message}{(e.Hint is null ? "" : $"\n  try: {e.Hint}")}").ConfigureAwait(false);
            return 1;
        }
        catch (FormatException e)
        {
            await errors.WriteLineAsync($"tool-image: {e.Message}").ConfigureAwait(false);
            return 1;
        }
    }

    private async Task BuildAsync(ParseResult line, CancellationToken cancellationToken)
    {
        var checkout = line.GetRequiredValue(_root);
        var exes = line.GetRequiredValue(_exes).Select(ToolExe.Parse).OrderBy(e => e.Platform).ToList();
        if (exes.GroupBy(e => e.Platform).FirstOrDefault(g => g.Count() > 1) is { Key: var twice })
        {
            throw new HyperkubeException(ErrorKind.Usage, $"--exe: {twice} a second time; expected each platform once");
        }

        var reference = ImageReference.ParsePlace(line.GetRequiredValue(_output)) as LayoutReference
            ?? throw new HyperkubeException(ErrorKind.Usage, $"--output {line.GetValue(_output)}: expected oci:DIR[:TAG]")
            {
                Hint = "write a layout, and bring it where it belongs: hyperkube copy oci:DIR:TAG DESTINATION",
            };
        var (version, revision) = OwnVersion();
        ToolImageRecipe recipe = new(version, revision, line.GetValue(_source), Created());
        var packages = PackageList.Read(line.GetValue(_list) ?? Path.Combine(checkout, "tools/Hyperkube.ToolImage/packages.txt"));
        var notices = new Notices(NuGetPackages()).Make(Path.Combine(checkout, "src/Hyperkube.Cli/packages.lock.json"));
        var own = OwnFiles.Layer(Bytes.Read(Path.Combine(checkout, "LICENSE")), notices);

        var layout = await ImageLayout.OpenOrCreateAsync(reference.Directory, cancellationToken).ConfigureAwait(false);
        using var work = StagedDirectory.CreateIn(reference.Directory);
        DebianArchive archive = new(line.GetRequiredValue(_packages), variable("PATH"), time);
        var index = await new ToolImageBuilder(layout, recipe, packages, archive).BuildAsync(exes, own, work.Path, cancellationToken)
            .ConfigureAwait(false);
        var tagged = reference with { Tag = reference.Tag ?? version };
        await layout.TagAsync(index, tagged.Tag!, move: true, cancellationToken).ConfigureAwait(false);
        await output.WriteLineAsync($"{tagged}  {index.Digest}").ConfigureAwait(false);
    }

    // https://reproducible-builds.org/specs/source-date-epoch/
    private DateTimeOffset Created() => variable("SOURCE_DATE_EPOCH") switch
    {
        null or "" => DateTimeOffset.UnixEpoch,
        var text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= 253402300799 =>
            DateTimeOffset.FromUnixTimeSeconds(seconds),
        var text => throw new HyperkubeException(
            ErrorKind.Usage, $"SOURCE_DATE_EPOCH: '{text}'; expected seconds since 1970, as date +%s prints them"),
    };

    // https://learn.microsoft.com/nuget/consume-packages/managing-the-global-packages-and-cache-folders
    private string NuGetPackages() => variable("NUGET_PACKAGES") is { Length: > 0 } packages ? packages
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget/packages");

    // The tool and this program are built from one commit, and so have one version: 1.2.0+COMMIT.
    private static (string Version, string? Revision) OwnVersion()
    {
        var own = Assembly.GetExecutingAssembly().GetCustomAttribute<AssemblyInformationalVersionAttribute>()!;
        var parts = own.InformationalVersion.Split('+');
        return ($"v{parts[0]}", parts.Length > 1 ? parts[1] : null);
    }
}
