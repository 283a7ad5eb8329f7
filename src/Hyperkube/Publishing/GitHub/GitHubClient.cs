using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Hyperkube.Oci;
using Hyperkube.Oci.Http;

namespace Hyperkube.Publishing.GitHub;

/// <summary>Talks to GitHub's REST API as its documentation asks for: one request at a time, a second between changes, and a wait when it
/// says so.</summary>
/// <remarks>Source: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api,
/// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api</remarks>
/// <param name="http">Sends requests, and follows no redirects.</param>
/// <param name="api">Its root, such as <c>https://api.github.com</c>.</param>
/// <param name="token">Who we are.</param>
/// <param name="retry">How often and how patiently, and the clock.</param>
/// <param name="log">Told about waits.</param>
public sealed class GitHubClient(HttpMessageInvoker http, Uri api, string token, RetryPolicy retry, IActivityLog log) : IDisposable
{
    /// <summary>Where the API is unless <c>GITHUB_API_URL</c> says otherwise.</summary>
    public static Uri PublicApi { get; } = new("https://api.github.com");

    private const string Version = "2022-11-28";

    /// <summary>A page of a hundred releases with their notes.</summary>
    private const int MaxAnswerBytes = 16 << 20;

    private const int MaxPages = 1000;

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _one = new(1);
    private readonly GitHubLimits _limits = new(api, retry.Time, log);

    /// <inheritdoc/>
    public void Dispose() => _one.Dispose();

