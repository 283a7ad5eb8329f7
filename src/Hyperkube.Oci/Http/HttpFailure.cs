using System.Net;
using System.Security.Authentication;

namespace Hyperkube.Oci.Http;

/// <summary>What failures of HTTP mean, in the words and kinds of this program.</summary>
public static class HttpFailure
{
    /// <summary>A URL without what may be secret: no login, no query.</summary>
    public static string Where(Uri uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        return uri.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
    }

    /// <summary>The call that an answer belongs to: <c>GET https://host/path</c>.</summary>
    public static string Where(HttpResponseMessage response)
    {
        ArgumentNullException.ThrowIfNull(response);
        return $"{response.RequestMessage!.Method} {Where(response.RequestMessage.RequestUri!)}";
    }

    /// <summary>What a request that got no answer means.</summary>
    /// <param name="method">Its method.</param>
    /// <param name="uri">Whom it was for.</param>
    /// <param name="failure">What came instead.</param>
    /// <param name="hint">What to try when there is no way to that host, or null.</param>
    public static HyperkubeException Unanswered(HttpMethod method, Uri uri, HttpRequestException failure, string? hint)
    {
        ArgumentNullException.ThrowIfNull(failure);
        if (failure is { HttpRequestError: HttpRequestError.ProxyTunnelError, StatusCode: HttpStatusCode.ProxyAuthenticationRequired })
        {
            return ProxyWantsLogin($"{method} {Where(uri)}");
        }

        var tls = failure.InnerException as AuthenticationException;
        var reason = (tls is null ? failure.Message : tls.InnerException?.Message ?? tls.Message).TrimEnd('.');
        return new HyperkubeException(ErrorKind.Unavailable, $"{method} {Where(uri)}: {reason}", failure)
        {
            Hint = tls is null ? hint : "if the host has a certificate of your own authority, name that with --ca FILE",
        };
    }

    /// <summary>What 407 means.</summary>
    /// <param name="where">The call.</param>
    public static HyperkubeException ProxyWantsLogin(string where) =>
        new(ErrorKind.AccessDenied, $"{where}: 407: the proxy wants a login")
        {
            Hint = "write it into HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT",
        };

    /// <summary>Whether the far side's certificate is not to be trusted, which no other try will change.</summary>
    public static bool IsUntrusted(HyperkubeException failure) =>
        failure?.InnerException is HttpRequestException { InnerException: UntrustedCertificateException };

    /// <summary>Whether the far side never came to the point of answering.</summary>
    public static bool IsNoRoute(HyperkubeException failure) => failure?.InnerException is HttpRequestException
    {
        HttpRequestError: HttpRequestError.NameResolutionError
            or HttpRequestError.ConnectionError
            or HttpRequestError.SecureConnectionError,
    };
}
