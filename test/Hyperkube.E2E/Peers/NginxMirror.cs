using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Peers;

/// <summary>An nginx in front of a registry that keeps blobs, as sites set it up against rate limits.</summary>
internal sealed class NginxMirror : IAsyncDisposable
{
    private readonly TempDirectory _state = new();
    private RunningProgram? _program;

    private NginxMirror(int port) => Address = $"127.0.0.1:{port}";

    internal string Address { get; }

    internal static async Task<NginxMirror> StartAsync(string upstream)
    {
        Machine.Needs("nginx");
        NginxMirror mirror = new(DockerRegistry.FreePort());
        Directory.CreateDirectory(mirror._state["cache"]);
        await File.WriteAllTextAsync(mirror._state["nginx.conf"], $$"""
            daemon off;
            user root;
            pid {{mirror._state["pid"]}};
            error_log stderr error;
            events {}
            http {
                access_log off;
                proxy_cache_path {{mirror._state["cache"]}} keys_zone=blobs:1m;
                client_body_temp_path {{mirror._state["body"]}};
                proxy_temp_path {{mirror._state["proxy"]}};
                server {
                    listen {{mirror.Address}};
                    client_max_body_size 0;
                    location / {
                        proxy_pass http://{{upstream}};
                        proxy_set_header Host $http_host;
                    }
                    location ~ ^/v2/.+/blobs/sha256: {
                        proxy_pass http://{{upstream}};
                        proxy_set_header Host $http_host;
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
