using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Layers;

/// <summary>Compresses what is written to it, block by block on several threads, and passes the blocks on in order.</summary>
/// <remarks>
/// The bytes depend on the content and the format only: not on the sizes of the writes, nor on the number of jobs.
/// Memory is bounded by <c>jobs + 1</c> blocks. <see cref="FinishAsync"/> ends the format; the destination stays
/// open. Disposing without it leaves a truncated stream. Not thread safe.
/// </remarks>
internal sealed class BlockCompressor(Stream destination, BlockFormat format, int jobs) : WriteOnlyStream
{
    private readonly Queue<(Block Block, Task Done)> _inFlight = new(jobs);
    private readonly Stack<Block> _idle = new();
    private Block? _filling;
    private bool _begun;

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        format.Account(buffer.Span);
        while (buffer.Length > 0)
        {
            _filling ??= _idle.TryPop(out var idle) ? idle : new Block(format.BlockBytes);
            buffer = buffer[_filling.Take(buffer.Span)..];
            if (_filling.IsFull)
            {
                await StartAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Compresses and passes on what is still here, and ends the format.</summary>
    public async ValueTask FinishAsync(CancellationToken cancellationToken)
    {
        if (_filling is not null)
        {
            await StartAsync(cancellationToken).ConfigureAwait(false);
        }

        while (_inFlight.Count > 0)
        {
            await PassOnAsync(cancellationToken).ConfigureAwait(false);
        }

        await BeginAsync(cancellationToken).ConfigureAwait(false);
        await destination.WriteAsync(format.Tail(), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer) => throw new NotSupportedException("Write asynchronously.");

    /// <summary>Does nothing: a block is passed on when it is full.</summary>
    public override void Flush()
    {
    }

    /// <summary>Waits for the threads that are still at it, so that none outlives the format it uses.</summary>
    public override async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_inFlight.Select(f => f.Done)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        if (_inFlight.Count == jobs)
        {
            await PassOnAsync(cancellationToken).ConfigureAwait(false);
        }

        var block = _filling!;
        _filling = null;
        _inFlight.Enqueue((block, Task.Run(() => block.Compress(format), CancellationToken.None)));
    }

    private async ValueTask PassOnAsync(CancellationToken cancellationToken)
    {
        await BeginAsync(cancellationToken).ConfigureAwait(false);
        var (block, done) = _inFlight.Dequeue();
        await done.ConfigureAwait(false);
        await destination.WriteAsync(block.Compressed, cancellationToken).ConfigureAwait(false);
        block.Clear();
        _idle.Push(block);
    }

    private async ValueTask BeginAsync(CancellationToken cancellationToken)
    {
        if (!_begun)
        {
            _begun = true;
            await destination.WriteAsync(format.Head, cancellationToken).ConfigureAwait(false);
        }
    }

#pragma warning disable CA1001 // A MemoryStream holds nothing but memory.
    private sealed class Block(int size)
#pragma warning restore CA1001
    {
        private readonly byte[] _content = GC.AllocateUninitializedArray<byte>(size);
        private readonly MemoryStream _compressed = new(size);
        private int _length;

        public bool IsFull => _length == _content.Length;

        public ReadOnlyMemory<byte> Compressed => _compressed.GetBuffer().AsMemory(0, (int)_compressed.Length);

        public int Take(ReadOnlySpan<byte> content)
        {
            var count = Math.Min(content.Length, _content.Length - _length);
            content[..count].CopyTo(_content.AsSpan(_length));
            _length += count;
            return count;
        }

        public void Compress(BlockFormat format) => format.Compress(_content.AsSpan(0, _length), _compressed);

        public void Clear()
        {
            _length = 0;
            _compressed.SetLength(0);
        }
    }
}
