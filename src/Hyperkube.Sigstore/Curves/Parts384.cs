using System.Runtime.CompilerServices;

namespace Hyperkube.Sigstore.Curves;

/// <summary>A number of up to 392 bits in fourteen parts of 28, least significant first.</summary>
/// <remarks>
/// Sums of products of such parts fit into 64 bits, so that carries wait for the end, and no processor needs to have more than an
/// ordinary multiplication (of 64-bit parts it would want the upper half, which the published program may not count on:
/// docs/decisions/0007-p384-in-managed-code.md).
/// </remarks>
[InlineArray(Count)]
internal struct Parts384
{
    internal const int Count = 14;
    internal const int Bits = 28;
    internal const long Mask = (1 << Bits) - 1;

    private long _first;

    /// <summary>The lower 384 bits.</summary>
    internal readonly Number384 Number => new(
        At(0) | (At(1) << 28) | (At(2) << 56),
        (At(2) >> 8) | (At(3) << 20) | (At(4) << 48),
        (At(4) >> 16) | (At(5) << 12) | (At(6) << 40),
        (At(6) >> 24) | (At(7) << 4) | (At(8) << 32) | (At(9) << 60),
        (At(9) >> 4) | (At(10) << 24) | (At(11) << 52),
        (At(11) >> 12) | (At(12) << 16) | (At(13) << 44));

    /// <summary>The others.</summary>
    internal readonly ulong Above => At(13) >> 20;

    internal static Parts384 Of(in Number384 number)
    {
        Parts384 parts = default;
        parts[0] = Low(number.N0);
        parts[1] = Low(number.N0 >> 28);
        parts[2] = Low((number.N0 >> 56) | (number.N1 << 8));
        parts[3] = Low(number.N1 >> 20);
        parts[4] = Low((number.N1 >> 48) | (number.N2 << 16));
        parts[5] = Low(number.N2 >> 12);
        parts[6] = Low((number.N2 >> 40) | (number.N3 << 24));
        parts[7] = Low(number.N3 >> 4);
        parts[8] = Low(number.N3 >> 32);
        parts[9] = Low((number.N3 >> 60) | (number.N4 << 4));
        parts[10] = Low(number.N4 >> 24);
        parts[11] = Low((number.N4 >> 52) | (number.N5 << 12));
        parts[12] = Low(number.N5 >> 16);
        parts[13] = Low(number.N5 >> 44);
        return parts;
    }

    /// <summary>The lowest part of a sum, which may be negative: it stays at its place, and the rest is carried on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static long Low(long sum, ref long carry)
    {
        sum += carry;
        carry = sum >> Bits;
        return sum & Mask;
    }

    private static long Low(ulong number) => (long)number & Mask;

    private readonly ulong At(int i) => (ulong)this[i];
}
