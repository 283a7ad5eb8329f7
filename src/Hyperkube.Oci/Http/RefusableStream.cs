using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Http;

/// <summary>A connection from which an answer is still read when the far side has hung up on the body; it owns the connection.</summary>
/// <remarks>
/// Whoever refuses a body answers, and closes: the write that fails next would make .NET throw the connection away, with the reason
/// that has come on it. A failed write of a body passes for done here, and its <see cref="BodySending"/> is told; everything else fails
/// as ever. Source: https://www.rfc-editor.org/rfc/rfc9112#section-9.6
/// </remarks>
internal sealed class RefusableStream(Stream connection) : ForwardStream
{
    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        connection.ReadAsync(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        BodySending.Current is { } sending
            ? WriteBodyAsync(sending, buffer, cancellationToken)
            : connection.WriteAsync(buffer, cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => connection.FlushAsync(cancellationToken);

    public override void Flush() => connection.Flush();

    public override int Read(byte[] buffer, int offset, int count) => connection.Read(buffer, offset, count);

    public override void Write(byte[] buffer, int offset, int count) => connection.Write(buffer, offset, count);

    public override async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            connection.Dispose();
        }

        base.Dispose(disposing);
    }

    private async ValueTask WriteBodyAsync(BodySending sending, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        if (sending.IsCutOff)
        {
            return;
        }

        try
        {
            await connection.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException)
        {
            sending.NoteCutOff();
        }
    }
}
