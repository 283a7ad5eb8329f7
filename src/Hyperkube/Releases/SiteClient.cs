using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Hyperkube.Oci;
using Hyperkube.Oci.Http;

namespace Hyperkube.Releases;

/// <summary>Sends requests to a download site: redirects by hand, logins to the host they are for, retries.</summary>
/// <remarks>Whatever goes wrong on the way comes out as <see cref="HyperkubeException"/>, so that an
/// <see cref="IOException"/> which reaches a caller is this machine's.</remarks>
internal sealed class SiteClient(HttpMessageInvoker http, Uri root, SiteOptions options, IActivityLog log)
{
    /// <summary>dl.k8s.io needs at most one; five is what browsers of old allowed.</summary>
    private const int MaxRedirects = 5;

    /// <summary>Where upstream's own site has led or leads.</summary>
    private static readonly string[] UpstreamHosts = ["dl.k8s.io", "cdn.dl.k8s.io", "storage.googleapis.com"];

    private volatile bool _hasAnswered;

    internal SiteOptions Options => options;

    internal Uri UriOf(string path) => new(root, path);

    /// <summary>The root of a site that the caller has named.</summary>
    /// <exception cref="HyperkubeException">The URL will not do (<see cref="ErrorKind.Usage"/>).</exception>
    internal static Uri RootOf(Uri url, SiteOptions options)
    {
        if (url.UserInfo.Length > 0)
        {
            throw new HyperkubeException(ErrorKind.Usage,
                $"{options.Flag} {HttpFailure.Where(url)}: credentials in a URL end up in process lists and logs; expected none")
            {
                Hint = $"put them into ~/.netrc: machine {url.Host} login USER password SECRET",
            };
        }

        return url.Scheme != Uri.UriSchemeHttp || url.IsLoopback || options.PlainHttp
            ? new Uri($"{url.GetLeftPart(UriPartial.Path).TrimEnd('/')}/")
            : throw new HyperkubeException(ErrorKind.Usage, $"{options.Flag} {HttpFailure.Where(url)}: plain HTTP; expected https")
            {
                Hint = "use https, or add --plain-http if you trust every host on the way",
            };
    }

