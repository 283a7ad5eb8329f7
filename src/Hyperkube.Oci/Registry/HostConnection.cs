using System.Net;
using System.Net.Http.Headers;
using Hyperkube.Oci.Http;

namespace Hyperkube.Oci.Registry;

/// <summary>Sends requests to one host: logins, redirects by hand, deadlines, tries with back-off.</summary>
/// <remarks>Whatever goes wrong on the way comes out as <see cref="HyperkubeException"/>. Safe for many tasks.</remarks>
internal sealed class HostConnection
{
    /// <summary>Different texts of one host that are shown.</summary>
    private const int MaxWarnings = 100;

    /// <summary>A host that cannot be reached is asked again after this long.</summary>
    private static readonly TimeSpan DownTime = TimeSpan.FromSeconds(30);

    private readonly RegistryHost _host;
    private readonly RegistryOptions _options;
    private readonly Authenticator _authenticator;
    private readonly TargetPolicy _targets;
    private readonly HostSender _sender;
    private readonly HashSet<string> _warned = new(StringComparer.Ordinal);
    private volatile Outage? _down;
    private long _notBefore; // UTC ticks: a host that asked one request to wait asked them all.

    internal HostConnection(RegistryHost host, HttpMessageInvoker http, RegistryOptions options)
    {
        (_host, _options) = (host, options);
        _authenticator = new Authenticator(host, http, options);
        _targets = new TargetPolicy(options);
        _sender = new HostSender(host, http, options, _targets, _authenticator);
    }

    internal RegistryHost Host => _host;

    internal RegistryOptions Options => _options;

    /// <summary>The address of something below the host's root.</summary>
    internal Uri UriOf(string path)
    {
        var uri = $"{_host.Root.AbsoluteUri.TrimEnd('/')}/{path}";
        var separator = path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        return new Uri(_host.Namespace is null ? uri : $"{uri}{separator}ns={Uri.EscapeDataString(_host.Namespace)}");
    }

    /// <summary>Sends a request until its answer is worth no other try.</summary>
    /// <returns>The answer, of any status that is not transient; the caller disposes it.</returns>
    /// <exception cref="HyperkubeException">No try brought such an answer.</exception>
    internal async Task<HttpResponseMessage> SendAsync(RegistryRequest request, CancellationToken cancellationToken)
    {
        ThrowIfDown();
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
                failure = await RegistryError.ReadAsync(response, _options, cancellationToken).ConfigureAwait(false);
            }
            catch (HyperkubeException e) when (e.Kind == ErrorKind.Unavailable)
            {
                (failure, retryAfter) = (e, (e as BusyException)?.RetryAfter);
            }

            if (attempt >= (request.MaxAttempts ?? int.MaxValue) || HttpFailure.IsUntrusted(failure) || IsDown(request, failure))
            {
                HoldOff(_options.Retry.DelayAfter(attempt, retryAfter), retryAfter); // What comes after it waits.
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
            if (HttpFailure.IsNoRoute(failure))
            {
                MarkDown(failure);
            }

            throw failure;
        }

        HoldOff(delay, retryAfter);
        WarnOfRetry(failure);
        await Task.Delay(delay, _options.Retry.Time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Where an answer says to go on with an upload.</summary>
    /// <exception cref="HyperkubeException">Not to be trusted with it.</exception>
    internal async ValueTask<Uri> TargetAsync(Uri from, Uri location, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(from, location, out var target))
        {
            throw new HyperkubeException(ErrorKind.Unavailable, $"{HttpFailure.Where(from)}: goes on at a place that is none");
        }

        if (target.Scheme != from.Scheme && target.Host == from.Host && from.Scheme == Uri.UriSchemeHttps)
        {
            // A registry that does not know of the TLS in front of it.
            target = new UriBuilder(target) { Scheme = from.Scheme, Port = from.Port }.Uri;
        }

        await _targets.CheckAsync("an upload that goes on at", from, target, cancellationToken).ConfigureAwait(false);
        return target;
    }

    // A host that cannot be reached is left alone for a while: at once where others may be asked, else when all tries have failed.
    private bool IsDown(RegistryRequest request, HyperkubeException failure)
    {
        if (request.MaxAttempts is null || !HttpFailure.IsNoRoute(failure))
        {
            return false;
        }

        MarkDown(failure);
        _options.Warn($"{failure.Message}; going on without it");
        return true;
    }

    private void MarkDown(HyperkubeException failure) => _down = new Outage(failure, _options.Retry.Time.GetUtcNow() + DownTime);

    private void ThrowIfDown()
    {
        if (_down is { } outage && outage.Until > _options.Retry.Time.GetUtcNow())
        {
            throw new HyperkubeException(outage.Failure.Kind, outage.Failure.Message, outage.Failure) { Hint = outage.Failure.Hint };
        }
    }

    // Only what the host asked for holds for others too. The longest wait that was asked for counts.
    private void HoldOff(TimeSpan? delay, RetryConditionHeaderValue? retryAfter)
    {
        if (delay is { } wait && retryAfter is not null)
        {
            var until = (_options.Retry.Time.GetUtcNow() + wait).UtcTicks;
            for (var seen = Volatile.Read(ref _notBefore); until > seen;)
            {
                var present = Interlocked.CompareExchange(ref _notBefore, until, seen);
                seen = present == seen ? until : present;
            }
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
        var response = await _sender.SendAsync(request, authorization, cancellationToken).ConfigureAwait(false);

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
            response = await _sender.SendAsync(request, authorization, cancellationToken).ConfigureAwait(false);
        }

        return response;
    }

    private bool IsForeign(HttpResponseMessage response) => response.RequestMessage!.RequestUri!.Authority != _host.Root.Authority;

    // Many requests meet the same trouble: it is told once, in the words of the first.
    private void WarnOfRetry(HyperkubeException failure)
    {
        var reason = failure.Message[(failure.Message.IndexOf(": ", StringComparison.Ordinal) + 1)..];
        if (IsNew(reason))
        {
            _options.Warn($"{failure.Message}; trying again");
        }
    }

    private bool IsNew(string text)
    {
        lock (_warned)
        {
            return _warned.Count < MaxWarnings && _warned.Add(text);
        }
    }

    // 299 - "text": https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#warnings
    private void ShowWarnings(HttpResponseMessage response)
    {
        foreach (var warning in response.Headers.Warning)
        {
            if (warning.Code == 299 && IsNew(warning.Text))
            {
                _options.Warn($"{_host.Name} says: {warning.Text.Trim('"')}");
            }
        }
    }

    private sealed record Outage(HyperkubeException Failure, DateTimeOffset Until);
}
