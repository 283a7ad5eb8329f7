using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Peers;

/// <summary>How a registry is set up.</summary>
internal sealed record RegistrySetup
{
    /// <summary>Who may log in; anybody needs no login when null.</summary>
    internal (string User, string Password)? Login { get; init; }

    /// <summary>Whose certificate it shows; it speaks plain HTTP when null.</summary>
    internal TestAuthority? Authority { get; init; }

    /// <summary>Who gives tokens for it, or null.</summary>
    internal JwtIssuer? Issuer { get; init; }

    /// <summary>The registry whose images it fetches and keeps, or null.</summary>
    internal string? CacheOf { get; init; }
}

/// <summary>Debian's docker-registry, on a loopback port of its own.</summary>
internal sealed class DockerRegistry : IAsyncDisposable
{
    private readonly TempDirectory _state = new();
    private RunningProgram? _program;

    private DockerRegistry(int port) => Address = $"127.0.0.1:{port}";

    /// <summary>Host and port.</summary>
    internal string Address { get; }

    /// <summary>What it was started with.</summary>
    internal string ConfigFile => _state["config.yml"];

    /// <summary>Where its authority's certificate is.</summary>
    internal string AuthorityFile => _state["ca.crt"];

    internal static async Task<DockerRegistry> StartAsync(RegistrySetup? setup = null)
    {
        Machine.Needs("docker-registry");
        DockerRegistry registry = new(FreePort());
        try
        {
            await registry.StartProgramAsync(setup ?? new RegistrySetup());
            return registry;
        }
        catch
        {
            await registry.DisposeAsync();
            throw;
        }
    }

    /// <summary>Writes a docker config with one login for it.</summary>
    internal string AuthFile(string user, string password)
    {
        var auth = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{user}:{password}"));
        var path = _state[$"auth-{password}.json"];
        File.WriteAllText(path, $$$"""{ "auths": { "{{{Address}}}": { "auth": "{{{auth}}}" } } }""");
        return path;
    }

    public async ValueTask DisposeAsync()
    {
        if (_program is null)
        {
            return; // A test may end it before its own end.
        }

        if (!_program.HasEnded)
        {
            _ = await _program.EndAsync("TERM");
        }

        _program.Dispose();
        _program = null;
        _state.Dispose();
    }

    /// <summary>A port that nobody listens on right now.</summary>
    internal static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task StartProgramAsync(RegistrySetup setup)
    {
        Directory.CreateDirectory(_state["data"]);
        List<string> lines =
        [
            "version: 0.1",
            "log: {level: error, accesslog: {disabled: true}}",
            $"storage: {{filesystem: {{rootdirectory: {_state["data"]}}}, delete: {{enabled: true}}}}",
        ];
        if (setup.Login is var (user, password))
        {
            Machine.Needs("htpasswd");
            (await Run.ProgramAsync("htpasswd", ["-Bbc", _state["htpasswd"], user, password])).Well();
            lines.Add($"auth: {{htpasswd: {{realm: test, path: {_state["htpasswd"]}}}}}");
        }

        if (setup.Issuer is { } issuer)
        {
            await File.WriteAllTextAsync(_state["issuer.crt"], issuer.CertificatePem);
            lines.Add($"auth: {{token: {{realm: {issuer.Realm}, service: {JwtIssuer.Service}, issuer: {JwtIssuer.Name}, rootcertbundle: {_state["issuer.crt"]}}}}}");
        }

        if (setup.CacheOf is { } upstream)
        {
            lines.Add($"proxy: {{remoteurl: \"http://{upstream}\"}}");
        }

        lines.Add($"http:\n  addr: {Address}");
        if (setup.Authority is { } authority)
        {
            await File.WriteAllTextAsync(AuthorityFile, authority.Pem);
            await File.WriteAllTextAsync(_state["srv.crt"], authority.Certificate.ExportCertificatePem());
            await File.WriteAllTextAsync(_state["srv.key"], authority.Certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
            lines.Add($"  tls: {{certificate: {_state["srv.crt"]}, key: {_state["srv.key"]}}}");
        }

        await File.WriteAllTextAsync(ConfigFile, string.Join('\n', lines) + "\n");
        _program = RunningProgram.Start("docker-registry", ["serve", ConfigFile]);
        await _program.UntilAsync("docker-registry listens", IsListeningAsync);
    }

    private async ValueTask<bool> IsListeningAsync()
    {
        using TcpClient client = new();
        try
        {
            await client.ConnectAsync(IPEndPoint.Parse(Address), TestContext.Current.CancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
