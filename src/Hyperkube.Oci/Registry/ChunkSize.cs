namespace Hyperkube.Oci.Registry;

/// <summary>How large the next chunk of an upload is: smaller after trouble, larger again once that has passed.</summary>
/// <remarks>Not thread safe.</remarks>
internal sealed class ChunkSize
{
    /// <summary>Some registries store each chunk as an object: fewer, larger ones.</summary>
    internal const long LargestBytes = 16 << 20;

    /// <summary>A line that cannot carry this much in one go carries nothing.</summary>
    internal const long SmallestBytes = 32 * 1024;

    /// <summary>Five steps lead from the largest to the smallest.</summary>
    private const int Step = 4;

    private long _limit = LargestBytes;
    private int _taken;
    private int _neededToGrow = 4; // What a growth too far costs is then no more than what four chunks bring.
    private bool _hasGrown;

    /// <summary>How many bytes.</summary>
    internal long Bytes { get; private set; } = LargestBytes;

    /// <summary>Notes that a chunk went through.</summary>
    internal void Grow()
    {
        if (++_taken >= _neededToGrow && Bytes * Step <= _limit)
        {
            (Bytes, _taken, _hasGrown) = (Bytes * Step, 0, true);
        }
    }

    /// <summary>Notes that nothing of a chunk came through. If it had grown to that, the next growth takes twice as long: some lines never
    /// carry more.</summary>
    /// <param name="length">How much had been tried.</param>
    /// <param name="isTooLarge">Whether somebody said so: then it never grows to that again.</param>
    internal void Shrink(long length, bool isTooLarge)
    {
        _limit = isTooLarge ? Math.Min(_limit, length - 1) : _limit;
        Bytes = Math.Max(SmallestBytes, length / Step);
        _neededToGrow = _hasGrown ? Math.Min(_neededToGrow * 2, int.MaxValue / 2) : _neededToGrow;
        (_taken, _hasGrown) = (0, false);
    }
}