    /// <summary>Asks for something; null when it is not there.</summary>
    public async Task<JsonElement?> GetAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, new Uri(api, path), body: null, cancellationToken).ConfigureAwait(false);
        return response.StatusCode == HttpStatusCode.NotFound ? null
            : response.StatusCode == HttpStatusCode.OK ? await ReadAsync(response, cancellationToken).ConfigureAwait(false)
            : throw await FailureAsync(response, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Asks for a list, page by page.</summary>
    public async Task<IReadOnlyList<JsonElement>> ListAsync(string path, CancellationToken cancellationToken)
    {
        List<JsonElement> all = [];
        Uri? next = new(api, path);
        for (var page = 0; next is not null; page++)
        {
            using var response = await SendAsync(HttpMethod.Get, next, body: null, cancellationToken).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw await FailureAsync(response, cancellationToken).ConfigureAwait(false);
            }

            if (page == MaxPages)
            {
                throw new HyperkubeException(ErrorKind.Unavailable, $"{HttpFailure.Where(response)}: more than {MaxPages} pages");
            }

            var answer = await ReadAsync(response, cancellationToken).ConfigureAwait(false);
            all.AddRange(answer.EnumerateArray());
            next = NextOf(response);
        }

        return all;
    }

    /// <summary>Makes something.</summary>
    /// <returns>What was made; null when it was there already.</returns>
    public async Task<JsonElement?> PostAsync(string path, byte[] body, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Post, new Uri(api, path), body, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.Created)
        {
            return await ReadAsync(response, cancellationToken).ConfigureAwait(false);
        }

        var failure = await FailureAsync(response, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            _ = _limits.End(failure); // Whom they do not let write they tell that it is not there.
        }

        return response.StatusCode == HttpStatusCode.UnprocessableEntity
            && (failure.Message.Contains("already_exists", StringComparison.Ordinal)
                || failure.Message.Contains("already exists", StringComparison.Ordinal))
            ? null // Another worker, or a try of our own whose answer was lost.
            : throw failure;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri uri, byte[]? body, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                await _limits.ReadyAsync(method, cancellationToken).ConfigureAwait(false);
                HyperkubeException failure;
                TimeSpan? wait;
                var (mayBeLimit, isLimit) = (false, false);
                try
                {
                    var response = await SendOnceAsync(method, uri, body, cancellationToken).ConfigureAwait(false);
                    mayBeLimit = response.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.TooManyRequests;
                    if (!mayBeLimit && !RetryPolicy.IsTransient(response.StatusCode))
                    {
                        _limits.Note(response);
                        return response;
                    }

                    using (response)
                    {
                        failure = await FailureAsync(response, cancellationToken).ConfigureAwait(false);
                        wait = mayBeLimit ? _limits.WaitOf(response, failure, attempt)
                            : retry.DelayAfter(attempt, response.Headers.RetryAfter);
                        isLimit = mayBeLimit && wait is not null;
                    }
                }
                catch (HyperkubeException e) when (e.Kind == ErrorKind.Unavailable)
                {
                    (failure, wait) = (e, retry.DelayAfter(attempt, retryAfter: null));
                }

                if (wait is not { } delay)
                {
                    throw mayBeLimit ? _limits.End(failure) : failure;
                }

                if (isLimit && attempt >= retry.MaxAttempts)
                {
                    throw _limits.End(new HyperkubeException(ErrorKind.Unavailable, failure.Message, failure));
                }

                if (attempt >= retry.MaxAttempts)
                {
                    throw failure;
                }

                await _limits.WaitAsync(delay, failure, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task<HttpResponseMessage> SendOnceAsync(HttpMethod method, Uri uri, byte[]? body, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(method, uri);
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("hyperkube", null)); // Without one they answer 403.
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/vnd.github+json"));
        request.Headers.Add("X-GitHub-Api-Version", Version);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        using CancellationTokenSource deadline = new(AnswerTimeout, retry.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            return await http.SendAsync(request, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HyperkubeException(
                ErrorKind.Unavailable, $"{method} {HttpFailure.Where(uri)}: no answer in {AnswerTimeout.TotalSeconds:F0} s");
        }
        catch (HttpRequestException e)
        {
            throw HttpFailure.Unanswered(method, uri, e, "check GITHUB_API_URL and the way there");
        }
    }

    private async Task<JsonElement> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var where = HttpFailure.Where(response);
        using CancellationTokenSource deadline = new(AnswerTimeout, retry.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            var body = await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
            var bytes = await Releases.SmallText.ReadBytesAsync(body, where, MaxAnswerBytes, either.Token).ConfigureAwait(false);
            using var document = JsonDocument.Parse(bytes);
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new HyperkubeException(ErrorKind.Unavailable, $"{where}: no JSON", e);
        }
        catch (Exception e) when (e is IOException or HttpRequestException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new HyperkubeException(ErrorKind.Unavailable, $"{where}: the answer broke off", e);
        }
    }

    // {"message":"Validation Failed","errors":[{"resource":"Release","code":"already_exists","field":"tag_name"}]}
    private async Task<HyperkubeException> FailureAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var said = "";
        try
        {
            var answer = await ReadAsync(response, cancellationToken).ConfigureAwait(false);
            said = string.Join(", ", Texts(answer).Select(t => new string([.. t.Take(200).Where(c => !char.IsControl(c))])));
        }
        catch (HyperkubeException)
        {
            // The status says enough.
        }

        var failure = FailureOf(response, said);
        return response.StatusCode == HttpStatusCode.Unauthorized ? _limits.End(failure) : failure;
    }

    private static HyperkubeException FailureOf(HttpResponseMessage response, string said)
    {
        var status = (int)response.StatusCode;
        var message = $"{HttpFailure.Where(response)}: {status}{(said.Length > 0 ? $": {said}" : "")}";
        return response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound =>
                new HyperkubeException(ErrorKind.AccessDenied, message)
                {
                    Hint = "the token in GH_TOKEN needs the permission contents: write on that repository",
                },
            HttpStatusCode.TooManyRequests => new HyperkubeException(ErrorKind.Unavailable, message),
            _ when status >= 500 => new HyperkubeException(ErrorKind.Unavailable, message),
            _ => new HyperkubeException(ErrorKind.AccessDenied, message) { Hint = "look at the rules of that repository" },
        };
    }

    private static IEnumerable<string> Texts(JsonElement answer)
    {
        if (answer.ValueKind != JsonValueKind.Object)
        {
            yield break;
        }

        if (answer.TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.String)
        {
            yield return message.GetString()!;
        }

        if (answer.TryGetProperty("errors", out var errors) && errors.ValueKind == JsonValueKind.Array)
        {
            foreach (var error in errors.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.Object))
            {
                if (error.TryGetProperty("code", out var code) && code.ValueKind == JsonValueKind.String)
                {
                    yield return code.GetString()!;
                }
            }
        }
    }

    private Uri? NextOf(HttpResponseMessage response)
    {
        foreach (var link in response.Headers.TryGetValues("Link", out var values) ? values.SelectMany(v => v.Split(',')) : [])
        {
            // <URL>; rel="next"
            var end = link.IndexOf('>', StringComparison.Ordinal);
            if (end > 0 && link[end..].Contains("rel=\"next\"", StringComparison.Ordinal)
                && Uri.TryCreate(api, link[..end].Trim().TrimStart('<'), out var next))
            {
                return next.Host == api.Host && next.Scheme == api.Scheme && next.Port == api.Port
                    ? next
                    : throw new HyperkubeException(
                        ErrorKind.Unavailable,
                        $"{HttpFailure.Where(response)}: the next page is at {HttpFailure.Where(next)}; expected the same host");
            }
        }

        return null;
    }
}
