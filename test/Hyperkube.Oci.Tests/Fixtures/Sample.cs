namespace Hyperkube.Oci.Tests.Fixtures;

/// <summary>Content that is the same on every machine and in every run.</summary>
internal static class Sample
{
    /// <summary>Bytes of which each carries four bits of chance, so that a compressor has something to do.</summary>
    public static byte[] Bytes(int count, uint seed = 1)
    {
        var state = seed;
        var bytes = new byte[count];
        foreach (ref var b in bytes.AsSpan())
        {
            unchecked
            {
                state = (state * 1664525) + 1013904223;
            }

            b = (byte)('a' + (state >> 28));
        }

        return bytes;
    }

    /// <summary>Bytes of which no compressor makes fewer.</summary>
    public static byte[] Noise(int count)
    {
        var state = 1UL;
        var bytes = new byte[count];
        foreach (ref var b in bytes.AsSpan())
        {
            unchecked
            {
                state = (state * 6364136223846793005) + 1442695040888963407;
            }

            b = (byte)(state >> 56);
        }

        return bytes;
    }

    public static Descriptor Describe(ReadOnlySpan<byte> content, string mediaType = MediaTypes.Bytes) =>
        Descriptor.Of(mediaType, content);
}
