namespace Hyperkube.Oci.Registry.Credentials;

/// <summary>The keys of login files: hosts in all the spellings that docker has written over the years, and prefixes of
/// repositories as podman writes them.</summary>
/// <remarks>
/// Docker compares hosts, without scheme and path. Podman compares whole names first, longest prefix first and only at
/// slashes, and then, like docker, hosts of keys that are URLs. The kubelet also reads patterns such as
/// <c>*.example.com</c>, which mean nothing to the others. None of these take each other's keys for anything else.
/// Source: https://github.com/docker/cli/blob/v28.3.0/cli/config/credentials/file_store.go
/// Source: https://github.com/containers/image/blob/v5.36.0/pkg/docker/config/config.go
/// Source: https://kubernetes.io/docs/concepts/containers/images/#config-json
/// </remarks>
internal static class RegistryKey
{
    /// <summary>Under this key docker keeps the login of Docker Hub, and so it asks helpers.</summary>
    public const string DockerHubKey = "https://index.docker.io/v1/";

    private const string DockerHub = "docker.io";

    /// <summary>The host's one spelling: Docker Hub's registry and index are <c>docker.io</c>.</summary>
    public static string Canonical(string host) =>
        host.ToUpperInvariant() is "DOCKER.IO" or "INDEX.DOCKER.IO" or "REGISTRY-1.DOCKER.IO" ? DockerHub : host;

    /// <summary>Whether two spellings mean the same host and port.</summary>
    public static bool IsSameHost(string one, string other) =>
        string.Equals(Canonical(one), Canonical(other), StringComparison.OrdinalIgnoreCase);

    /// <summary>How docker asks helpers for a host.</summary>
    public static string ServerUrl(string host) => Canonical(host) == DockerHub ? DockerHubKey : host;

    /// <summary>The keys that are meant for an image, the best first.</summary>
    /// <param name="keys">Of the file.</param>
    /// <param name="host">With its port.</param>
    /// <param name="repository">Null if only keys of whole hosts count.</param>
    public static IEnumerable<string> Matching(IEnumerable<string> keys, string host, string? repository) =>
        keys.Select(key => (Key: key, Rank: Rank(key, Canonical(host), repository)))
            .Where(match => match.Rank is not null)
            .OrderBy(match => match.Rank)
            .ThenBy(match => match.Key, StringComparer.Ordinal) // So that the order in the file does not matter.
            .Select(match => match.Key);

    // The less, the better; null if the key is meant for something else.
    private static int? Rank(string key, string host, string? repository)
    {
        const int WholeHost = 0, SpelledOtherwise = 1, OtherPath = 2, Pattern = 3;
        var scheme = key.StartsWith("https://", StringComparison.Ordinal) ? "https://".Length
            : key.StartsWith("http://", StringComparison.Ordinal) ? "http://".Length : 0;
        var rest = key.AsSpan(scheme);
        var slash = rest.IndexOf('/');
        var authority = slash < 0 ? rest : rest[..slash];
        var path = slash < 0 ? "" : rest[slash..].Trim('/');
        if (repository is not null && authority.Contains('*'))
        {
            var pattern = path is "v1" or "v2" ? authority : rest;
            return ImagePattern.TryParse(pattern.ToString())?.Matches($"{host}/{repository}") == true ? Pattern : null;
        }

        if (!IsSameHost(authority[(authority.LastIndexOf('@') + 1)..].ToString(), host))
        {
            return null;
        }

        if (key == host || key == DockerHubKey)
        {
            return WholeHost;
        }

        if (path is "" or "v1" or "v2")
        {
            return SpelledOtherwise;
        }

        if (scheme > 0)
        {
            return OtherPath; // Docker and podman drop it; docker keeps other things under such keys than logins.
        }

        return repository is not null && IsPrefix(path, repository) ? -path.Length : null;
    }

    private static bool IsPrefix(ReadOnlySpan<char> prefix, string repository) =>
        repository.AsSpan().StartsWith(prefix, StringComparison.Ordinal)
        && (repository.Length == prefix.Length || repository[prefix.Length] == '/');
}
