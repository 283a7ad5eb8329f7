using System.Net;
using System.Net.Http.Headers;
using Hyperkube.Oci;
using Hyperkube.Oci.Http;

namespace Hyperkube.Releases;

/// <summary>One question to a service.</summary>
internal sealed record ServiceCall(HttpMethod Method, Uri Uri)
{
    internal const string Json = "application/json";

    /// <summary>What is sent; null for nothing.</summary>
    internal byte[]? Body { get; init; }

    /// <summary>What the body is.</summary>
    internal string ContentType { get; init; } = Json;

    /// <summary>What the answer has to be.</summary>
    internal string Accept { get; init; } = Json;

    /// <summary>A token for this service alone; null for none.</summary>
    internal string? Bearer { get; init; }

    /// <summary>The largest answer that is read.</summary>
    internal required int MaxBytes { get; init; }

    /// <summary>What to try when the service cannot be reached.</summary>
    internal string? Hint { get; init; }

    /// <summary>Answers beside success that the caller understands.</summary>
    internal IReadOnlyList<HttpStatusCode> Expected { get; init; } = [];
}

/// <summary>What a service answered.</summary>
/// <param name="Status">Success, or one that was expected.</param>
/// <param name="Body">All of it.</param>
/// <param name="Location">Where it says that something is; null when it does not.</param>
internal sealed record ServiceAnswer(HttpStatusCode Status, byte[] Body, Uri? Location);

/// <summary>Asks services that answer in one small piece: a deadline for each try, retries, no redirects.</summary>
internal sealed class ServiceClient(HttpMessageInvoker http, RetryPolicy retry, IActivityLog log)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Asks until an answer is worth no other try.</summary>
    /// <exception cref="HyperkubeException">It cannot be reached, or answers something else.</exception>
    internal async Task<ServiceAnswer> SendAsync(ServiceCall call, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            RetryConditionHeaderValue? retryAfter = null;
            HyperkubeException failure;
            try
            {
                using var response = await SendOnceAsync(call, cancellationToken).ConfigureAwait(false);
                if (response.IsSuccessStatusCode || call.Expected.Contains(response.StatusCode))
                {
                    return new ServiceAnswer(
                        response.StatusCode,
                        await ReadAsync(response, call.MaxBytes, cancellationToken).ConfigureAwait(false),
                        response.Headers.Location);
                }

                retryAfter = response.Headers.RetryAfter;
                failure = SiteClient.Unexpected(response);
                if (!RetryPolicy.IsTransient(response.StatusCode))
                {
                    throw failure;
                }
            }
            catch (HyperkubeException e) when (e.Kind == ErrorKind.Unavailable && e.InnerException is not null && !HttpFailure.IsNoRoute(e))
            {
                failure = e;
            }

            if (retry.DelayAfter(attempt, retryAfter) is not { } delay)
            {
                throw failure;
            }

            log.Warn($"{failure.Message}; trying again in {delay.TotalSeconds:F1} s");
            await Task.Delay(delay, retry.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<HttpResponseMessage> SendOnceAsync(ServiceCall call, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(call.Method, call.Uri);
        if (call.Body is { } body)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(call.ContentType);
        }

        if (call.Bearer is { } token)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(call.Accept));
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("hyperkube", null));
        using CancellationTokenSource deadline = new(AnswerTimeout, retry.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            return await http.SendAsync(request, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HyperkubeException(
                ErrorKind.Unavailable,
                $"{call.Method} {HttpFailure.Where(call.Uri)}: no answer in {AnswerTimeout.TotalSeconds:F0} s", e);
        }
        catch (HttpRequestException e)
        {
            throw HttpFailure.Unanswered(request.Method, call.Uri, e, call.Hint);
        }
    }

    private async Task<byte[]> ReadAsync(HttpResponseMessage response, int maxBytes, CancellationToken cancellationToken)
    {
        using CancellationTokenSource deadline = new(AnswerTimeout, retry.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        var where = HttpFailure.Where(response);
        try
        {
            var body = await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
            return await SmallText.ReadBytesAsync(body, where, maxBytes, either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new HyperkubeException(ErrorKind.Unavailable, $"{where}: the answer broke off", e);
        }
    }
}
