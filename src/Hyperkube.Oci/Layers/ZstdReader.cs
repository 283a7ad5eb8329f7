using Hyperkube.Oci.Content;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Hyperkube.Oci.Layers;

/// <summary>Reads zstd of one or many frames and knows whether it is whole. Disposing disposes the source.</summary>
/// <remarks>Source: https://www.rfc-editor.org/rfc/rfc8878</remarks>
internal sealed class ZstdReader : ReadOnlyStream
{
    /// <summary>Windows above 128 MiB are refused: no tool of this field writes them by default.</summary>
    private const int MaxWindowLog = 27;

    private readonly DecompressionStream _content;
    private bool _hasContent;

    internal ZstdReader(Stream source)
    {
        _content = new DecompressionStream(source, StreamSizes.CopyBytes, checkEndOfStream: true, leaveOpen: false);
        _content.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, MaxWindowLog);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">It is no zstd, damaged, or truncated.</exception>
    public override int Read(Span<byte> buffer)
    {
        try
        {
            return Account(_content.Read(buffer), buffer.Length);
        }
        catch (Exception e) when (e is ZstdException or EndOfStreamException)
        {
            throw Damaged(e);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">It is no zstd, damaged, or truncated.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return Account(await _content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false), buffer.Length);
        }
        catch (Exception e) when (e is ZstdException or EndOfStreamException)
        {
            throw Damaged(e);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _content.Dispose();
        }

        base.Dispose(disposing);
    }

    // No layer is empty, and the decoder takes no input at all for a whole stream.
    private int Account(int count, int wanted)
    {
        _hasContent |= count > 0;
        return _hasContent || wanted == 0 ? count : throw new InvalidDataException("the zstd stream is empty");
    }

    private static InvalidDataException Damaged(Exception e) =>
        new(e is EndOfStreamException ? "the zstd stream is truncated" : $"the zstd stream is damaged: {e.Message}", e);
}
