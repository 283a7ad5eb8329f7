using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hyperkube.Oci.Http;

namespace Hyperkube.Oci.Registry;

/// <summary>An access token and when it must not be used any more.</summary>
internal sealed record AccessToken(string Text, DateTimeOffset Expires);

/// <summary>Asks a token service for access tokens.</summary>
/// <remarks>Source: https://distribution.github.io/distribution/spec/auth/token/ and …/oauth/</remarks>
internal sealed class TokenService(HttpMessageInvoker http, RegistryHost host, RegistryOptions options)
{
    /// <summary>Tokens carry signed claims of a few KiB; 128 KiB is what others allow too.</summary>
    private const int MaxAnswerBytes = 128 * 1024;

    /// <summary>What the specification says for an answer that gives no lifetime.</summary>
    private static readonly TimeSpan DefaultLifetime = TimeSpan.FromSeconds(60);

    /// <summary>A token is used until this long before its end: clocks differ, requests travel.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    private const string ClientId = "hyperkube";

    /// <summary>Gets a token.</summary>
    /// <exception cref="HyperkubeException">The service refused, or cannot be reached.</exception>
    internal async Task<AccessToken> FetchAsync(
        Challenge challenge, IReadOnlyList<string> scopes, Credential? credential, string origin, CancellationToken cancellationToken)
    {
        using var request = credential is Credential.IdentityToken identity
            ? Refresh(challenge, scopes, identity)
            : Ask(challenge, scopes, credential as Credential.Login);
        foreach (var (name, value) in host.Headers)
        {
            if (challenge.Realm!.Host == host.Root.Host)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        var where = $"{request.Method} {HttpFailure.Where(challenge.Realm!)}";
        using CancellationTokenSource deadline = new(options.AnswerTimeout, options.Retry.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            options.Traffic.CountRequest();
            using var response = await http.SendAsync(request, either.Token).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw await FailureAsync(response, where, origin, either.Token).ConfigureAwait(false);
            }

            var content = await CappedContent.ReadAsync(response, MaxAnswerBytes, where, either.Token).ConfigureAwait(false);
            return Read(content, where);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HyperkubeException(ErrorKind.Unavailable, $"{where}: no answer in {options.AnswerTimeout.TotalSeconds:F0} s");
        }
        catch (HttpRequestException e)
        {
            throw HttpFailure.Unanswered(request.Method, challenge.Realm!, e, hint: null);
        }
        catch (IOException e)
        {
            throw new HyperkubeException(ErrorKind.Unavailable, $"{where}: the connection broke off", e);
        }
    }

    private static HttpRequestMessage Ask(Challenge challenge, IReadOnlyList<string> scopes, Credential.Login? login)
    {
        StringBuilder query = new(challenge.Realm!.Query.TrimStart('?'));
        void Add(string name, string value) =>
            query.Append(query.Length > 0 ? "&" : "").Append(name).Append('=').Append(Uri.EscapeDataString(value));

        if (challenge.Service is { } service)
        {
            Add("service", service);
        }

        foreach (var scope in scopes)
        {
            Add("scope", scope);
        }

        if (login is not null)
        {
            Add("account", login.User);
        }

        HttpRequestMessage request = new(HttpMethod.Get, new UriBuilder(challenge.Realm) { Query = query.ToString() }.Uri);
        if (login is not null)
        {
            request.Headers.Authorization = Authenticator.Basic(login);
        }

        return request;
    }

    private static HttpRequestMessage Refresh(Challenge challenge, IReadOnlyList<string> scopes, Credential.IdentityToken identity)
    {
        Dictionary<string, string> form = new(StringComparer.Ordinal)
        {
            ["grant_type"] = "refresh_token",
            ["client_id"] = ClientId,
            ["refresh_token"] = identity.Token,
            ["scope"] = string.Join(' ', scopes),
        };
        if (challenge.Service is { } service)
        {
            form["service"] = service;
        }

        return new HttpRequestMessage(HttpMethod.Post, challenge.Realm) { Content = new FormUrlEncodedContent(form) };
    }

    private async Task<HyperkubeException> FailureAsync(
        HttpResponseMessage response, string where, string origin, CancellationToken cancellationToken)
    {
        var said = await RegistryError.SayingAsync(response, options, cancellationToken).ConfigureAwait(false);
        return RetryPolicy.IsTransient(response.StatusCode)
            ? new BusyException($"{where}: {said}") { RetryAfter = response.Headers.RetryAfter }
            : new HyperkubeException(ErrorKind.AccessDenied, $"{where}: the token service refused ({origin}): {said}")
            {
                Hint = "see which login is used, and from where, with: hyperkube explain REF",
            };
    }

    private AccessToken Read(byte[] content, string where)
    {
        try
        {
            var answer = JsonSerializer.Deserialize(content, TokenJson.Default.TokenAnswer);
            var text = answer?.Token is { Length: > 0 } token ? token : answer?.AccessToken;
            if (string.IsNullOrEmpty(text) || text.Any(c => c is <= ' ' or > '~'))
            {
                throw new HyperkubeException(ErrorKind.Unavailable, $"{where}: an answer without a token; expected {{\"token\": …}}");
            }

            var lifetime = answer!.ExpiresIn is > 0 and <= int.MaxValue ? TimeSpan.FromSeconds(answer.ExpiresIn.Value) : DefaultLifetime;
            return new AccessToken(text, options.Retry.Time.GetUtcNow() + (lifetime > 2 * Margin ? lifetime - Margin : lifetime / 2));
        }
        catch (JsonException e)
        {
            throw new HyperkubeException(ErrorKind.Unavailable, $"{where}: no JSON; expected {{\"token\": …}}", e);
        }
    }
}

/// <summary>A token service that may give a token later.</summary>
internal sealed class BusyException(string message) : HyperkubeException(ErrorKind.Unavailable, message)
{
    /// <summary>When it wants to be asked again; null when it did not say.</summary>
    internal RetryConditionHeaderValue? RetryAfter { get; init; }
}

/// <summary>What a token service answers.</summary>
internal sealed record TokenAnswer(
    [property: JsonPropertyName("token")] string? Token,
    [property: JsonPropertyName("access_token")] string? AccessToken,
    [property: JsonPropertyName("expires_in")] long? ExpiresIn);

[JsonSerializable(typeof(TokenAnswer))]
internal sealed partial class TokenJson : JsonSerializerContext;
