using System.Security.Cryptography;

namespace Hyperkube.Oci.Content;

/// <summary>Passes writes on to another stream and keeps the digest and the length of everything written.</summary>
/// <remarks>
/// Stack two around a compressor and one pass yields both digests of a layer: the outer one is the diff ID of the
/// tar, the inner one the digest of the compressed blob. The destination stays open: whoever opened it closes it.
/// Not thread safe.
/// </remarks>
public sealed class HashingStream(Stream destination) : WriteOnlyStream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Bytes written so far.</summary>
    public long Written { get; private set; }

    /// <summary>The digest of the bytes written so far; writing may go on after it.</summary>
    public Digest CurrentDigest()
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        _hash.GetCurrentHash(hash);
        return Digest.FromHash(hash);
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        destination.Write(buffer);
        Account(buffer);
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await destination.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        Account(buffer.Span);
    }

    /// <inheritdoc/>
    public override void Flush() => destination.Flush();

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => destination.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }

    // After the write, so that a failed write is not counted.
    private void Account(ReadOnlySpan<byte> written)
    {
        _hash.AppendData(written);
        Written += written.Length;
    }
}
