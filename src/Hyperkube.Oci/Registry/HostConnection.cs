using System.Net;
using System.Net.Http.Headers;
using Hyperkube.Oci.Http;

namespace Hyperkube.Oci.Registry;

/// <summary>Sends requests to one host: logins, redirects by hand, deadlines, tries with back-off.</summary>
/// <remarks>Whatever goes wrong on the way comes out as <see cref="HyperkubeException"/>. Safe for many tasks.</remarks>
internal sealed class HostConnection
{
    /// <summary>A registry leads to a store, the store perhaps to an edge. Five is what browsers of old allowed.</summary>
    private const int MaxRedirects = 5;

    /// <summary>Different texts of one host that are shown.</summary>
    private const int MaxWarnings = 100;

    /// <summary>A mirror that cannot be reached is asked again after this long.</summary>
    private static readonly TimeSpan DownTime = TimeSpan.FromSeconds(30);

    private readonly RegistryHost _host;
    private readonly HttpMessageInvoker _http;
    private readonly RegistryOptions _options;
    private readonly Authenticator _authenticator;
    private readonly TargetPolicy _targets;
    private readonly HashSet<string> _warned = new(StringComparer.Ordinal);
    private readonly SchemeChoice _scheme;
    private volatile Outage? _down;
    private long _notBefore; // UTC ticks: a host that asked one request to wait asked them all.

    internal HostConnection(RegistryHost host, HttpMessageInvoker http, RegistryOptions options)
    {
        (_host, _http, _options) = (host, http, options);
        _authenticator = new Authenticator(host, http, options);
        _targets = new TargetPolicy(options);
        _scheme = new SchemeChoice(host);
    }

    internal RegistryHost Host => _host;

    internal RegistryOptions Options => _options;

    /// <summary>The address of something below the host's root.</summary>
    internal Uri UriOf(string path) =>
        new($"{_host.Root.AbsoluteUri.TrimEnd('/')}/{path}{(_host.Namespace is null ? "" : $"{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}ns={Uri.EscapeDataString(_host.Namespace)}")}");

