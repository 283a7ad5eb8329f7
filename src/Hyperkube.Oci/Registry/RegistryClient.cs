using System.Collections.Concurrent;
using Hyperkube.Oci.Http;

namespace Hyperkube.Oci.Registry;

/// <summary>Talks to registries: one for a process, so that connections, tokens and back-off are shared.</summary>
public sealed class RegistryClient(RegistryOptions options) : IDisposable
{
    private readonly ConcurrentDictionary<(HostTls Tls, TimeSpan? DialTimeout), Lazy<HttpMessageInvoker>> _pools = new();
    private readonly ConcurrentDictionary<RegistryHost, HostConnection> _connections = new();

    /// <summary>What has passed so far.</summary>
    public RegistryTraffic Traffic => options.Traffic;

    /// <summary>A repository as its hosts give it.</summary>
    /// <param name="repository">The path.</param>
    /// <param name="hosts">Whom to ask, in this order; content is sent to the last one, which is the registry itself.</param>
    /// <param name="mountFrom">Repositories of the same registry from which blobs may be taken over without sending them.</param>
    public RemoteRepository Repository(string repository, IReadOnlyList<RegistryHost> hosts, IReadOnlyList<string>? mountFrom = null)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        return new RemoteRepository(repository, [.. hosts.Select(h => _connections.GetOrAdd(h, Connect))]) { MountFrom = mountFrom ?? [] };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var pool in _pools.Values.Where(p => p.IsValueCreated))
        {
            pool.Value.Dispose();
        }
    }

    private HostConnection Connect(RegistryHost host)
    {
        if (host.Root.Scheme != Uri.UriSchemeHttps && !host.Root.IsLoopback && host.Origin is null && !options.PlainHttp)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"{host.Name}: plain HTTP; expected https")
            {
                Hint = "add --plain-http if nobody can listen on the way",
            };
        }

        var pool = _pools.GetOrAdd(
            (host.Tls, host.DialTimeout),
            key => new Lazy<HttpMessageInvoker>(() => HttpConnections.Create(options.Proxy, key.Tls, key.DialTimeout)));
        return new HostConnection(host, pool.Value, options);
    }
}
