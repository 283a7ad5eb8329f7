using System.Net;
using System.Net.Http.Headers;
using Hyperkube.Oci.Http;

namespace Hyperkube.Oci.Registry;

/// <summary>Sends one request to a host, within its deadlines, and follows where that leads.</summary>
/// <remarks>Redirects are followed by hand: logins and configured headers must not go along to another host, and must to the same one.
/// </remarks>
internal sealed class HostSender(
    RegistryHost host, HttpMessageInvoker http, RegistryOptions options, TargetPolicy targets, Authenticator authenticator)
{
    /// <summary>A registry leads to a store, the store perhaps to an edge. Five is what browsers of old allowed.</summary>
    private const int MaxRedirects = 5;

    private readonly SchemeChoice _scheme = new(host);
    private readonly LargeBodies _bodies = new();

    /// <summary>Sends a request, and wherever a redirect leads.</summary>
    /// <returns>The answer, of any status; the caller disposes it.</returns>
    /// <exception cref="HyperkubeException">None came, or from where none may come.</exception>
    internal async Task<HttpResponseMessage> SendAsync(
        RegistryRequest request, AuthenticationHeaderValue? authorization, CancellationToken cancellationToken)
    {
        var uri = _scheme.Apply(request.Uri);
        for (var redirects = 0; ; redirects++)
        {
            HttpResponseMessage response;
            try
            {
                response = await SendOnceAsync(request, uri, authorization, cancellationToken).ConfigureAwait(false);
            }
            catch (HyperkubeException e) when (redirects == 0 && _scheme.ShouldFlip(uri, e))
            {
                uri = _scheme.Apply(request.Uri);
                continue;
            }

            if (redirects == 0 && await _scheme.ShouldFlipAsync(uri, response, cancellationToken).ConfigureAwait(false))
            {
                response.Dispose();
                uri = _scheme.Apply(request.Uri);
                continue;
            }

            if (!IsRedirect(response, request.Method))
            {
                return response;
            }

            using (response)
            {
                var location = response.Headers.Location;
                if (!Uri.TryCreate(uri, location, out var target) || redirects == MaxRedirects)
                {
                    var why = target is null ? "a redirect to nowhere" : $"more than {MaxRedirects} redirects";
                    throw new HyperkubeException(ErrorKind.Unavailable, $"{HttpFailure.Where(response)}: {why}");
                }

                await targets.CheckAsync("a redirect to", uri, target, cancellationToken).ConfigureAwait(false);
                uri = target;
            }
        }
    }

    // What carries a body is sent again only where that is exactly what was asked for.
    private static bool IsRedirect(HttpResponseMessage response, HttpMethod method) => (int)response.StatusCode switch
    {
        301 or 302 or 303 => method == HttpMethod.Get || method == HttpMethod.Head,
        307 or 308 => true,
        _ => false,
    };

    private async Task<HttpResponseMessage> SendOnceAsync(
        RegistryRequest request, Uri uri, AuthenticationHeaderValue? authorization, CancellationToken cancellationToken)
    {
        using SpeedGuard guard = new(options.AnswerTimeout, options.MinBytesPerSpan, options.Retry.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(guard.Token, cancellationToken);
        using var message = Message(request, uri, authorization);
        message.Content = request.Body is null ? null : await request.Body(either.Token).ConfigureAwait(false);
        var upload = message.Content as UploadContent;
        upload?.Guard = guard;
        try
        {
            options.Traffic.CountRequest();
            var response = await SendNotedAsync(message, upload, either.Token).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.ExpectationFailed && message.Headers.ExpectContinue == true)
            {
                response.Dispose();
                return await SendOnceAsync(request, uri, authorization, cancellationToken).ConfigureAwait(false);
            }

            return response.Content.Headers.ContentEncoding.All(e => e == "identity") ? response : throw Encoded(response);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var failure = upload?.IsDone == false ? guard.Failure
                : $"no answer in {(message.Content is null ? options.AnswerTimeout : options.CommitTimeout).TotalSeconds:F0} s";
            throw new HyperkubeException(ErrorKind.Unavailable, $"{request.Method} {HttpFailure.Where(uri)}: {failure}");
        }
        catch (HttpRequestException e)
        {
            throw HttpFailure.Unanswered(request.Method, uri, e, "check the name, the route and the proxy: hyperkube explain REF");
        }
        catch (IOException e)
        {
            throw new HyperkubeException(ErrorKind.Unavailable, $"{request.Method} {HttpFailure.Where(uri)}: the connection broke off", e);
        }
    }

    private HttpRequestMessage Message(RegistryRequest request, Uri uri, AuthenticationHeaderValue? authorization)
    {
        HttpRequestMessage message = new(request.Method, uri)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        message.Headers.Range = request.Range;
        message.Headers.UserAgent.Add(new ProductInfoHeaderValue("hyperkube", null));
        foreach (var type in request.Accept)
        {
            message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(type));
        }

        // Neither logins nor configured headers go to another host.
        if (uri.Authority == host.Root.Authority)
        {
            message.Headers.Authorization = authorization;
            message.Options.Set(RegistryError.Asker, authorization is null ? "without a login" : authenticator.Asker);
            foreach (var (name, value) in host.Headers)
            {
                message.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return message;
    }

    private async Task<HttpResponseMessage> SendNotedAsync(
        HttpRequestMessage message, UploadContent? upload, CancellationToken cancellationToken)
    {
        var isAsking = upload is not null && _bodies.ShouldAsk(upload.Length);
        message.Headers.ExpectContinue = isAsking ? true : null;
        var sent = TimeProvider.System.GetTimestamp();
        var response = await http.SendAsync(message, cancellationToken).ConfigureAwait(false);
        var waited = isAsking && upload!.Began is { } began ? TimeProvider.System.GetElapsedTime(sent, began) : (TimeSpan?)null;
        _bodies.Note(response, upload?.Length ?? 0, waited);
        if (upload?.IsCutOff == true && response.IsSuccessStatusCode)
        {
            response.Dispose();
            throw new IOException("a success was said of half a body");
        }

        return response;
    }

    // Nobody asked for it: the digest would be of other bytes, and a small body could become a huge one.
    private static HyperkubeException Encoded(HttpResponseMessage response)
    {
        using (response)
        {
            var encoding = string.Join(", ", response.Content.Headers.ContentEncoding);
            return new HyperkubeException(ErrorKind.BadContent,
                $"{HttpFailure.Where(response)}: encoded as {encoding}; expected the bytes as they are");
        }
    }
}
