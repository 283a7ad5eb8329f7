using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Microsoft.Win32.SafeHandles;

namespace Hyperkube.Host;

/// <summary>A blob on its way whose bytes stay behind when the run is ended: what has come before is read from the disk, the rest from
/// the source, and written down as it passes.</summary>
/// <remarks>It verifies nothing: what is around it does. A disk that takes no more ends the writing down, not the reading.</remarks>
internal sealed class PartialBlob : KeptBlob
{
    internal const string Prefix = ".hyperkube-part-";

    /// <summary>Less than this comes anew faster than it is found and hashed.</summary>
    internal const long WorthKeepingBytes = 1 << 20;

    private readonly HostDirectory _directory;
    private readonly IContentSource _source;
    private readonly Descriptor _blob;
    private readonly SafeFileHandle _part;
    private readonly long _found;
    private bool _isKept = true;
    private long _offset;
    private Stream? _rest;

    private PartialBlob(HostDirectory directory, IContentSource source, Descriptor blob, SafeFileHandle part, long found) =>
        (_directory, _source, _blob, _part, _found) = (directory, source, blob, part, found);

    /// <inheritdoc/>
    internal override bool IsResumed => _found > 0;

    /// <summary>Opens a blob; the caller disposes it.</summary>
    internal static PartialBlob Open(HostDirectory directory, IContentSource source, Descriptor blob)
    {
        var part = directory.OpenOrCreate(NameOf(blob));
        var found = RandomAccess.GetLength(part);
        if (found > blob.Size)
        {
            RandomAccess.SetLength(part, 0);
            found = 0;
        }

        Posix.TryAllocate(part, blob.Size); // If there is no space, it is seen when it is written.
        return new PartialBlob(directory, source, blob, part, found);
    }

    /// <summary>Under which name a blob is on its way.</summary>
    internal static string NameOf(Descriptor blob) => Prefix + blob.Digest.Hex;

    /// <summary>How much of a blob's space is taken already: what has come before, and what was taken for the rest.</summary>
    internal static long TakenOf(HostDirectory directory, Descriptor blob) =>
        directory.TryStat(NameOf(blob)) is { } part ? Math.Max(part.Size, part.Allocated) : 0;

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_offset < _found)
        {
            var wanted = buffer[..(int)Math.Min(buffer.Length, _found - _offset)];
            var read = RandomAccess.Read(_part, wanted.Span, _offset);
            _offset += read > 0 ? read : throw new IOException($"{_directory.Seen(NameOf(_blob))}: ended early");
            return read;
        }

        if (_offset == _blob.Size)
        {
            return 0; // Also when all of it had come: then nobody is asked.
        }

        _rest ??= await _source.OpenAtAsync(_blob, _offset, cancellationToken).ConfigureAwait(false);
        var count = await _rest.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        WriteDown(buffer.Span[..count]);
        _offset += count;
        return count;
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer) => throw new NotSupportedException("A network is read asynchronously.");

    /// <inheritdoc/>
    internal override void Forget()
    {
        _isKept = false;
        _directory.Remove(NameOf(_blob));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _rest?.Dispose();
            _part.Dispose();
        }

        base.Dispose(disposing);
    }

    private void WriteDown(ReadOnlySpan<byte> bytes)
    {
        if (!_isKept || bytes.IsEmpty)
        {
            return;
        }

        try
        {
            RandomAccess.Write(_part, bytes, _offset);
        }
        catch (IOException)
        {
            Forget();
        }
    }
}
