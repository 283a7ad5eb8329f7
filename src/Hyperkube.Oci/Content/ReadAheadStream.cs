using System.Threading.Channels;

namespace Hyperkube.Oci.Content;

/// <summary>Reads a stream on a task of its own, a few blocks ahead: what is before it and what is behind it work at the same time.
/// </summary>
/// <remarks>The blocks are fixed, so memory is: a slow reader stops the source. A failure of the source reaches the reader behind the
/// bytes that came before it. Disposing ends the task and disposes the source.</remarks>
public sealed class ReadAheadStream : ReadOnlyStream
{
    /// <summary>Enough to bridge the moments in which one side waits; more only leaves the cache.</summary>
    private const int Blocks = 4;

    private readonly Stream _source;
    private readonly Channel<byte[]> _free = Channel.CreateBounded<byte[]>(Blocks);
    private readonly Channel<(byte[] Block, int Count)> _full = Channel.CreateBounded<(byte[], int)>(Blocks);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _reading;
    private byte[]? _block;
    private int _start;
    private int _end;
    private bool _isDisposed;

    /// <summary>Begins to read.</summary>
    /// <param name="source">Disposed with the stream.</param>
    public ReadAheadStream(Stream source)
    {
        _source = source;
        for (var i = 0; i < Blocks; i++)
        {
            _free.Writer.TryWrite(new byte[StreamSizes.CopyBytes]);
        }

        _reading = Task.Run(ReadAllAsync);
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_start == _end && !await NextAsync(cancellationToken).ConfigureAwait(false))
        {
            return 0;
        }

        var count = Math.Min(buffer.Length, _end - _start);
        _block.AsMemory(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer) => throw new NotSupportedException("What another task brings is awaited.");

    /// <summary>Ends the task; what is behind in the source is then whoever asks next's.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (!_isDisposed)
        {
            await StopAsync().ConfigureAwait(false);
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isDisposed)
        {
            _isDisposed = true;
            _stop.Cancel();
            _stop.Dispose();
            _source.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task<bool> NextAsync(CancellationToken cancellationToken)
    {
        if (_block is not null)
        {
            _free.Writer.TryWrite(_block);
            (_block, _start, _end) = (null, 0, 0);
        }

        if (!await _full.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false) || !_full.Reader.TryRead(out var next))
        {
            return false;
        }

        (_block, _start, _end) = (next.Block, 0, next.Count);
        return true;
    }

    private async Task ReadAllAsync()
    {
        try
        {
            while (true)
            {
                var block = await _free.Reader.ReadAsync(_stop.Token).ConfigureAwait(false);
                var count = 0;
                try
                {
                    for (int read; count < block.Length
                        && (read = await _source.ReadAsync(block.AsMemory(count), _stop.Token).ConfigureAwait(false)) > 0;)
                    {
                        count += read;
                    }
                }
                finally
                {
                    if (count > 0)
                    {
                        _full.Writer.TryWrite((block, count)); // There is room: as many blocks as places.
                    }
                }

                if (count < block.Length)
                {
                    _full.Writer.Complete();
                    return;
                }
            }
        }
#pragma warning disable CA1031 // Whatever it is, it belongs to the reader.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _full.Writer.Complete(e);
        }
    }
}
