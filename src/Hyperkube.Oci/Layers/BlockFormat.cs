namespace Hyperkube.Oci.Layers;

/// <summary>A compressed format that is made of blocks which do not know each other, so that they can be compressed
/// at the same time and the bytes do not depend on how many are.</summary>
internal abstract class BlockFormat : IDisposable
{
    /// <summary>How much is compressed at once. Part of the promise: another number makes other bytes.</summary>
    public abstract int BlockBytes { get; }

    /// <summary>What stands before the first block.</summary>
    public virtual ReadOnlyMemory<byte> Head => default;

    /// <summary>Compresses one block. Called by several threads at once.</summary>
    /// <param name="block">At least one byte.</param>
    /// <param name="output">Empty; what it holds at the end is the block.</param>
    public abstract void Compress(ReadOnlySpan<byte> block, MemoryStream output);

    /// <summary>Looks at all that goes in, in order, before it is compressed.</summary>
    public virtual void Account(ReadOnlySpan<byte> content)
    {
    }

    /// <summary>What stands after the last block.</summary>
    public virtual ReadOnlyMemory<byte> Tail() => default;

    /// <summary>Chooses the format.</summary>
    public static BlockFormat For(LayerCompression compression) => compression.Algorithm switch
    {
        CompressionAlgorithm.Gzip => new GzipFormat(compression.Level),
        _ => new ZstdFormat(compression.Level),
    };

    public virtual void Dispose()
    {
    }
}
