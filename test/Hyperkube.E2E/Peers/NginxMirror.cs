using System.Security.Cryptography.X509Certificates;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Peers;

/// <summary>How an nginx is set up.</summary>
internal sealed record NginxSetup
{
    /// <summary>Whose certificate it shows, and offers HTTP/2 with it; it speaks plain HTTP/1.1 when null.</summary>
    internal TestAuthority? Authority { get; init; }

    /// <summary>The largest body that it takes, in nginx's words; 0 for any.</summary>
    internal string BodyLimit { get; init; } = "0";
}

/// <summary>An nginx in front of a registry that keeps blobs, as sites set it up against rate limits.</summary>
internal sealed class NginxMirror : IAsyncDisposable
{
    private readonly TempDirectory _state = new();
    private RunningProgram? _program;

    private NginxMirror(int port) => Address = $"127.0.0.1:{port}";

    internal string Address { get; }

    /// <summary>Where its authority's certificate is.</summary>
    internal string AuthorityFile => _state["ca.crt"];

    /// <summary>What it was asked, each as <c>HTTP/2.0 GET 200</c>.</summary>
    internal string[] Requests => File.ReadAllLines(_state["access.log"]);

    internal static async Task<NginxMirror> StartAsync(string upstream, NginxSetup? setup = null)
    {
        setup ??= new NginxSetup();
        Machine.Needs("nginx");
        NginxMirror mirror = new(DockerRegistry.FreePort());
        Directory.CreateDirectory(mirror._state["cache"]);
        if (setup.Authority is { } authority)
        {
            await File.WriteAllTextAsync(mirror.AuthorityFile, authority.Pem);
            await File.WriteAllTextAsync(mirror._state["srv.crt"], authority.Certificate.ExportCertificatePem());
            await File.WriteAllTextAsync(mirror._state["srv.key"], authority.Certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        }

        var tls = setup.Authority is null ? ""
            : $"ssl_certificate {mirror._state["srv.crt"]}; ssl_certificate_key {mirror._state["srv.key"]};";
        await File.WriteAllTextAsync(mirror._state["nginx.conf"], $$"""
            daemon off;
            user root;
            pid {{mirror._state["pid"]}};
            error_log stderr error;
            events {}
            http {
                log_format asked '$server_protocol $request_method $status';
                access_log {{mirror._state["access.log"]}} asked;
                proxy_cache_path {{mirror._state["cache"]}} keys_zone=blobs:1m;
                client_body_temp_path {{mirror._state["body"]}};
                proxy_temp_path {{mirror._state["proxy"]}};
                server {
                    listen {{mirror.Address}}{{(setup.Authority is null ? "" : " ssl http2")}};
                    {{tls}}
                    client_max_body_size {{setup.BodyLimit}};
                    location / {
                        proxy_pass http://{{upstream}};
                        proxy_set_header Host $http_host;
                        proxy_set_header X-Forwarded-Proto $scheme;
                    }
                    location ~ ^/v2/.+/blobs/sha256: {
                        proxy_pass http://{{upstream}};
                        proxy_set_header Host $http_host;
                        proxy_set_header X-Forwarded-Proto $scheme;
                        proxy_cache blobs;
                        proxy_cache_valid 200 1h;
                        proxy_cache_key $uri;
                    }
                }
            }
            """);
        mirror._program = RunningProgram.Start("nginx", ["-c", mirror._state["nginx.conf"], "-p", mirror._state.Path]);
        await mirror._program.UntilAsync("nginx answers", () => ValueTask.FromResult(File.Exists(mirror._state["pid"])));
        return mirror;
    }

    public async ValueTask DisposeAsync()
    {
        if (_program is { HasEnded: false })
        {
            _ = await _program.EndAsync("TERM");
        }

        _program?.Dispose();
        _state.Dispose();
    }
}
