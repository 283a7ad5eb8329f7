using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace Hyperkube.Oci.Layers;

/// <summary>One gzip member whose deflate stream is cut at every block, as <c>pigz --independent</c> cuts it.</summary>
/// <remarks>
/// Each block is compressed without sight of the one before it and ends with a sync flush, that is on a byte
/// boundary; an empty last block ends the stream. Any gunzip reads the result as one ordinary file.
/// Source: https://www.rfc-editor.org/rfc/rfc1952, https://www.rfc-editor.org/rfc/rfc1951
/// </remarks>
internal sealed class GzipFormat(int level) : BlockFormat
{
    private const byte OsUnknown = 255; // So that no reader learns, and no byte depends on, where it was made.

    private readonly ZLibCompressionOptions _options = new() { CompressionLevel = level };
    private readonly Crc32 _crc = new();
    private uint _length;

    /// <summary>1 MiB: 0.2 % larger than blocks of 4 MiB on a kubectl, and a quarter of the memory.</summary>
    public override int BlockBytes => 1 << 20;

    /// <summary>No name, no time; the extra flag tells the strongest and the fastest level, as gzip itself does.</summary>
    public override ReadOnlyMemory<byte> Head =>
        new byte[] { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, level switch { 9 => 2, 1 => 4, _ => 0 }, OsUnknown };

    // The block goes in with one write: the encoder's output depends on the size of its writes.
    public override void Compress(ReadOnlySpan<byte> block, MemoryStream output)
    {
        using DeflateStream deflate = new(output, _options, leaveOpen: true);
        deflate.Write(block);
        deflate.Flush();
        var end = output.Length;
        deflate.Dispose(); // Writes the end of a stream, which only the last block may have.
        output.SetLength(end);
    }

    public override void Account(ReadOnlySpan<byte> content)
    {
        _crc.Append(content);
        unchecked
        {
            _length += (uint)content.Length; // Modulo 2^32, as the format wants it.
        }
    }

    public override ReadOnlyMemory<byte> Tail()
    {
        var tail = new byte[10];
        tail[0] = 3; // An empty, last block with fixed codes.
        BinaryPrimitives.WriteUInt32LittleEndian(tail.AsSpan(2), _crc.GetCurrentHashAsUInt32());
        BinaryPrimitives.WriteUInt32LittleEndian(tail.AsSpan(6), _length);
        return tail;
    }
}
