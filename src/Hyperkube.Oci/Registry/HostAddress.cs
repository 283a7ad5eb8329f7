using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace Hyperkube.Oci.Registry;

/// <summary>Where a host is, as containerd reads it from a hosts.toml.</summary>
/// <remarks>Source: https://github.com/containerd/containerd/blob/v2.1.9/core/remotes/docker/config/hosts.go#L423 (parseHostConfig)
/// </remarks>
/// <param name="Scheme"><c>http</c> or <c>https</c>.</param>
/// <param name="Authority">Host and port as they were written: whether a port was written matters.</param>
/// <param name="Path">Where repositories begin; empty, or with a slash in front and none at the end.</param>
internal sealed record HostAddress(string Scheme, string Authority, string Path)
{
    internal const string Forms = "[http://|https://]HOST[:PORT][/PATH]";

    private const string ApiPath = "/v2";

    private static readonly SearchValues<char> AuthorityCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]");

    /// <summary>Docker Hub's name and the host that answers for it.</summary>
    internal const string DockerHub = "docker.io", DockerHubHost = "registry-1.docker.io";

    /// <summary>Whether the host is this machine: without TLS unless the port says so, and unverified with TLS.</summary>
    /// <remarks>Source: https://github.com/containerd/containerd/blob/v2.1.9/core/remotes/docker/resolver.go#L827 (IsLocalhost)
    /// </remarks>
    internal bool IsLocalhost => Split(Authority).Host is var host && (host == "localhost" || IsLoopback(host));

    /// <summary>The port as it was written, or empty.</summary>
    internal string Port => Split(Authority).Port;

    /// <summary>It as an address.</summary>
    internal Uri Uri => new($"{Scheme}://{Authority}{Escape(Path)}");

    /// <summary>The registry that a reference names, asked without TLS if it is loopback and its port does not say otherwise.
    /// </summary>
    /// <remarks>Source: https://github.com/containerd/containerd/blob/v2.1.9/core/remotes/docker/config/hosts.go#L77 (ConfigureHosts)
    /// </remarks>
    internal static HostAddress Of(string registry)
    {
        HostAddress address = new("https", registry == DockerHub ? DockerHubHost : registry, ApiPath);
        if (!IsAuthority(address.Authority))
        {
            throw new HyperkubeException(ErrorKind.Usage, $"'{registry}': this is not a registry; expected HOST[:PORT]");
        }

        return address.IsLocalhost && address.Port is not ("" or "443") ? address with { Scheme = "http" } : address;
    }

    /// <summary>Reads a host; null when it is none.</summary>
    /// <param name="text">As it was written; a login in it is not for us, nor is a query.</param>
    /// <param name="overridesPath">Whether the path is to be left as it is.</param>
    internal static HostAddress? TryParse(string text, bool overridesPath)
    {
        // A host whose own name begins with http is taken for an address, and is then none.
        var address = text.StartsWith("http", StringComparison.Ordinal) ? text : $"https://{text}";
        var scheme = address.StartsWith("https://", StringComparison.Ordinal) ? "https"
            : address.StartsWith("http://", StringComparison.Ordinal) ? "http" : null;
        if (scheme is null || address.Any(char.IsControl))
        {
            return null;
        }

        var rest = address[(scheme.Length + "://".Length)..];
        rest = rest[..Cut(rest, '#')];
        rest = rest[..Cut(rest, '?')];
        var authority = rest[..Cut(rest, '/')];
        var path = rest[authority.Length..];
        authority = authority[(authority.LastIndexOf('@') + 1)..];
        if (!IsAuthority(authority) || !IsEscaped(path))
        {
            return null;
        }

        path = Clean(Uri.UnescapeDataString(path));
        var isWhole = overridesPath || path.EndsWith(ApiPath, StringComparison.Ordinal);
        return new HostAddress(scheme, authority, isWhole ? path : path + ApiPath);
    }

    private static int Cut(string text, char at) => text.IndexOf(at, StringComparison.Ordinal) is >= 0 and var found ? found : text.Length;

    private static bool IsAuthority(string text) =>
        text.Length > 0 && !text.EndsWith(':') && !text.AsSpan().ContainsAnyExcept(AuthorityCharacters)
        && System.Uri.TryCreate($"http://{text}/", UriKind.Absolute, out var uri) && uri.Host.Length > 0 && uri.AbsolutePath == "/";

    private static bool IsEscaped(string path)
    {
        for (var i = path.IndexOf('%', StringComparison.Ordinal); i >= 0; i = path.IndexOf('%', i + 1))
        {
            if (i + 2 >= path.Length || !char.IsAsciiHexDigit(path[i + 1]) || !char.IsAsciiHexDigit(path[i + 2]))
            {
                return false;
            }
        }

        return true;
    }

    // Source: https://pkg.go.dev/path#Clean, for a path that begins at the root; the root itself is empty here.
    private static string Clean(string path)
    {
        List<string> parts = [];
        foreach (var part in path.Split('/'))
        {
            if (part == ".." && parts.Count > 0)
            {
                parts.RemoveAt(parts.Count - 1);
            }
            else if (part is not ("" or "." or ".."))
            {
                parts.Add(part);
            }
        }

        return string.Concat(parts.Select(p => $"/{p}"));
    }

    // The rest is escaped by Uri itself, which would take these for something else.
    private static string Escape(string path) => path
        .Replace("%", "%25", StringComparison.Ordinal).Replace("?", "%3F", StringComparison.Ordinal)
        .Replace("#", "%23", StringComparison.Ordinal).Replace("\\", "%5C", StringComparison.Ordinal);

    // Source: https://pkg.go.dev/net#SplitHostPort; what it refuses is all host.
    private static (string Host, string Port) Split(string authority)
    {
        var colon = authority.LastIndexOf(':');
        return colon < 0 || authority.EndsWith(']') ? (authority, "")
            : authority is ['[', ..] && authority[colon - 1] == ']' ? (authority[1..(colon - 1)], authority[(colon + 1)..])
            : authority.IndexOf(':', StringComparison.Ordinal) == colon ? (authority[..colon], authority[(colon + 1)..])
            : (authority, "");
    }

    // Go takes IPv4 addresses in four decimal parts only; .NET also 127.1 and 0x7f000001.
    private static bool IsLoopback(string host) =>
        IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address)
        && (address.AddressFamily == AddressFamily.InterNetwork ? address.ToString() == host : !host.StartsWith('['));
}
