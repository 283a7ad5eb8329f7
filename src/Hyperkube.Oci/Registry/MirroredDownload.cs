using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Registry;

/// <summary>The bytes of a blob from the first of several hosts that gives them; where one gives up, the next goes on.</summary>
/// <remarks>Content is named by its digest, so halves from two hosts are whole. It verifies nothing. Not thread safe.</remarks>
internal sealed class MirroredDownload : ReadOnlyStream
{
    private readonly IReadOnlyList<HostConnection> _hosts;
    private readonly Func<HostConnection, RegistryRequest> _request;
    private readonly Descriptor _blob;
    private readonly HostFailures _failures;
    private BlobDownload? _current;
    private int _next;
    private long _offset;

    private MirroredDownload(
        IReadOnlyList<HostConnection> hosts, Func<HostConnection, RegistryRequest> request, Descriptor blob, long offset,
        HostFailures failures) =>
        (_hosts, _request, _blob, _offset, _failures) = (hosts, request, blob, offset, failures);

    /// <summary>The host that gives the bytes now.</summary>
    internal HostConnection? Host { get; private set; }

    /// <summary>Finds the first host that gives the blob; the caller disposes the stream.</summary>
    internal static async Task<MirroredDownload> OpenAsync(
        IReadOnlyList<HostConnection> hosts, Func<HostConnection, RegistryRequest> request, Descriptor blob, long offset,
        HostFailures failures, CancellationToken cancellationToken)
    {
        MirroredDownload download = new(hosts, request, blob, offset, failures);
        await download.NextAsync(cancellationToken).ConfigureAwait(false);
        return download;
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            try
            {
                var current = _current ?? throw _failures.Summary($"the blob {_blob.Digest}"); // Read on after it failed.
                var count = await current.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
                _offset += count;
                return count;
            }
            catch (HyperkubeException e) when (_current is not null)
            {
                _failures.Add(e);
                await NextAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer) => throw new NotSupportedException("A network is read asynchronously.");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _current?.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task NextAsync(CancellationToken cancellationToken)
    {
        if (_current is not null)
        {
            await _current.DisposeAsync().ConfigureAwait(false);
            _current = null;
        }

        for (; _next < _hosts.Count; _next++)
        {
            Host = _hosts[_next];
            var request = _request(Host) with { MaxAttempts = HostFailures.AttemptsAt(_next, _hosts.Count) };
            try
            {
                _current = await BlobDownload.OpenAsync(Host, request, _offset, _blob.Size, cancellationToken).ConfigureAwait(false);
                _next++;
                return;
            }
            catch (HyperkubeException e)
            {
                _failures.Add(e);
            }
        }

        throw _failures.Summary($"the blob {_blob.Digest}");
    }
}
