using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Layers;

/// <summary>Reads gzip of one or many members and knows whether it is whole.</summary>
/// <remarks>
/// The end of the stream is only seen when the last member ended with the right length and CRC and nothing but
/// members followed. Disposing disposes the source.
/// Source: https://www.rfc-editor.org/rfc/rfc1952
/// </remarks>
internal sealed class GzipReader(Stream source) : ReadOnlyStream
{
    private readonly Inflate _inflate = new();
    private readonly byte[] _input = new byte[StreamSizes.CopyBytes];
    private int _start;
    private int _end;
    private bool _memberBegun;

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">It is no gzip, damaged, or truncated.</exception>
    public override int Read(Span<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            if (_start == _end && !Take(source.Read(_input)))
            {
                return 0;
            }

            if (Advance(buffer) is > 0 and var produced)
            {
                return produced;
            }
        }

        return 0;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">It is no gzip, damaged, or truncated.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (buffer.Length > 0)
        {
            if (_start == _end && !Take(await source.ReadAsync(_input, cancellationToken).ConfigureAwait(false)))
            {
                return 0;
            }

            if (Advance(buffer.Span) is > 0 and var produced)
            {
                return produced;
            }
        }

        return 0;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inflate.Dispose();
            source.Dispose();
        }

        base.Dispose(disposing);
    }

    // False at the end of the source, which is only allowed between two members, and after at least one.
    private bool Take(int count)
    {
        _start = 0;
        _end = count;
        if (count == 0 && !_inflate.Ended)
        {
            throw new InvalidDataException(_memberBegun ? "the gzip stream is truncated" : "the gzip stream is empty");
        }

        return count > 0;
    }

    private int Advance(Span<byte> buffer)
    {
        if (_inflate.Ended)
        {
            _inflate.Reset();
        }

        _memberBegun = true;
        var (consumed, produced) = _inflate.Run(_input.AsSpan(_start, _end - _start), buffer);
        _start += consumed;
        return produced;
    }
}
