using System.Net;

namespace Hyperkube.Oci.Http;

/// <summary>The proxies of <c>HTTP_PROXY</c>, <c>HTTPS_PROXY</c>, <c>ALL_PROXY</c> and <c>NO_PROXY</c>, lower case first.
/// </summary>
/// <remarks>
/// .NET's own reading knows no address ranges in <c>NO_PROXY</c>; fenced sites write them. An entry is a host, a
/// domain (which covers what is below it), an address, a range such as <c>10.0.0.0/8</c>, each with an optional port,
/// or <c>*</c>. Loopback never goes through a proxy. Source: https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
/// </remarks>
public sealed class EnvironmentProxy : IWebProxy
{
    private readonly Logins _logins = new();
    private readonly Uri? _http;
    private readonly Uri? _https;
    private readonly string[] _direct;

    /// <summary>Reads the variables.</summary>
    /// <param name="variable">The value of a variable, or null.</param>
    /// <exception cref="HyperkubeException">A proxy is no URL.</exception>
    public EnvironmentProxy(Func<string, string?> variable)
    {
        string? Value(string name) =>
            variable(Lower(name)) is { Length: > 0 } lower ? lower
            : variable(name) is { Length: > 0 } upper ? upper
            : null;

        _http = WithoutLogin(ProxyUri("HTTP_PROXY", Value("HTTP_PROXY") ?? Value("ALL_PROXY")));
        _https = WithoutLogin(ProxyUri("HTTPS_PROXY", Value("HTTPS_PROXY") ?? Value("ALL_PROXY")));
        _direct = Value("NO_PROXY")?.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
    }

    /// <summary>Each proxy's own login, as it stands in its address.</summary>
    public ICredentials? Credentials
    {
        get => _logins;
        set => throw new NotSupportedException("The logins stand in the variables.");
    }

    /// <inheritdoc/>
    public Uri? GetProxy(Uri destination) => destination.Scheme == Uri.UriSchemeHttps ? _https : _http;

    /// <inheritdoc/>
    public bool IsBypassed(Uri host) =>
        GetProxy(host) is null || host.IsLoopback || _direct.Any(entry => Covers(entry, host));

    private static bool Covers(string entry, Uri host)
    {
        if (entry == "*")
        {
            return true;
        }

        var address = IPAddress.TryParse(host.IdnHost, out var parsed) ? parsed : null;
        if (IPNetwork.TryParse(entry, out var range))
        {
            return address is not null && range.Contains(address);
        }

        // [fd00::10]:5000 and host:5000, but not fd00::10, whose last colon is its own.
        var colon = entry.Count(c => c == ':') == 1 || entry.StartsWith('[') ? entry.LastIndexOf(':') : -1;
        if (colon > entry.LastIndexOf(']') && colon > 0 && ushort.TryParse(entry.AsSpan(colon + 1), out var port))
        {
            return port == host.Port && Covers(entry[..colon], host);
        }

        if (IPAddress.TryParse(entry, out var one))
        {
            return one.Equals(address);
        }

        var domain = entry.TrimStart('*').TrimStart('.');
        return address is null && domain.Length > 0
            && (host.IdnHost.Equals(domain, StringComparison.OrdinalIgnoreCase)
                || host.IdnHost.EndsWith($".{domain}", StringComparison.OrdinalIgnoreCase));
    }

    private static Uri? ProxyUri(string name, string? value)
    {
        if (string.IsNullOrEmpty(value))
        {
            return null;
        }

        var text = value.Contains("://", StringComparison.Ordinal) ? value : $"http://{value}";
        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" or "socks5" or "socks4" or "socks4a"
            ? uri
            : throw new HyperkubeException(ErrorKind.Usage, $"{name}: not a proxy; expected http://HOST:PORT");
    }

#pragma warning disable CA1308 // The variables are written in lower case.
    private static string Lower(string name) => name.ToLowerInvariant();
#pragma warning restore CA1308

    // .NET quotes a proxy's address in its messages, so the login must not stand in there.
    private Uri? WithoutLogin(Uri? proxy)
    {
        if (proxy?.UserInfo.Split(':', 2) is not [{ Length: > 0 } user, .. var password])
        {
            return proxy;
        }

        _logins.Add(proxy, new NetworkCredential(
            Uri.UnescapeDataString(user), password is [var secret] ? Uri.UnescapeDataString(secret) : ""));
        return new UriBuilder(proxy) { UserName = "", Password = "" }.Uri;
    }

    private sealed class Logins : ICredentials
    {
        private readonly Dictionary<string, NetworkCredential> _byAuthority = new(StringComparer.OrdinalIgnoreCase);

        public NetworkCredential? GetCredential(Uri uri, string authType) => _byAuthority.GetValueOrDefault(uri.Authority);

        internal void Add(Uri proxy, NetworkCredential login) => _byAuthority[proxy.Authority] = login;
    }
}
