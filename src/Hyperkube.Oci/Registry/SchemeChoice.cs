using System.Net;
using Hyperkube.Oci.Http;

namespace Hyperkube.Oci.Registry;

/// <summary>Whether a host on this machine, of which no configuration speaks, talks TLS or not: the first answer tells.</summary>
internal sealed class SchemeChoice
{
    /// <summary>What a TLS server says to plain HTTP is a line or a small page.</summary>
    private const int MaxReadBytes = 8 * 1024;

    private readonly Lock _lock = new();
    private readonly bool _isOpen;
    private string _scheme;
    private bool _isDecided;
    private bool _hasAnsweredPlainly; // But in a way that may be a TLS server's.

    internal SchemeChoice(RegistryHost host)
    {
        _scheme = host.Root.Scheme;
        _isOpen = host.FallsBackToPlainHttp || (host.Origin is null && host.Root.IsLoopback);
    }

    /// <summary>The address with the scheme that is right as far as is known.</summary>
    internal Uri Apply(Uri uri)
    {
        lock (_lock)
        {
            return !_isOpen || uri.Scheme == _scheme || !uri.IsLoopback ? uri
                : new UriBuilder(uri) { Scheme = _scheme, Port = uri.Port }.Uri;
        }
    }

    /// <summary>Whether the failure may be that of the wrong scheme; the other one is tried next.</summary>
    /// <remarks>Where nobody listens, both are wrong. A connection that breaks off proves nothing, so the next failure leads back.
    /// </remarks>
    internal bool ShouldFlip(Uri uri, HyperkubeException failure)
    {
        lock (_lock)
        {
            if (HttpFailure.IsUntrusted(failure))
            {
                Decide(Uri.UriSchemeHttps); // Who shows a certificate talks TLS.
                return false;
            }

            if (uri.Scheme == Uri.UriSchemeHttps && _hasAnsweredPlainly)
            {
                Decide(Uri.UriSchemeHttp);
                return _isOpen && uri.Scheme != _scheme;
            }

            return failure.InnerException is HttpRequestException
            {
                HttpRequestError: not (HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError),
            } && Flip(uri);
        }
    }

    /// <summary>Whether the answer is what a TLS server says to plain HTTP; TLS is tried next. Any other answer decides.</summary>
    internal async ValueTask<bool> ShouldFlipAsync(Uri uri, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_isDecided || !_isOpen)
            {
                return _isOpen && uri.Scheme != _scheme && IsRefusal(uri, response); // Another request may have found out meanwhile.
            }
        }

        var isRefusal = IsRefusal(uri, response);
        var isOfTls = isRefusal && response.RequestMessage!.Method != HttpMethod.Head
            && await SpeaksOfTlsAsync(response, cancellationToken).ConfigureAwait(false);
        lock (_lock)
        {
            if (isRefusal && response.RequestMessage!.Method == HttpMethod.Head && !_isDecided)
            {
                // Without words: TLS is tried, and whether it is there decides.
                _hasAnsweredPlainly = true;
                return Flip(uri);
            }

            Decide(isOfTls ? Uri.UriSchemeHttps : uri.Scheme);
            return isOfTls && uri.Scheme != _scheme;
        }
    }

    // A registry's own refusals are JSON, or say what they want.
    private static bool IsRefusal(Uri uri, HttpResponseMessage response) =>
        uri.Scheme == Uri.UriSchemeHttp && response.StatusCode == HttpStatusCode.BadRequest
        && response.Headers.WwwAuthenticate.Count == 0 && !response.Headers.Contains("Docker-Distribution-Api-Version")
        && response.Content.Headers.ContentType?.MediaType != "application/json";

    // "Client sent an HTTP request to an HTTPS server" (Go), "The plain HTTP request was sent to HTTPS port" (nginx), "an SSL-enabled
    // server port" (Apache), "requires TLS" (Tomcat).
    private static async Task<bool> SpeaksOfTlsAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            var said = await CappedContent.ReadAtMostAsync(response, MaxReadBytes, cancellationToken).ConfigureAwait(false);
            var text = System.Text.Encoding.Latin1.GetString(said);
            response.Content = new ByteArrayContent(said); // For whoever tells of it.
            return text.Contains("HTTPS", StringComparison.OrdinalIgnoreCase) || text.Contains("SSL", StringComparison.Ordinal)
                || text.Contains("TLS", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return false; // What is left of it is told by whoever reads on.
        }
    }

    private void Decide(string scheme)
    {
        if (_isOpen && !_isDecided)
        {
            (_scheme, _isDecided) = (scheme, true);
        }
    }

    private bool Flip(Uri uri)
    {
        if (_isOpen && !_isDecided && uri.Scheme == _scheme)
        {
            _scheme = uri.Scheme == Uri.UriSchemeHttp ? Uri.UriSchemeHttps : Uri.UriSchemeHttp;
        }

        return _isOpen && uri.Scheme != _scheme; // Another request may have found out meanwhile.
    }
}
