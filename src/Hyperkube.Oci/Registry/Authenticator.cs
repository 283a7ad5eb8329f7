using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using Hyperkube.Oci.Http;

namespace Hyperkube.Oci.Registry;

/// <summary>Meets one host's challenges, and remembers what it wants, so that later requests bring it along.</summary>
/// <remarks>Safe for many tasks: whoever needs a token that another is fetching waits for that one.</remarks>
internal sealed class Authenticator(RegistryHost host, HttpMessageInvoker http, RegistryOptions options)
{
    private readonly TokenService _service = new(http, host, options);
    private readonly TargetPolicy _targets = new(options);
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Task<AccessToken>> _tokens = new(StringComparer.Ordinal);
    private readonly HashSet<string> _refused = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, IReadOnlyList<string>> _words = new(StringComparer.Ordinal);
    private volatile Challenge? _known;

    /// <summary>Whose login was used last, for a message.</summary>
    internal string Asker { get; private set; } = "without a login";

    internal static AuthenticationHeaderValue Basic(Credential.Login login) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{login.User}:{login.Password}")));

    /// <summary>What the host will want, as far as it is known; null when it has wanted nothing yet.</summary>
    internal async ValueTask<AuthenticationHeaderValue?> ExpectedAsync(
        IReadOnlyList<TokenScope> scopes, CancellationToken cancellationToken)
    {
        if (_known is not { } challenge)
        {
            return null;
        }

        var texts = _words.GetValueOrDefault(string.Join(' ', scopes)) ?? Texts(scopes);
        return await MeetAsync(challenge, texts, scopes, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What meets a challenge; null when there is nothing to offer beyond what was refused.</summary>
    /// <param name="challenge">The host's.</param>
    /// <param name="refused">What the request brought, or null.</param>
    /// <param name="scopes">What the request needs.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    internal async ValueTask<AuthenticationHeaderValue?> MeetAsync(
        Challenge challenge, AuthenticationHeaderValue? refused, IReadOnlyList<TokenScope> scopes, CancellationToken cancellationToken)
    {
        _known = challenge;
        if (refused is { Scheme: "Bearer", Parameter: { } stale })
        {
            lock (_lock)
            {
                _refused.Add(stale);
            }
        }

        // The registry's own words for what is needed count, since it may call the repository otherwise.
        IReadOnlyList<string> texts = challenge.Scope is { Length: > 0 } asked
            ? [asked, .. Texts(scopes.Skip(1)).Where(s => s != asked)]
            : Texts(scopes);
        _words[string.Join(' ', scopes)] = texts;
        var header = await MeetAsync(challenge, texts, scopes, cancellationToken).ConfigureAwait(false);
        return header is not null && header.Parameter == refused?.Parameter ? null : header;
    }

    private static string[] Texts(IEnumerable<TokenScope> scopes) => [.. scopes.Select(s => s.ToString())];

    private async ValueTask<AuthenticationHeaderValue?> MeetAsync(
        Challenge challenge, IReadOnlyList<string> texts, IReadOnlyList<TokenScope> scopes, CancellationToken cancellationToken)
    {
        var repository = scopes.Count > 0 ? scopes[0].Repository : "";
        var answer = await options.Credentials.FindAsync(host.CredentialName, repository, cancellationToken).ConfigureAwait(false);
        Asker = answer.Credential is null ? "without a login" : $"with the {answer.Credential} ({answer.Says})";
        switch (challenge, answer.Credential)
        {
            case (_, not null) // Also a token that a login is exchanged for: whoever listens can do with it what the login may.
                when host.Root.Scheme != Uri.UriSchemeHttps && !host.Root.IsLoopback:
                throw NotWithoutTls();
            case (_, Credential.RegistryToken given):
                return new AuthenticationHeaderValue("Bearer", given.Token);
            case ({ Realm: null }, Credential.Login login):
                return Basic(login);
            case ({ Realm: null }, _):
                return null;
            default:
                var token = await TokenAsync(challenge, texts, answer, cancellationToken).ConfigureAwait(false);
                return new AuthenticationHeaderValue("Bearer", token.Text);
        }
    }

    private async Task<AccessToken> TokenAsync(
        Challenge challenge, IReadOnlyList<string> scopes, CredentialAnswer answer, CancellationToken cancellationToken)
    {
        await _targets.CheckAsync("its token service is", host.Root, challenge.Realm!, cancellationToken).ConfigureAwait(false);
        if (answer.Credential is not null && !_targets.MayBeShownLogin(host.Root, challenge.Realm!))
        {
            throw new HyperkubeException(ErrorKind.AccessDenied,
                $"{host.Name}: its token service {HttpFailure.Where(challenge.Realm!)} is of another domain; the login was not sent")
            {
                Hint = $"if {challenge.Realm!.Host} belongs to the registry, say so: --token-host {challenge.Realm.Host}",
            };
        }

        var key = string.Join(' ', [challenge.Realm!.AbsoluteUri, challenge.Service, answer.Says, .. scopes]);
        while (true)
        {
            Task<AccessToken>? fetching;
            lock (_lock)
            {
                if (!_tokens.TryGetValue(key, out fetching))
                {
                    // Not ended by the one who happened to ask first: others wait for it too, and it has a deadline.
                    fetching = _service.FetchAsync(challenge, scopes, answer.Credential, answer.Says, CancellationToken.None);
                    _tokens[key] = fetching;
                }
            }

            var token = await WaitAsync(key, fetching, cancellationToken).ConfigureAwait(false);
            if (token.Expires > options.Retry.Time.GetUtcNow() && !IsRefused(token.Text))
            {
                return token;
            }

            Forget(key, fetching);
        }
    }

    private async Task<AccessToken> WaitAsync(string key, Task<AccessToken> fetching, CancellationToken cancellationToken)
    {
        try
        {
            return await fetching.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (HyperkubeException)
        {
            Forget(key, fetching); // The next one who needs it asks again.
            throw;
        }
    }

    private void Forget(string key, Task<AccessToken> fetching)
    {
        lock (_lock)
        {
            if (_tokens.GetValueOrDefault(key) == fetching)
            {
                _tokens.Remove(key);
            }
        }
    }

    private bool IsRefused(string token)
    {
        lock (_lock)
        {
            return _refused.Remove(token); // Once: a service may give the same one again, and then it is not asked for ever.
        }
    }

    private HyperkubeException NotWithoutTls() =>
        new(ErrorKind.AccessDenied, $"{host.Name}: wants a login over plain HTTP; it was not sent")
        {
            Hint = "give the registry a certificate, and name its authority with --ca FILE",
        };
}
