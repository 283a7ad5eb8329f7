using System.Net;

namespace Hyperkube.Oci.Registry;

/// <summary>Whether a host on this machine, of which no configuration speaks, talks TLS or not: the first answer tells.</summary>
internal sealed class SchemeChoice
{
    private readonly Lock _lock = new();
    private readonly bool _isOpen;
    private string _scheme;
    private bool _isDecided;

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
    internal bool ShouldFlip(Uri uri, HyperkubeException failure) =>
        failure.InnerException is HttpRequestException
        {
            HttpRequestError: not (HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError),
        } && Flip(uri);

    /// <summary>Whether the answer is what a TLS server says to plain HTTP; TLS is tried next. Any other answer decides.</summary>
    internal bool ShouldFlip(Uri uri, HttpResponseMessage response)
    {
        // It says so in plain words; a registry's own refusals are JSON.
        if (uri.Scheme == Uri.UriSchemeHttp && response.StatusCode == HttpStatusCode.BadRequest
            && response.Headers.WwwAuthenticate.Count == 0 && !response.Headers.Contains("Docker-Distribution-Api-Version")
            && response.Content.Headers.ContentType?.MediaType != "application/json")
        {
            return Flip(uri);
        }

        lock (_lock)
        {
            _isDecided = true;
        }

        return false;
    }

    private bool Flip(Uri uri)
    {
        lock (_lock)
        {
            if (_isOpen && !_isDecided && uri.Scheme == _scheme)
            {
                _scheme = uri.Scheme == Uri.UriSchemeHttp ? Uri.UriSchemeHttps : Uri.UriSchemeHttp;
            }

            return _isOpen && uri.Scheme != _scheme; // Another request may have found out meanwhile.
        }
    }
}
