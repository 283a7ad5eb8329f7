namespace Hyperkube.Oci.Registry.Credentials;

/// <summary>The credential providers of a node, from the configuration that its agent reads.</summary>
/// <remarks>
/// All providers that are meant for an image are asked, in the order of the configuration. Of their logins, all taken
/// together, the one with the most exact pattern counts; of two under one pattern, the earlier provider's. A provider that
/// fails is a problem and not the end, as with the kubelet.
/// Source: https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/
/// </remarks>
public sealed class CredentialProviders : ICredentialSource
{
    private readonly Lazy<IReadOnlyList<CredentialProvider>> _providers;

    /// <summary>Providers of a configuration, which is read when the first login is wanted.</summary>
    /// <param name="configPath">The configuration, or a directory of such files.</param>
    /// <param name="binDirectory">Where their programs are.</param>
    /// <param name="time">Measures how long they take, and how long answers hold.</param>
    public CredentialProviders(string configPath, string binDirectory, TimeProvider time)
    {
        Name = configPath;
        _providers = new(() => [.. ProviderConfig.Load(configPath).Select(config => new CredentialProvider(config, binDirectory, time))]);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public async ValueTask<CredentialAnswer> FindAsync(string host, string repository, CancellationToken cancellationToken)
    {
        var image = $"{RegistryKey.Canonical(host)}/{repository}";
        Dictionary<string, (ProviderAuth Auth, string Provider)> logins = new(StringComparer.Ordinal);
        List<string> asked = [], problems = [];
        foreach (var provider in _providers.Value.Where(provider => provider.IsFor(image)))
        {
            asked.Add(provider.Name);
            var (auth, problem) = await provider.AskAsync(image, cancellationToken).ConfigureAwait(false);
            if (problem is not null)
            {
                problems.Add($"provider {provider.Name}: {problem}");
            }

            foreach (var (key, login) in auth ?? new Dictionary<string, ProviderAuth?>(StringComparer.Ordinal))
            {
                if (login is not null)
                {
                    logins.TryAdd(WithoutScheme(key), (login, provider.Name));
                }
            }
        }

        var answer = Choose(logins, image)
            ?? new CredentialAnswer(null, asked.Count == 0 ? "no provider for it" : $"{string.Join(", ", asked)} has none");
        return problems.Count == 0 ? answer
            : new CredentialAnswer(
                answer.Credential,
                answer.Credential is null ? string.Join("; ", problems) : string.Join("; ", [answer.Says, .. problems]),
                IsProblem: true);
    }

    // From the end of the alphabet, so that longer patterns come before their beginnings, and words before stars.
    // Source: https://github.com/kubernetes/kubernetes/blob/v1.35.0/pkg/credentialprovider/keyring.go (Lookup)
    private static CredentialAnswer? Choose(Dictionary<string, (ProviderAuth Auth, string Provider)> logins, string image)
    {
        const string DockerHubIndex = "index.docker.io";
        var isDockerHub = image.StartsWith("docker.io/", StringComparison.Ordinal);
        var keys = logins.Keys.Where(key => ImagePattern.TryParse(key)?.Matches(image) == true).OrderDescending(StringComparer.Ordinal)
            .Concat(isDockerHub && logins.ContainsKey(DockerHubIndex) ? [DockerHubIndex] : []);
        foreach (var key in keys)
        {
            var (auth, provider) = logins[key];
            if (!string.IsNullOrEmpty(auth.Username) && !string.IsNullOrEmpty(auth.Password))
            {
                return new CredentialAnswer(
                    new Credential.Login(auth.Username, auth.Password), $"provider {provider}, entry '{OneLine.OfKey(key)}'");
            }
        }

        return null;
    }

    // Docker's spellings of a host are understood here, too.
    private static string WithoutScheme(string key)
    {
        var scheme = key.StartsWith("https://", StringComparison.Ordinal) ? "https://".Length
            : key.StartsWith("http://", StringComparison.Ordinal) ? "http://".Length : 0;
        var rest = key[scheme..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
        {
            return rest;
        }

        var path = rest[slash..];
        path = path.StartsWith("/v1/", StringComparison.Ordinal) || path.StartsWith("/v2/", StringComparison.Ordinal) ? path[3..] : path;
        return path == "/" ? rest[..slash] : rest[..slash] + path;
    }
}
