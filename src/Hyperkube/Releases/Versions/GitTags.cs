using System.Text;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Http;

namespace Hyperkube.Releases.Versions;

/// <summary>The tags of a git repository, asked for by the program <c>git</c>, which knows git's protocols, logins and proxies.</summary>
/// <remarks>Source: https://git-scm.com/docs/git-ls-remote</remarks>
/// <param name="repository">Its URL, as git understands it.</param>
/// <param name="searchPath">Where programs are, as in the variable <c>PATH</c>.</param>
/// <param name="time">Measures how long git takes.</param>
public sealed class GitTags(Uri repository, string? searchPath, TimeProvider time) : IVersionSource
{
    /// <summary>How a command line says that a URL is a git repository's.</summary>
    public const string Prefix = "git+";

    private const string TagPrefix = "refs/tags/";

    /// <summary>Git's other transports run programs that the URL names.</summary>
    private static readonly string[] Schemes = ["https", "http", "ssh", "git", "file"];

    /// <summary>A repository with a hundred thousand refs over a slow line.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    /// <inheritdoc/>
    public string Location { get; } = Prefix + HttpFailure.Where(repository);

    /// <summary>Reads what follows <see cref="Prefix"/>.</summary>
    /// <exception cref="HyperkubeException">It is no URL that git may be given.</exception>
    public static Uri ParseUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && Schemes.Contains(url.Scheme)
        && text.StartsWith($"{url.Scheme}://", StringComparison.Ordinal)
            ? url
            : throw new HyperkubeException(
                ErrorKind.Usage, $"{Prefix}{SmallText.Quote(text).Trim('\'')}: expected a git repository's URL: https, ssh, git or file");

    /// <inheritdoc/>
    public async Task<IReadOnlyList<KubernetesVersion>> ReadAsync(CancellationToken cancellationToken)
    {
        var git = ChildProgram.Locate("git", searchPath)
            ?? throw new HyperkubeException(ErrorKind.HostFailed, $"{Location}: the program git is not on PATH")
            {
                Hint = "install git, or take another list: --versions index",
            };
        ChildProgram program = new(
            git,
            ["ls-remote", "--tags", "--refs", "--", repository.AbsoluteUri, $"{TagPrefix}v*"],
            [
                new("GIT_TERMINAL_PROMPT", "0"), // Nobody is there to type a password.
                new("GIT_ALLOW_PROTOCOL", string.Join(':', Schemes)),
                new("GIT_PROTOCOL", "version=2"), // With --tags the server sorts out what is none, such as a ref for each pull request.
                new("LC_ALL", "C"),
            ])
        {
            Deadline = Deadline,
        };
        var answer = await program.AskAsync(default, time, cancellationToken).ConfigureAwait(false);
        if (answer.Failure is not null || answer.ExitCode != 0)
        {
            var said = answer.Failure ?? $"ended with code {answer.ExitCode}: {answer.Errors}";
            throw new HyperkubeException(ErrorKind.Unavailable, $"{Location}: git {said}")
            {
                Hint = $"see what git says: git ls-remote --tags --refs {HttpFailure.Where(repository)}",
            };
        }

        return Read(Encoding.UTF8.GetString(answer.Output.Span));
    }

    // <object id> TAB refs/tags/<tag>, a line each.
    private List<KubernetesVersion> Read(string output)
    {
        List<KubernetesVersion> versions = [];
        foreach (var line in output.Split('\n'))
        {
            if (line.Split('\t') is [_, var name] && name.StartsWith(TagPrefix, StringComparison.Ordinal)
                && VersionNames.TryParseTag(name[TagPrefix.Length..], out var version))
            {
                versions.Add(version);
            }
        }

        return versions.Count > 0 ? versions : throw VersionNames.None(Location);
    }
}
