using System.Net.Http.Headers;

namespace Hyperkube.Oci.Registry;

/// <summary>What a registry wants to see: a login, or a token from a service.</summary>
/// <remarks>Source: https://distribution.github.io/distribution/spec/auth/token/,
/// https://www.rfc-editor.org/rfc/rfc9110#name-challenge-and-response</remarks>
/// <param name="Realm">The token service; null when a login is wanted.</param>
/// <param name="Service">How the token service calls this registry.</param>
/// <param name="Scope">What the request needs, in the registry's words.</param>
internal sealed record Challenge(Uri? Realm, string? Service, string? Scope)
{
    /// <summary>Reads the challenge that is to be met: a token rather than a login where both will do.</summary>
    internal static Challenge? From(HttpHeaderValueCollection<AuthenticationHeaderValue> headers)
    {
        Challenge? basic = null;
        foreach (var header in headers)
        {
            if (header.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
            {
                var parameters = Parameters(header.Parameter ?? "");
                if (Uri.TryCreate(parameters.GetValueOrDefault("realm"), UriKind.Absolute, out var realm)
                    && realm.Scheme is "https" or "http" && realm.UserInfo.Length == 0)
                {
                    return new Challenge(realm, parameters.GetValueOrDefault("service"), parameters.GetValueOrDefault("scope"));
                }
            }
            else if (header.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase))
            {
                basic = new Challenge(null, null, null);
            }
        }

        return basic;
    }

    // name=token or name="quoted, with \"escapes\"", separated by commas.
    private static Dictionary<string, string> Parameters(ReadOnlySpan<char> text)
    {
        Dictionary<string, string> parameters = new(StringComparer.OrdinalIgnoreCase);
        while ((text = text.TrimStart(" \t,")).Length > 0)
        {
            var equals = text.IndexOf('=');
            if (equals <= 0)
            {
                break;
            }

            var name = text[..equals].Trim().ToString();
            text = text[(equals + 1)..].TrimStart();
            var value = text is ['"', ..] ? Quoted(ref text) : Token(ref text);
            parameters.TryAdd(name, value); // The first one counts: a second is an attempt to be read in two ways.
        }

        return parameters;
    }

    private static string Token(ref ReadOnlySpan<char> text)
    {
        var comma = text.IndexOf(',');
        var value = (comma < 0 ? text : text[..comma]).Trim().ToString();
        text = comma < 0 ? [] : text[comma..];
        return value;
    }

    private static string Quoted(ref ReadOnlySpan<char> text)
    {
        System.Text.StringBuilder value = new();
        for (var i = 1; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '"':
                    text = text[(i + 1)..];
                    return value.ToString();
                case '\\' when i + 1 < text.Length:
                    value.Append(text[++i]);
                    break;
                default:
                    value.Append(text[i]);
                    break;
            }
        }

        text = [];
        return value.ToString();
    }
}
