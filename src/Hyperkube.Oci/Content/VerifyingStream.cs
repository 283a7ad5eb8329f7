using System.Security.Cryptography;

namespace Hyperkube.Oci.Content;

/// <summary>Reads a blob and refuses to end unless every byte matched its descriptor.</summary>
/// <remarks>
/// A reader that sees the end of the stream may trust all it has read. One that stops earlier has verified nothing.
/// At most one byte more than promised is asked of the source, so a hostile server cannot fill the disk.
/// Disposing disposes the source.
/// </remarks>
/// <param name="source">The bytes.</param>
/// <param name="expected">What they must be.</param>
/// <param name="where">Which content, for the message of a failure.</param>
/// <param name="progress">Told the bytes read so far.</param>
public sealed class VerifyingStream(
    Stream source, Descriptor expected, string where = "content", IProgress<long>? progress = null) : ReadOnlyStream
{
    private IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _read;
    private bool _verified;
    private IProgress<long>? _progress = progress;

    /// <summary>The stream itself if it verifies the very same content already, else one around it.</summary>
    public static VerifyingStream Around(Stream source, Descriptor expected, string where = "content")
    {
        ArgumentNullException.ThrowIfNull(expected);
        return source is VerifyingStream { _read: 0 } already && already.IsOf(expected)
            ? already
            : new VerifyingStream(source, expected, where);
    }

    /// <summary>Goes on behind a beginning that was read before.</summary>
    /// <param name="source">The rest.</param>
    /// <param name="expected">What the whole must be.</param>
    /// <param name="hash">Of the beginning; disposed with the stream.</param>
    /// <param name="length">Of the beginning, in bytes.</param>
    /// <param name="where">Which content, for the message of a failure.</param>
    public static VerifyingStream Behind(Stream source, Descriptor expected, IncrementalHash hash, long length, string where = "content")
    {
        VerifyingStream stream = new(source, expected, where);
        stream._hash.Dispose();
        (stream._hash, stream._read) = (hash, length);
        return stream;
    }

    /// <summary>The promised length, in bytes.</summary>
    public override long Length => expected.Size;

    /// <inheritdoc/>
    /// <exception cref="DigestMismatchException">The content is shorter, longer or other than promised.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var window = buffer[..WindowLength(buffer.Length)];
        var count = await source.ReadAsync(window, cancellationToken).ConfigureAwait(false);
        return Account(buffer.Span, count);
    }

    /// <inheritdoc/>
    /// <exception cref="DigestMismatchException">The content is shorter, longer or other than promised.</exception>
    public override int Read(Span<byte> buffer)
    {
        var count = source.Read(buffer[..WindowLength(buffer.Length)]);
        return Account(buffer, count);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
            source.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Tells somebody else the bytes read so far.</summary>
    internal void Tell(IProgress<long> listener) => _progress = listener;

    private bool IsOf(Descriptor content) => expected.Digest == content.Digest && expected.Size == content.Size;

    // One byte past the promise, so that too much content is seen rather than cut off.
    private int WindowLength(int wanted) => (int)Math.Min(wanted, expected.Size - _read + 1);

    private int Account(ReadOnlySpan<byte> buffer, int count)
    {
        if (_verified)
        {
            return 0;
        }

        _hash.AppendData(buffer[..count]);
        _read += count;

        if (_read > expected.Size || (count == 0 && buffer.Length > 0))
        {
            Verify();
        }

        _progress?.Report(_read);
        return count;
    }

    private void Verify()
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        _hash.GetCurrentHash(hash);
        var actual = Digest.FromHash(hash);

        if (_read != expected.Size || actual != expected.Digest)
        {
            throw new DigestMismatchException(where, expected, actual, _read);
        }

        _verified = true;
    }
}
