using System.Net;
using Hyperkube.Oci.Http;

namespace Hyperkube.Oci.Registry;

/// <summary>How registries are talked to.</summary>
public sealed record RegistryOptions
{
    /// <summary>Who logs in where.</summary>
    public required ICredentialSource Credentials { get; init; }

    /// <summary>Which way out.</summary>
    public required IWebProxy Proxy { get; init; }

    /// <summary>Told once of each thing that somebody should know: a registry's warnings, tries that failed.</summary>
    public Action<string> Warn { get; init; } = _ => { };

    /// <summary>How often and how patiently.</summary>
    public RetryPolicy Retry { get; init; } = new();

    /// <summary>Whether hosts that are not this machine may speak HTTP without TLS. Logins are never sent there.</summary>
    public bool PlainHttp { get; init; }

    /// <summary>Hosts whose token services may be given logins of other hosts, beside those of the same domain.</summary>
    public IReadOnlyList<string> TokenHosts { get; init; } = [];

    /// <summary>How long a server may take to begin its answer. 30 s unless told.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a registry may think after it has got a whole body: some copy and hash it again. 5 min unless told.
    /// </summary>
    public TimeSpan CommitTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>In each such span a body must move by at least <see cref="MinBytesPerSpan"/>. 30 s unless told.</summary>
    public TimeSpan SpeedSpan { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The least that a span must bring: 128 KiB unless told, that is 4 KiB/s.</summary>
    public int MinBytesPerSpan { get; init; } = 128 * 1024;

    /// <summary>Counts what passes.</summary>
    public RegistryTraffic Traffic { get; init; } = new();
}

/// <summary>What has passed between this process and registries. Safe for many threads.</summary>
public sealed class RegistryTraffic
{
    private long _requests;
    private long _bytesDownloaded;

    /// <summary>Requests sent, those to token services and redirects included.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Bytes of blobs and documents received.</summary>
    public long BytesDownloaded => Interlocked.Read(ref _bytesDownloaded);

    internal void CountRequest() => Interlocked.Increment(ref _requests);

    internal void CountDownloaded(long bytes) => Interlocked.Add(ref _bytesDownloaded, bytes);
}
