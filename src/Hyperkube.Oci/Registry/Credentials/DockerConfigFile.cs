using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Registry.Credentials;

/// <summary>The logins in one docker <c>config.json</c> or podman <c>auth.json</c>, and of the helpers that it names.</summary>
/// <remarks>
/// The file is read when it is asked first, and once. A host's own helper (<c>credHelpers</c>) is asked before the one for
/// all (<c>credsStore</c>), both before the logins in the file (<c>auths</c>). Where a host has its own helper, that one
/// decides, as with docker; the one for all may be missing or know nothing, since podman does not ask it either.
/// Source: https://github.com/docker/cli/blob/v28.3.0/cli/config/configfile/file.go (GetCredentialsStore)
/// </remarks>
public sealed class DockerConfigFile : ICredentialSource
{
    private readonly bool _isExplicit;
    private readonly string? _searchPath;
    private readonly TimeProvider _time;
    private readonly Lazy<(DockerConfig Config, CredentialAnswer? Absence)> _content;

    /// <summary>A file that need not be there yet.</summary>
    /// <param name="path">The file.</param>
    /// <param name="isExplicit">Whether the user named it: then it must be there.</param>
    /// <param name="searchPath">Where helpers are, as in the variable <c>PATH</c>.</param>
    /// <param name="time">Measures how long helpers take.</param>
    public DockerConfigFile(string path, bool isExplicit, string? searchPath, TimeProvider time)
    {
        (Name, _isExplicit, _searchPath, _time) = (path, isExplicit, searchPath, time);
        _content = new(Read);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public async ValueTask<CredentialAnswer> FindAsync(string host, string repository, CancellationToken cancellationToken)
    {
        var (config, absence) = _content.Value;
        if (absence is not null)
        {
            return absence;
        }

        if (config.CredHelpers is { } helpers
            && RegistryKey.Matching(helpers.Keys, host, repository: null).FirstOrDefault() is { } helperKey)
        {
            // An empty name takes the host out of the store for all.
            return string.IsNullOrEmpty(helpers[helperKey])
                ? FindEntry(config, host, repository)
                : await AskOwnHelperAsync(helpers[helperKey]!, helperKey, cancellationToken).ConfigureAwait(false);
        }

        if (string.IsNullOrEmpty(config.CredsStore))
        {
            return FindEntry(config, host, repository);
        }

        CredentialHelper store = new(config.CredsStore, _searchPath, _time);
        var answer = await store.AskAsync(RegistryKey.ServerUrl(host), cancellationToken).ConfigureAwait(false);
        if (answer.Credential is not null)
        {
            return new CredentialAnswer(answer.Credential, $"{store.Program} (credsStore)");
        }

        var entry = FindEntry(config, host, repository);
        return answer.Problem is null
            ? entry with { Says = $"{entry.Says}; {store.Program} (credsStore) has none" }
            : new CredentialAnswer(entry.Credential, $"{entry.Says}; credsStore: {answer.Problem}", IsProblem: true);
    }

    private async Task<CredentialAnswer> AskOwnHelperAsync(string name, string key, CancellationToken cancellationToken)
    {
        CredentialHelper helper = new(name, _searchPath, _time);
        var answer = await helper.AskAsync(key, cancellationToken).ConfigureAwait(false);
        var entry = $"credHelpers '{OneLine.OfKey(key)}'";
        return answer.Problem is null
            ? new CredentialAnswer(answer.Credential, $"{helper.Program}{(answer.Credential is null ? " has none" : "")} ({entry})")
            : throw new HyperkubeException(
                ErrorKind.AccessDenied, $"{Name}: {entry}: {answer.Problem}; expected a login")
            {
                Hint = $"install {helper.Program} and see that 'echo {OneLine.OfKey(key)} | {helper.Program} get' answers,"
                    + " or take the entry out of the file",
            };
    }

    private CredentialAnswer FindEntry(DockerConfig config, string host, string repository)
    {
        string? incomplete = null;
        foreach (var key in RegistryKey.Matching(config.Auths?.Keys.AsEnumerable() ?? [], host, repository))
        {
            if (config.Auths![key] is not { IsEmpty: false } auth)
            {
                continue;
            }

            var entry = $"entry '{OneLine.OfKey(key)}'";
            if (auth.ToCredential($"{Name}: {entry}") is { } credential)
            {
                return new CredentialAnswer(credential, entry);
            }

            incomplete ??= $"{entry} has a user or a password only";
        }

        return new CredentialAnswer(null, incomplete ?? "no entry", IsProblem: incomplete is not null);
    }

    private (DockerConfig Config, CredentialAnswer? Absence) Read()
    {
        var file = SmallFile.Read(Name);
        if (file.Absence is { } absence)
        {
            return _isExplicit
                ? throw new HyperkubeException(ErrorKind.Usage, $"{Name}: {absence}; expected a docker config.json or an auth.json")
                : (new DockerConfig(), new CredentialAnswer(null, absence, IsProblem: !file.IsMissing));
        }

        // Docker takes an empty file for one without entries.
        return !_isExplicit && file.Bytes.Span.IndexOfAnyExcept(" \t\r\n"u8) < 0
            ? (new DockerConfig(), new CredentialAnswer(null, "empty file"))
            : (DockerConfig.Parse(file.Bytes.Span, Name), null);
    }
}
