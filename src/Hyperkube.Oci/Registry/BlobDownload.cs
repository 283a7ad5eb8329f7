using System.Net;
using System.Net.Http.Headers;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Http;

namespace Hyperkube.Oci.Registry;

/// <summary>The bytes of a blob from one host, from an offset on, however often the line is cut.</summary>
/// <remarks>
/// After a cut it goes on where it was, with a closed range, and asks the registry again rather than the store to which
/// that had led, since signed addresses expire. It verifies nothing: the stream around it does. Not thread safe.
/// </remarks>
internal sealed class BlobDownload : ReadOnlyStream
{
    /// <summary>A try that brought this much counts as a success: the next cut is met at once, and starts counting again.</summary>
    private const long ProgressBytes = 16 * 1024;

    private readonly HostConnection _connection;
    private readonly RegistryRequest _request;
    private readonly long _size;
    private long _offset;
    private long _opened; // Where the current answer began.
    private int _attempt = 1;
    private bool _useRange = true;
    private HttpResponseMessage? _response;
    private Stream? _body;
    private SpeedGuard? _guard;

    private BlobDownload(HostConnection connection, RegistryRequest request, long offset, long size) =>
        (_connection, _request, _offset, _size) = (connection, request, offset, size);

    /// <summary>Asks for a blob; the caller disposes the stream.</summary>
    /// <exception cref="HyperkubeException">The host has no such blob, or gives none.</exception>
    internal static async Task<BlobDownload> OpenAsync(
        HostConnection connection, RegistryRequest request, long offset, long size, CancellationToken cancellationToken)
    {
        BlobDownload download = new(connection, request, offset, size);
        try
        {
            // A read of nothing connects, and is met by the same patience as any other.
            await download.ReadAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
            return download;
        }
        catch
        {
            await download.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            HyperkubeException failure;
            try
            {
                if (_body is null)
                {
                    await ConnectAsync(cancellationToken).ConfigureAwait(false);
                }

                if (buffer.IsEmpty)
                {
                    return 0;
                }

                using var either = CancellationTokenSource.CreateLinkedTokenSource(_guard!.Token, cancellationToken);
                var count = await _body!.ReadAsync(buffer, either.Token).ConfigureAwait(false);
                if (count > 0 || _offset >= _size)
                {
                    _offset += count;
                    _guard.Passed(count);
                    _connection.Options.Traffic.CountDownloaded(count);
                    return count;
                }

                failure = new HyperkubeException(ErrorKind.Unavailable, $"{_request.Where}: ended after {_offset} of {_size} bytes");
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                failure = new HyperkubeException(ErrorKind.Unavailable, $"{_request.Where}: {_guard?.Failure}");
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                failure = new HyperkubeException(ErrorKind.Unavailable, $"{_request.Where}: the connection broke off", e);
            }

            Disconnect();
            if (_offset - _opened >= ProgressBytes)
            {
                _attempt = 1;
            }
            else
            {
                await _connection.BackOffAsync(_attempt++, failure, retryAfter: null, cancellationToken).ConfigureAwait(false);
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
            Disconnect();
        }

        base.Dispose(disposing);
    }

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            // Closed, because some servers refuse an open range.
            var range = _offset > 0 && _useRange ? new RangeHeaderValue(_offset, _size - 1) : null;
            var response = await _connection.SendAsync(_request with { Range = range }, cancellationToken).ConfigureAwait(false);
            _response = response;
            switch (response.StatusCode)
            {
                case HttpStatusCode.OK:
                    CheckLength(response.Content.Headers.ContentLength, _size);
                    await BeginAsync(skip: _offset, cancellationToken).ConfigureAwait(false);
                    return;
                case HttpStatusCode.PartialContent when range is not null && IsRest(response.Content.Headers.ContentRange):
                    await BeginAsync(skip: 0, cancellationToken).ConfigureAwait(false);
                    return;
                case HttpStatusCode.NotFound or HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden:
                    throw await RegistryError.ReadAsync(response, _connection.Options, cancellationToken).ConfigureAwait(false);
                case var _ when range is not null:
                    _useRange = false; // It may be the range that was not to the server's taste.
                    Disconnect();
                    break;
                default:
                    throw await RegistryError.ReadAsync(response, _connection.Options, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private bool IsRest(ContentRangeHeaderValue? given) => given?.From == _offset && (given.Length ?? _size) == _size;

    // A length that is wrong from the start is not worth its bytes; a VerifyingStream would say so only at the end.
    private void CheckLength(long? length, long expected)
    {
        if (length is { } actual && actual != expected)
        {
            throw new HyperkubeException(ErrorKind.BadDigest, $"{_request.Where}: {actual} bytes; expected {expected}");
        }
    }

    private async Task BeginAsync(long skip, CancellationToken cancellationToken)
    {
        var options = _connection.Options;
        _guard = new SpeedGuard(options.SpeedSpan, options.MinBytesPerSpan, options.Retry.Time);
        _opened = _offset;
        _body = await _response!.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var buffer = skip > 0 ? new byte[(int)Math.Min(skip, StreamSizes.CopyBytes)] : [];
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_guard.Token, cancellationToken);
        while (skip > 0)
        {
            var count = await _body.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, skip)), either.Token).ConfigureAwait(false);
            if (count == 0)
            {
                throw new IOException("ended before the place to go on from");
            }

            skip -= count;
            _guard.Passed(count);
            options.Traffic.CountDownloaded(count);
        }
    }

    private void Disconnect()
    {
        _body?.Dispose();
        _response?.Dispose();
        _guard?.Dispose();
        (_body, _response, _guard) = (null, null, null);
    }
}
