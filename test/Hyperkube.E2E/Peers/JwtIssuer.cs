using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Hyperkube.E2E.Peers;

/// <summary>A small token service, whose tokens a real registry believes.</summary>
/// <remarks>Source: https://distribution.github.io/distribution/spec/auth/jwt/</remarks>
internal sealed class JwtIssuer : IAsyncDisposable
{
    internal const string Service = "test-registry";
    internal const string Name = "test-issuer";

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;
    private readonly HttpListener _listener = new();
    private readonly Task _serving;
    private readonly string _login;

    internal JwtIssuer(string user, string password)
    {
        _login = $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"))}";
        var now = TimeProvider.System.GetUtcNow();
        _certificate = new CertificateRequest("CN=issuer", _key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddHours(-1), now.AddHours(1));
        Realm = $"http://127.0.0.1:{DockerRegistry.FreePort()}/token";
        _listener.Prefixes.Add($"{Realm}/");
        _listener.Start();
        _serving = ServeAsync();
    }

    internal string Realm { get; }

    internal string CertificatePem => _certificate.ExportCertificatePem();

    /// <summary>The scopes that were asked for, in order.</summary>
    internal ConcurrentQueue<string> Scopes { get; } = [];

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _serving;
        _certificate.Dispose();
        _key.Dispose();
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            Answer(context);
        }
    }

    private void Answer(HttpListenerContext context)
    {
        using var response = context.Response;
        if (context.Request.Headers["Authorization"] != _login)
        {
            response.StatusCode = 401;
            return;
        }

        var scopes = context.Request.QueryString.GetValues("scope") ?? [];
        foreach (var scope in scopes)
        {
            Scopes.Enqueue(scope);
        }

        response.ContentType = "application/json";
        response.OutputStream.Write(Encoding.UTF8.GetBytes(new JsonObject { ["token"] = Token(scopes), ["expires_in"] = 60 }.ToJsonString()));
    }

    private string Token(IEnumerable<string> scopes)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        JsonArray access = [];
        foreach (var parts in scopes.Select(s => s.Split(':')))
        {
            access.Add(new JsonObject { ["type"] = parts[0], ["name"] = parts[1], ["actions"] = new JsonArray([.. parts[2].Split(',').Select(a => (JsonNode)a)]) });
        }

        JsonObject header = new() { ["typ"] = "JWT", ["alg"] = "ES256", ["x5c"] = new JsonArray(Convert.ToBase64String(_certificate.RawData)) };
        JsonObject claims = new()
        {
            ["iss"] = Name,
            ["aud"] = Service,
            ["sub"] = "tester",
            ["exp"] = now + 60,
            ["nbf"] = now - 5,
            ["iat"] = now,
            ["access"] = access,
        };
        var content = $"{Base64Url(header.ToJsonString())}.{Base64Url(claims.ToJsonString())}";
        return $"{content}.{Base64Url(_key.SignData(Encoding.ASCII.GetBytes(content), HashAlgorithmName.SHA256))}";
    }

    private static string Base64Url(string text) => Base64Url(Encoding.UTF8.GetBytes(text));

    private static string Base64Url(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);
}
