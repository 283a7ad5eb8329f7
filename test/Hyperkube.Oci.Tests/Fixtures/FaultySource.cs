using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Tests.Fixtures;

/// <summary>A source whose n-th read fails, counted over all that is opened.</summary>
internal sealed class FaultySource(IContentSource inner, int failAt, Exception fault) : IContentSource
{
    private int _reads;
    private int _open;

    private Exception Fault => fault;

    /// <summary>Streams that were opened and not closed.</summary>
    public int Open => _open;

    public ValueTask<Descriptor?> ResolveAsync(string? reference, CancellationToken cancellationToken) =>
        inner.ResolveAsync(reference, cancellationToken);

    public async ValueTask<Stream> OpenAsync(Descriptor content, CancellationToken cancellationToken)
    {
        var stream = await inner.OpenAsync(content, cancellationToken);
        Interlocked.Increment(ref _open);
        return new Reads(this, stream);
    }

    public async ValueTask<Stream> OpenAtAsync(Descriptor content, long offset, CancellationToken cancellationToken)
    {
        var stream = await inner.OpenAtAsync(content, offset, cancellationToken);
        Interlocked.Increment(ref _open);
        return new Reads(this, stream);
    }

    public ValueTask<IReadOnlyList<Descriptor>> ReferrersAsync(Digest subject, CancellationToken cancellationToken) =>
        inner.ReferrersAsync(subject, cancellationToken);

    private bool IsFault() => Interlocked.Increment(ref _reads) == failAt;

    private sealed class Reads(FaultySource source, Stream stream) : ReadOnlyStream
    {
        public override int Read(Span<byte> buffer) => throw new NotSupportedException();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            source.IsFault() ? throw source.Fault : stream.ReadAsync(buffer, cancellationToken);

        protected override void Dispose(bool disposing)
        {
            Interlocked.Decrement(ref source._open);
            stream.Dispose();
            base.Dispose(disposing);
        }
    }
}
