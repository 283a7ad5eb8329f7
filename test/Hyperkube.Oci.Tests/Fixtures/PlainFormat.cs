using Hyperkube.Oci.Layers;

namespace Hyperkube.Oci.Tests.Fixtures;

/// <summary>Puts each block in brackets, so that a test sees which blocks were made, and may hold one back.</summary>
internal sealed class PlainFormat(int blockBytes) : BlockFormat
{
    private readonly List<byte> _accounted = [];
    private int _running;

    public override int BlockBytes => blockBytes;

    public override ReadOnlyMemory<byte> Head => "<"u8.ToArray();

    /// <summary>How many blocks are being compressed at this moment.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>The most that ever were.</summary>
    public int MostRunning { get; private set; }

    /// <summary>What each block waits for.</summary>
    public ManualResetEventSlim Gate { get; } = new(initialState: true);

    /// <summary>Thrown by the block that begins with this byte.</summary>
    public (byte First, Exception Fault)? Fault { get; init; }

    public byte[] Accounted => [.. _accounted];

    public override void Account(ReadOnlySpan<byte> content) => _accounted.AddRange(content);

    public override void Compress(ReadOnlySpan<byte> block, MemoryStream output)
    {
        MostRunning = Math.Max(Interlocked.Increment(ref _running), MostRunning);
        try
        {
            Gate.Wait();
            if (Fault is var (first, fault) && block[0] == first)
            {
                throw fault;
            }

            output.Write("["u8);
            output.Write(block);
            output.Write("]"u8);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    public override ReadOnlyMemory<byte> Tail() => ">"u8.ToArray();

    public override void Dispose()
    {
        Gate.Dispose();
        base.Dispose();
    }
}