    /// <summary>Reads a small file, and asks once more when the line is cut.</summary>
    /// <param name="path">Below the root.</param>
    /// <param name="maxBytes">How much of it is wanted; one byte more is read, so that more can be told.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Null when the site has no such file.</returns>
    internal async Task<byte[]?> ReadAsync(string path, int maxBytes, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            using var response = await GetAsync(path, range: null, cancellationToken).ConfigureAwait(false);
            if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone)
            {
                return null;
            }

            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw Unexpected(response);
            }

            try
            {
                return await ReadAsync(response, maxBytes, cancellationToken).ConfigureAwait(false);
            }
            catch (HyperkubeException e) when (e.Kind == ErrorKind.Unavailable)
            {
                await WaitAsync(attempt, e, retryAfter: null, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Asks for the first byte of a file, and so for its size, its entity tag and its time: not all answer HEAD.</summary>
    /// <returns>Null when the site has no such file.</returns>
    internal async Task<FileStamp?> StampAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await GetAsync(path, new RangeHeaderValue(0, 0), cancellationToken).ConfigureAwait(false);
        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone)
        {
            return null;
        }

        if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.PartialContent or HttpStatusCode.RequestedRangeNotSatisfiable))
        {
            throw Unexpected(response);
        }

        var content = response.Content.Headers;
        var size = content.ContentRange?.Length ?? content.ContentLength;
        return new FileStamp(
            string.Create(CultureInfo.InvariantCulture, $"{size} {response.Headers.ETag?.Tag} {content.LastModified:O}"),
            content.LastModified);
    }

    /// <summary>Asks once more, with the policy's waits, until an answer is not transient.</summary>
    /// <param name="path">Below the root.</param>
    /// <param name="range">Which bytes; null for all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The answer, of any status that is worth no retry; the caller disposes it.</returns>
    internal async Task<HttpResponseMessage> GetAsync(string path, RangeHeaderValue? range, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            HyperkubeException failure;
            RetryConditionHeaderValue? retryAfter = null;
            try
            {
                var response = await FollowAsync(UriOf(path), range, cancellationToken).ConfigureAwait(false);
                if (!RetryPolicy.IsTransient(response.StatusCode))
                {
                    return response;
                }

                retryAfter = response.Headers.RetryAfter;
                failure = Unexpected(response);
                response.Dispose();
            }
            catch (HyperkubeException e) when (e.Kind == ErrorKind.Unavailable && IsWorthAnotherTry(e))
            {
                failure = e;
            }

            await WaitAsync(attempt, failure, retryAfter, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Waits before the next try, or throws the failure when there is none.</summary>
    internal async Task WaitAsync(
        int attempt, HyperkubeException failure, RetryConditionHeaderValue? retryAfter, CancellationToken cancellationToken)
    {
        if (options.Retry.DelayAfter(attempt, retryAfter) is not { } delay)
        {
            throw failure;
        }

        log.Warn($"{failure.Message}; trying again in {delay.TotalSeconds:F1} s");
        await Task.Delay(delay, options.Retry.Time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What an answer that is of no use means.</summary>
    internal static HyperkubeException Unexpected(HttpResponseMessage response)
    {
        var where = HttpFailure.Where(response);
        var status = (int)response.StatusCode;
        return response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new HyperkubeException(
                ErrorKind.AccessDenied, $"{where}: {status} {response.ReasonPhrase}")
            {
                Hint = $"put a login for {response.RequestMessage!.RequestUri!.Host} into ~/.netrc, or check the one there",
            },
            HttpStatusCode.NotFound or HttpStatusCode.Gone => new HyperkubeException(ErrorKind.NotFound, $"{where}: {status}"),
            HttpStatusCode.ProxyAuthenticationRequired => HttpFailure.ProxyWantsLogin(where),
            _ => new HyperkubeException(ErrorKind.Unavailable, $"{where}: {status} {response.ReasonPhrase}"),
        };
    }

    private async Task<byte[]> ReadAsync(HttpResponseMessage response, int maxBytes, CancellationToken cancellationToken)
    {
        using CancellationTokenSource deadline = new(options.SpeedSpan, options.Retry.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            var body = await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
            using MemoryStream content = new();
            var block = new byte[16 << 10];
            while (content.Length <= maxBytes)
            {
                var wanted = (int)Math.Min(block.Length, maxBytes + 1 - content.Length);
                var count = await body.ReadAsync(block.AsMemory(0, wanted), either.Token).ConfigureAwait(false);
                if (count == 0)
                {
                    break;
                }

                await content.WriteAsync(block.AsMemory(0, count), either.Token).ConfigureAwait(false);
            }

            return content.ToArray();
        }
        catch (Exception e) when (e is IOException or HttpRequestException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new HyperkubeException(ErrorKind.Unavailable, $"{HttpFailure.Where(response)}: the answer broke off", e);
        }
    }

    // A host that never answered cannot be reached from here, and one line now beats half a minute of hope. One that did
    // answer may do so again.
    private bool IsWorthAnotherTry(HyperkubeException failure) => _hasAnswered || !HttpFailure.IsNoRoute(failure);

    private async Task<HttpResponseMessage> FollowAsync(Uri uri, RangeHeaderValue? range, CancellationToken cancellationToken)
    {
        for (var redirects = 0; ; redirects++)
        {
            var response = await SendAsync(uri, range, cancellationToken).ConfigureAwait(false);
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308))
            {
                return response;
            }

            using (response)
            {
                uri = Target(uri, response.Headers.Location, redirects);
            }
        }
    }

    private Uri Target(Uri from, Uri? location, int redirects)
    {
        if (location is null || redirects == MaxRedirects)
        {
            throw new HyperkubeException(ErrorKind.Unavailable,
                $"GET {HttpFailure.Where(from)}: {(location is null ? "a redirect to nowhere" : $"more than {MaxRedirects} redirects")}");
        }

        Uri target = new(from, location);
        var mayBePlain = from.Scheme == Uri.UriSchemeHttp && (target.IsLoopback || options.PlainHttp);
        if (target.Scheme != Uri.UriSchemeHttps && !(target.Scheme == Uri.UriSchemeHttp && mayBePlain))
        {
            throw new HyperkubeException(ErrorKind.Usage,
                $"GET {HttpFailure.Where(from)}: a redirect to {HttpFailure.Where(target)}, without TLS; expected https")
            {
                Hint = $"use another {options.Flag}: this one would hand the download to anybody on the way",
            };
        }

        return target.Host == root.Host
            || UpstreamHosts.Contains(target.Host)
            || options.RedirectHosts.Contains(target.Host, StringComparer.OrdinalIgnoreCase)
            ? target
            : throw new HyperkubeException(ErrorKind.Usage,
                $"GET {HttpFailure.Where(from)}: a redirect to {target.Host}, which is not on the list of hosts")
            {
                Hint = $"add --allow-redirect {target.Host} if that is where the files should come from",
            };
    }

    private async Task<HttpResponseMessage> SendAsync(Uri uri, RangeHeaderValue? range, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, uri);
        request.Headers.Range = range;
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("hyperkube", null));
        if (options.Logins.BasicFor(uri.Host, orDefault: uri.Host == root.Host) is { } login
            && (uri.Scheme == Uri.UriSchemeHttps || uri.IsLoopback))
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", login);
        }

        using CancellationTokenSource deadline = new(options.AnswerTimeout, options.Retry.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            var response = await http.SendAsync(request, either.Token).ConfigureAwait(false);
            _hasAnswered = true;
            return response;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HyperkubeException(
                ErrorKind.Unavailable, $"GET {HttpFailure.Where(uri)}: no answer in {options.AnswerTimeout.TotalSeconds:F0} s")
            {
                Hint = options.NoRouteHint,
            };
        }
        catch (HttpRequestException e)
        {
            throw HttpFailure.Unanswered(request.Method, uri, e, options.NoRouteHint);
        }
    }
}
