using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Tests.Fixtures;

/// <summary>Gives at most a few bytes at a time, as a slow line does.</summary>
internal sealed class TrickleStream(byte[] content, int atMost = 1) : ReadOnlyStream
{
    private int _position;

    /// <summary>Whether its owner has let go of it.</summary>
    public bool IsDisposed { get; private set; }

    public override int Read(Span<byte> buffer)
    {
        var count = Math.Min(Math.Min(buffer.Length, atMost), content.Length - _position);
        content.AsSpan(_position, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Read(buffer.Span));
    }

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
        base.Dispose(disposing);
    }
}
