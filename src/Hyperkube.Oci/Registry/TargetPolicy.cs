using System.Net;
using System.Net.Sockets;
using Hyperkube.Oci.Http;

namespace Hyperkube.Oci.Registry;

/// <summary>Where a registry may send us, and who may be shown the login that is for it.</summary>
/// <remarks>
/// In fenced networks every token service and every store behind a redirect is private, so private is no reason to
/// refuse. What is refused: giving up TLS; a public host that points into the private network, or at this machine; a
/// token service of another domain that would be given a login.
/// </remarks>
internal sealed class TargetPolicy(RegistryOptions options)
{
    /// <summary>Checks that one host may send us to another.</summary>
    /// <exception cref="HyperkubeException">It may not (<see cref="ErrorKind.AccessDenied"/>).</exception>
    internal async ValueTask CheckAsync(string what, Uri from, Uri to, CancellationToken cancellationToken)
    {
        if (to.Scheme != Uri.UriSchemeHttps
            && !(to.Scheme == Uri.UriSchemeHttp && from.Scheme == Uri.UriSchemeHttp && (to.IsLoopback || options.PlainHttp)))
        {
            throw Refused(what, from, to, "without TLS; expected https");
        }

        if (to.Host == from.Host || to.Scheme != Uri.UriSchemeHttps && to.IsLoopback && from.IsLoopback)
        {
            return;
        }

        // Whoever is behind a proxy is outside, as far as can be told.
        var inside = await IsPrivateAsync(to, ifUnknown: false, cancellationToken).ConfigureAwait(false);
        if (inside && !await IsPrivateAsync(from, ifUnknown: options.Proxy.IsBypassed(from), cancellationToken).ConfigureAwait(false))
        {
            throw Refused(what, from, to, "a public host that points into the private network");
        }
    }

    /// <summary>Whether the token service may be given the login that is for the registry.</summary>
    internal bool MayBeShownLogin(Uri registry, Uri realm) =>
        (realm.Scheme == Uri.UriSchemeHttps || realm.IsLoopback)
        && (realm.Host.Equals(registry.Host, StringComparison.OrdinalIgnoreCase)
            || options.TokenHosts.Contains(realm.Host, StringComparer.OrdinalIgnoreCase)
            || IsSameDomain(registry.IdnHost, realm.IdnHost));

    /// <summary>Domains under which anybody can have a name: what is beside the registry there may be a stranger's.</summary>
    /// <remarks>The well-known ones where registries and web sites of many owners stand, out of https://publicsuffix.org/list/, which
    /// has thousands and changes daily. Whoever is missing here has its token service on the registry's own host, or in its domain.
    /// </remarks>
    private static readonly string[] SharedDomains =
    [
        "amazonaws.com", "amazonaws.com.cn", "awsapprunner.com", "cloudfront.net", "elasticbeanstalk.com",
        "azurecontainerapps.io", "azurecr.cn", "azurecr.io", "azureedge.net", "azurefd.net", "azurewebsites.net", "cloudapp.azure.com",
        "cloudapp.net", "trafficmanager.net", "windows.net",
        "appspot.com", "cloudfunctions.net", "firebaseapp.com", "googleusercontent.com", "run.app", "web.app",
        "app.github.dev", "github.io", "gitlab.io", "gitpod.io", "pages.dev", "r2.dev", "workers.dev", "trycloudflare.com",
        "deno.dev", "digitaloceanspaces.com", "fly.dev", "herokuapp.com", "jfrog.io", "netlify.app", "ngrok-free.app", "ngrok.app",
        "ngrok.io", "onrender.com", "ondigitalocean.app", "railway.app", "replit.app", "surge.sh", "vercel.app",
        "ddns.net", "duckdns.org", "dyndns.org", "nip.io", "no-ip.org", "sslip.io", "traefik.me", "xip.io",
    ];

    // What is below the registry's own name is its own; registry.gitlab.com and gitlab.com, registry-1.docker.io and auth.docker.io:
    // one label below the same owner.
    // A parent such as co.uk is nobody's; without the public list of such suffixes, a short second level is taken for one.
    private static bool IsSameDomain(string registry, string realm)
    {
        var dot = registry.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0 || IPAddress.TryParse(registry, out _))
        {
            return false;
        }

        var parent = registry[(dot + 1)..];
        var isOwned = parent.Split('.') switch
        {
            [_] => false,
            [var second, var top] => second.Length > 3 || top.Length > 2,
            _ => true,
        };
        isOwned &= !SharedDomains.Any(
            d => parent.Equals(d, StringComparison.OrdinalIgnoreCase) || parent.EndsWith($".{d}", StringComparison.OrdinalIgnoreCase));
        return realm.EndsWith($".{registry}", StringComparison.OrdinalIgnoreCase) || isOwned
            && (realm.Equals(parent, StringComparison.OrdinalIgnoreCase)
                || realm.EndsWith($".{parent}", StringComparison.OrdinalIgnoreCase));
    }

    private async ValueTask<bool> IsPrivateAsync(Uri uri, bool ifUnknown, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(uri.IdnHost, out var literal))
        {
            return IsPrivate(literal);
        }

        if (uri.IsLoopback)
        {
            return true;
        }

        if (!options.Proxy.IsBypassed(uri))
        {
            return ifUnknown; // The proxy resolves it.
        }

        try
        {
            var addresses = await Dns.GetHostAddressesAsync(uri.IdnHost, cancellationToken).ConfigureAwait(false);
            return addresses.Any(IsPrivate);
        }
        catch (SocketException)
        {
            return ifUnknown; // The request itself will say so.
        }
    }

    // RFC 1918, loopback, link-local (the metadata services of clouds), shared address space, and their like in IPv6.
    private static bool IsPrivate(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (IPAddress.IsLoopback(plain) || plain.Equals(IPAddress.Any) || plain.Equals(IPAddress.IPv6Any))
        {
            return true;
        }

        if (plain.AddressFamily == AddressFamily.InterNetworkV6)
        {
            return plain.IsIPv6LinkLocal || plain.IsIPv6UniqueLocal || plain.IsIPv6SiteLocal;
        }

        var bytes = plain.GetAddressBytes();
        return bytes is [10, ..] or [192, 168, ..] or [169, 254, ..]
            || (bytes[0] == 172 && bytes[1] is >= 16 and <= 31)
            || (bytes[0] == 100 && bytes[1] is >= 64 and <= 127);
    }

    private static HyperkubeException Refused(string what, Uri from, Uri to, string why) =>
        new(ErrorKind.AccessDenied, $"{HttpFailure.Where(from)}: {what} {HttpFailure.Where(to)}: {why}");
}
