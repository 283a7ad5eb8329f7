using System.Text;
using System.Text.Json;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Http;
using Hyperkube.Releases;

namespace Hyperkube.Publishing;

/// <summary>The token by which somebody proves who they are: an OpenID Connect ID token, of a file or of the CI that runs us.</summary>
/// <remarks>It is as good as a password for some minutes: it goes to the certificate authority and into no message. Sources:
/// https://docs.github.com/en/actions/reference/security/oidc#methods-for-requesting-the-oidc-token and
/// https://github.com/sigstore/cosign/blob/v3.1.1/pkg/providers/envvar/envvar.go</remarks>
/// <param name="http">Sends requests.</param>
/// <param name="variable">The environment.</param>
/// <param name="retry">How often and how patiently.</param>
/// <param name="log">Told about retries.</param>
public sealed class IdentityToken(HttpMessageInvoker http, Func<string, string?> variable, RetryPolicy retry, IActivityLog log)
{
    /// <summary>Whom the token is for.</summary>
    private const string Audience = "sigstore";

    private const string TokenVariable = "SIGSTORE_ID_TOKEN";
    private const string UrlVariable = "ACTIONS_ID_TOKEN_REQUEST_URL";
    private const string BearerVariable = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
    private const int MaxBytes = 64 << 10; // Header lines of servers end there.

    /// <summary>Reads the token from a file.</summary>
    /// <exception cref="HyperkubeException">There is none in it (<see cref="ErrorKind.Usage"/>).</exception>
    public static string Read(string path) =>
        Checked(Encoding.UTF8.GetString(SmallFile.ReadNamed(path, "--identity-token").Span), $"--identity-token {path}");

    /// <summary>Asks the surroundings: the variable SIGSTORE_ID_TOKEN, then GitHub's Actions.</summary>
    /// <exception cref="HyperkubeException">They have none (<see cref="ErrorKind.Usage"/>), or refuse.</exception>
    public async Task<string> FindAsync(CancellationToken cancellationToken)
    {
        if (variable(TokenVariable) is { Length: > 0 } token)
        {
            return Checked(token, TokenVariable);
        }

        return variable(UrlVariable) is { Length: > 0 } url && variable(BearerVariable) is { Length: > 0 } bearer
            ? await AskAsync(SigningServices.Url(url, UrlVariable), bearer, cancellationToken).ConfigureAwait(false)
            : throw new HyperkubeException(
                ErrorKind.Usage, $"sign: neither a key nor a token; expected --key, --identity-token, {TokenVariable} or GitHub's Actions")
            {
                Hint = "in a workflow of GitHub: permissions: id-token: write",
            };
    }

    private async Task<string> AskAsync(Uri url, string bearer, CancellationToken cancellationToken)
    {
        UriBuilder asked = new(url) { Query = $"{url.Query.TrimStart('?')}{(url.Query.Length > 1 ? "&" : "")}audience={Audience}" };
        var answer = await new ServiceClient(http, retry, log).SendAsync(
            new ServiceCall(HttpMethod.Get, asked.Uri) { Bearer = bearer, MaxBytes = MaxBytes }, cancellationToken).ConfigureAwait(false);
        try
        {
            using var document = JsonDocument.Parse(answer.Body);
            return Checked(document.RootElement.GetProperty("value").GetString() ?? "", HttpFailure.Where(url));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"GET {HttpFailure.Where(url)}: no token in the answer", e);
        }
    }

    // Three parts of base64url. Fulcio checks what they say.
    private static string Checked(string text, string where)
    {
        var token = text.Trim();
        return token.Length <= MaxBytes && token.Split('.') is [{ Length: > 0 }, { Length: > 0 }, _]
            && token.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '=')
                ? token
                : throw new HyperkubeException(ErrorKind.Usage, $"{where}: no ID token; expected a JWT, three parts with dots between");
    }
}
