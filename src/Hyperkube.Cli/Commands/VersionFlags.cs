using System.CommandLine;
using System.CommandLine.Parsing;
using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Releases.Versions;

namespace Hyperkube.Cli.Commands;

/// <summary>Which releases are meant, as the command line says it.</summary>
internal sealed record VersionRequest(string Versions, KubernetesVersion? Minimum, bool PreReleases)
{
    /// <summary>The file that says which releases are too old, as the original has it.</summary>
    internal const string MinimumFile = "MINIMUM_KUBERNETES_VERSION";

    /// <summary>Those that count.</summary>
    /// <exception cref="HyperkubeException">The file with the oldest one is no such thing (<see cref="ErrorKind.Usage"/>).</exception>
    internal VersionFilter Filter() => new(Minimum ?? VersionFile.ReadOnly(MinimumFile), PreReleases);

    /// <summary>Who knows all releases.</summary>
    /// <param name="files">Where the binaries are.</param>
    /// <param name="host">Where programs are, and the clock.</param>
    internal IVersionSource Open(UpstreamFiles files, CliHost host) => Versions switch
    {
        VersionFlags.Index => new ReleaseNotesIndex(files),
        _ when Versions.StartsWith(GitTags.Prefix, StringComparison.Ordinal) =>
            new GitTags(GitTags.ParseUrl(Versions[GitTags.Prefix.Length..]), host.Variable("PATH"), host.Time),
        _ => new VersionFile(Versions),
    };
}

/// <summary>The flags of all commands that look for releases.</summary>
internal sealed class VersionFlags
{
    internal const string Index = "index";

    private readonly Option<string?> _versions = new("--versions")
    {
        Description = "Who knows all releases: index, the list beside the binaries (default); a git repository's tags; or a file, "
            + "one a line",
        HelpName = "index|git+URL|FILE",
        CustomParser = ParseVersions,
    };

    private readonly Option<KubernetesVersion?> _minimum = new("--minimum")
    {
        Description = $"The oldest release that counts (default: what the file {VersionRequest.MinimumFile} says, if it is there)",
        HelpName = "V",
        CustomParser = Parsers.One<KubernetesVersion>,
    };

    private readonly Option<bool> _preReleases = new("--pre-releases") { Description = "Alphas, betas and release candidates count too" };

    internal VersionFlags(Command command)
    {
        foreach (var option in (Option[])[_versions, _minimum, _preReleases])
        {
            command.Options.Add(option);
        }
    }

    internal VersionRequest Read(ParseResult line) =>
        new(line.GetValue(_versions) ?? Index, line.GetValue(_minimum), line.GetValue(_preReleases));

    private static string? ParseVersions(ArgumentResult result)
    {
        var text = Parsers.Text(result);
        if (text?.StartsWith(GitTags.Prefix, StringComparison.Ordinal) == true)
        {
            try
            {
                _ = GitTags.ParseUrl(text[GitTags.Prefix.Length..]);
            }
            catch (HyperkubeException e)
            {
                result.AddError($"--versions {e.Message}");
            }
        }

        return text;
    }
}