    /// <summary>Sends a request until its answer is worth no other try.</summary>
    /// <returns>The answer, of any status that is not transient; the caller disposes it.</returns>
    /// <exception cref="HyperkubeException">No try brought such an answer.</exception>
    internal async Task<HttpResponseMessage> SendAsync(RegistryRequest request, CancellationToken cancellationToken)
    {
        ThrowIfDown(request);
        for (var attempt = 1; ; attempt++)
        {
            await WaitForTurnAsync(cancellationToken).ConfigureAwait(false);
            HyperkubeException failure;
            RetryConditionHeaderValue? retryAfter = null;
            try
            {
                var response = await AuthorizedAsync(request, cancellationToken).ConfigureAwait(false);
                ShowWarnings(response);
                if (!RetryPolicy.IsTransient(response.StatusCode))
                {
                    return response;
                }

                retryAfter = response.Headers.RetryAfter;
                failure = await RegistryError.ReadAsync(response, cancellationToken).ConfigureAwait(false);
            }
            catch (HyperkubeException e) when (e.Kind == ErrorKind.Unavailable)
            {
                failure = e;
            }

            if (attempt >= (request.MaxAttempts ?? int.MaxValue) || HttpFailure.IsUntrusted(failure) || IsDown(request, failure))
            {
                throw failure;
            }

            await BackOffAsync(attempt, failure, retryAfter, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Waits before the next try, or throws the failure when there is none.</summary>
    internal async Task BackOffAsync(
        int attempt, HyperkubeException failure, RetryConditionHeaderValue? retryAfter, CancellationToken cancellationToken)
    {
        if (_options.Retry.DelayAfter(attempt, retryAfter) is not { } delay)
        {
            throw failure;
        }

        if (retryAfter is not null)
        {
            Volatile.Write(ref _notBefore, (_options.Retry.Time.GetUtcNow() + delay).UtcTicks);
        }

        WarnOfRetry(failure);
        await Task.Delay(delay, _options.Retry.Time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Where an answer says to go on with an upload.</summary>
    /// <exception cref="HyperkubeException">Not to be trusted with it.</exception>
    internal async ValueTask<Uri> TargetAsync(Uri from, Uri location, CancellationToken cancellationToken)
    {
        Uri target = new(from, location);
        if (target.Scheme != from.Scheme && target.Host == from.Host && from.Scheme == Uri.UriSchemeHttps)
        {
            // A registry that does not know of the TLS in front of it.
            target = new UriBuilder(target) { Scheme = from.Scheme, Port = from.Port }.Uri;
        }

        await _targets.CheckAsync("an upload that goes on at", from, target, cancellationToken).ConfigureAwait(false);
        return target;
    }

    // Where others may be asked, a host that cannot be reached is passed over, now and for a while.
    private bool IsDown(RegistryRequest request, HyperkubeException failure)
    {
        if (request.MaxAttempts is null || !HttpFailure.IsNoRoute(failure))
        {
            return false;
        }

        _down = new Outage(failure, _options.Retry.Time.GetUtcNow() + DownTime);
        _options.Warn($"{failure.Message}; going on without it");
        return true;
    }

    private void ThrowIfDown(RegistryRequest request)
    {
        if (request.MaxAttempts is not null && _down is { } outage && outage.Until > _options.Retry.Time.GetUtcNow())
        {
            throw new HyperkubeException(outage.Failure.Kind, outage.Failure.Message, outage.Failure) { Hint = outage.Failure.Hint };
        }
    }

    private async Task WaitForTurnAsync(CancellationToken cancellationToken)
    {
        var wait = new DateTimeOffset(Volatile.Read(ref _notBefore), TimeSpan.Zero) - _options.Retry.Time.GetUtcNow();
        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, _options.Retry.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<HttpResponseMessage> AuthorizedAsync(RegistryRequest request, CancellationToken cancellationToken)
    {
        var authorization = await _authenticator.ExpectedAsync(request.Scopes, cancellationToken).ConfigureAwait(false);
        var response = await FollowAsync(request, authorization, cancellationToken).ConfigureAwait(false);

        // Twice: the token may have expired in our hands, and the next challenge may name what else is needed.
        for (var round = 0; round < 2 && response.StatusCode == HttpStatusCode.Unauthorized; round++)
        {
            if (IsForeign(response) || Challenge.From(response.Headers.WwwAuthenticate) is not { } challenge)
            {
                return response;
            }

            var next = await _authenticator.MeetAsync(challenge, authorization, request.Scopes, cancellationToken).ConfigureAwait(false);
            if (next is null)
            {
                return response;
            }

            response.Dispose();
            authorization = next;
            response = await FollowAsync(request, authorization, cancellationToken).ConfigureAwait(false);
        }

        return response;
    }

    private bool IsForeign(HttpResponseMessage response) => response.RequestMessage!.RequestUri!.Authority != _host.Root.Authority;

    private async Task<HttpResponseMessage> FollowAsync(
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

            if (redirects == 0 && _scheme.ShouldFlip(uri, response))
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
                if (location is null || redirects == MaxRedirects)
                {
                    throw new HyperkubeException(ErrorKind.Unavailable,
                        $"{HttpFailure.Where(response)}: {(location is null ? "a redirect to nowhere" : $"more than {MaxRedirects} redirects")}");
                }

                Uri target = new(uri, location);
                await _targets.CheckAsync("a redirect to", uri, target, cancellationToken).ConfigureAwait(false);
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
        using SpeedGuard guard = new(_options.AnswerTimeout, _options.MinBytesPerSpan, _options.Retry.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(guard.Token, cancellationToken);
        using HttpRequestMessage message = new(request.Method, uri)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
            Content = request.Body is null ? null : await request.Body(either.Token).ConfigureAwait(false),
        };
        if (message.Content is UploadContent upload)
        {
            upload.Guard = guard;
        }

        message.Headers.Range = request.Range;
        message.Headers.UserAgent.Add(new ProductInfoHeaderValue("hyperkube", null));
        foreach (var type in request.Accept)
        {
            message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(type));
        }

        // Neither logins nor configured headers go to another host.
        if (uri.Authority == _host.Root.Authority)
        {
            message.Headers.Authorization = authorization;
            message.Options.Set(RegistryError.Asker, authorization is null ? "without a login" : _authenticator.Asker);
            foreach (var (name, value) in _host.Headers)
            {
                message.Headers.TryAddWithoutValidation(name, value);
            }
        }

        try
        {
            _options.Traffic.CountRequest();
            var response = await _http.SendAsync(message, either.Token).ConfigureAwait(false);
            return response.Content.Headers.ContentEncoding.Count == 0 ? response : throw Encoded(response);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var failure = message.Content is UploadContent { IsDone: false } ? guard.Failure
                : $"no answer in {(message.Content is null ? _options.AnswerTimeout : _options.CommitTimeout).TotalSeconds:F0} s";
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

    // Nobody asked for it: the digest would be of other bytes, and a small body could become a huge one.
    private static HyperkubeException Encoded(HttpResponseMessage response)
    {
        using (response)
        {
            return new HyperkubeException(ErrorKind.BadContent,
                $"{HttpFailure.Where(response)}: encoded as {string.Join(", ", response.Content.Headers.ContentEncoding)}; expected the bytes as they are");
        }
    }

    // Many requests meet the same trouble: it is told once, in the words of the first.
    private void WarnOfRetry(HyperkubeException failure)
    {
        var reason = failure.Message[(failure.Message.IndexOf(": ", StringComparison.Ordinal) + 1)..];
        bool isNew;
        lock (_warned)
        {
            isNew = _warned.Count < MaxWarnings && _warned.Add(reason);
        }

        if (isNew)
        {
            _options.Warn($"{failure.Message}; trying again");
        }
    }

    // 299 - "text": https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#warnings
    private void ShowWarnings(HttpResponseMessage response)
    {
        foreach (var warning in response.Headers.Warning)
        {
            var isNew = false;
            lock (_warned)
            {
                isNew = warning.Code == 299 && _warned.Count < MaxWarnings && _warned.Add(warning.Text);
            }

            if (isNew)
            {
                _options.Warn($"{_host.Name} says: {warning.Text.Trim('"')}");
            }
        }
    }

    private sealed record Outage(HyperkubeException Failure, DateTimeOffset Until);
}
