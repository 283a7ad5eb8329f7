using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Hyperkube.Sigstore.Curves;

/// <summary>A number of 384 bits, least significant part first.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Number384(ulong N0, ulong N1, ulong N2, ulong N3, ulong N4, ulong N5)
{
    internal const int Bits = 384;
    internal const int Bytes = Bits / 8;

    internal bool IsZero => (N0 | N1 | N2 | N3 | N4 | N5) == 0;

    internal bool IsEven => (N0 & 1) == 0;

    /// <summary>Reads a number, most significant byte first; its leading zeros may be missing, or be more.</summary>
    /// <returns>False when it has more than 384 bits.</returns>
    internal static bool TryRead(ReadOnlySpan<byte> bytes, out Number384 number)
    {
        bytes = bytes.TrimStart((byte)0);
        if (bytes.Length > Bytes)
        {
            number = default;
            return false;
        }

        Span<byte> whole = stackalloc byte[Bytes];
        whole.Clear();
        bytes.CopyTo(whole[^bytes.Length..]);
        number = new Number384(Part(whole, 0), Part(whole, 1), Part(whole, 2), Part(whole, 3), Part(whole, 4), Part(whole, 5));
        return true;
    }

    /// <summary>Reads a constant of this program, in hex digits.</summary>
    internal static Number384 Of(string hex) =>
        TryRead(Convert.FromHexString(hex), out var number) ? number : throw new ArgumentException("More than 384 bits.", nameof(hex));

    /// <summary>Half of it, rounded down.</summary>
    /// <param name="above">The bit above the 384.</param>
    internal Number384 Half(ulong above) => new(
        (N0 >> 1) | (N1 << 63), (N1 >> 1) | (N2 << 63), (N2 >> 1) | (N3 << 63),
        (N3 >> 1) | (N4 << 63), (N4 >> 1) | (N5 << 63), (N5 >> 1) | (above << 63));

    internal bool IsLessThan(in Number384 other)
    {
        _ = Subtract(this, other, out var borrow);
        return borrow != 0;
    }

    /// <summary>The sum, and what does not fit into it.</summary>
    internal static Number384 Add(in Number384 a, in Number384 b, out ulong carry)
    {
        var n0 = Add(a.N0, b.N0, 0, out var c);
        var n1 = Add(a.N1, b.N1, c, out c);
        var n2 = Add(a.N2, b.N2, c, out c);
        var n3 = Add(a.N3, b.N3, c, out c);
        var n4 = Add(a.N4, b.N4, c, out c);
        var n5 = Add(a.N5, b.N5, c, out c);
        carry = c;
        return new Number384(n0, n1, n2, n3, n4, n5);
    }

    /// <summary>The difference, and 1 when it is below zero.</summary>
    internal static Number384 Subtract(in Number384 a, in Number384 b, out ulong borrow)
    {
        var n0 = Subtract(a.N0, b.N0, 0, out var c);
        var n1 = Subtract(a.N1, b.N1, c, out c);
        var n2 = Subtract(a.N2, b.N2, c, out c);
        var n3 = Subtract(a.N3, b.N3, c, out c);
        var n4 = Subtract(a.N4, b.N4, c, out c);
        var n5 = Subtract(a.N5, b.N5, c, out c);
        borrow = c;
        return new Number384(n0, n1, n2, n3, n4, n5);
    }

    /// <summary>The first number where the mask is all ones, the second where it is zero: a choice that no branch has to guess.</summary>
    internal static Number384 Choose(ulong mask, in Number384 a, in Number384 b) => new(
        b.N0 ^ ((a.N0 ^ b.N0) & mask), b.N1 ^ ((a.N1 ^ b.N1) & mask), b.N2 ^ ((a.N2 ^ b.N2) & mask),
        b.N3 ^ ((a.N3 ^ b.N3) & mask), b.N4 ^ ((a.N4 ^ b.N4) & mask), b.N5 ^ ((a.N5 ^ b.N5) & mask));

    // The carry comes back by value where it is inlined: by reference it would go through memory at each step.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Add(ulong a, ulong b, ulong carried, out ulong carry)
    {
        var sum = a + carried;
        var all = sum + b;
        carry = (sum < carried ? 1UL : 0) | (all < b ? 1UL : 0);
        return all;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Subtract(ulong a, ulong b, ulong borrowed, out ulong borrow)
    {
        var difference = a - b;
        borrow = (a < b ? 1UL : 0) | (difference < borrowed ? 1UL : 0);
        return difference - borrowed;
    }

    private static ulong Part(ReadOnlySpan<byte> whole, int i) => BinaryPrimitives.ReadUInt64BigEndian(whole[^(8 * (i + 1))..]);
}
