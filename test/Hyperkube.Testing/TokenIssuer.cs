using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Hyperkube.Testing;

/// <summary>A token service: gives tokens for scopes, to anybody or to those who log in, and says whether one allows something.</summary>
/// <remarks>Source: https://distribution.github.io/distribution/spec/auth/token/ and …/oauth/</remarks>
public sealed class TokenIssuer
{
    private readonly ConcurrentDictionary<string, string[]> _tokens = new(StringComparer.Ordinal);
    private int _issued;

    /// <summary>Who may log in, as <c>user:password</c>; null when nobody need.</summary>
    public string? Login { get; init; }

    /// <summary>The refresh token that is accepted by POST.</summary>
    public string? IdentityToken { get; init; }

    /// <summary>The name of the token in the answer.</summary>
    public string Member { get; init; } = "token";

    public int? ExpiresIn { get; init; } = 300;

    /// <summary>How many were given.</summary>
    public int Issued => _issued;

    /// <summary>Scopes that are given to nobody.</summary>
    public Func<string, bool> Denies { get; set; } = _ => false;

    /// <summary>From now on no token of before is good.</summary>
    public void RevokeAll() => _tokens.Clear();

    internal SiteAnswer Answer(RegistryCall call)
    {
        var scopes = call.Method == "POST" ? call.Field("scope")?.Split(' ') ?? [] : [.. call.Parameters("scope")];
        if (!IsWelcome(call) || scopes.Any(Denies))
        {
            return SiteAnswer.Text("""{"details":"incorrect username or password"}""", 401);
        }

        var token = string.Create(CultureInfo.InvariantCulture, $"token-{Interlocked.Increment(ref _issued)}");
        _tokens[token] = scopes;
        var lifetime = ExpiresIn is { } seconds ? string.Create(CultureInfo.InvariantCulture, $",\"expires_in\":{seconds}") : "";
        return SiteAnswer.Text($"{{\"{Member}\":\"{token}\"{lifetime}}}").With("Content-Type", "application/json");
    }

    internal bool Allows(string? authorization, string repository, string action) =>
        authorization?.Split(' ', 2) is ["Bearer", var token] && _tokens.TryGetValue(token, out var scopes)
        && scopes.Any(scope => scope.StartsWith($"repository:{repository}:", StringComparison.Ordinal)
            && scope[(scope.LastIndexOf(':') + 1)..].Split(',').Contains(action));

    private bool IsWelcome(RegistryCall call) =>
        call.Method == "POST" ? IdentityToken is not null && call.Field("refresh_token") == IdentityToken
        : Login is null || call.Header("Authorization") == $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(Login))}";
}
