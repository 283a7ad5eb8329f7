using System.Runtime.CompilerServices;

namespace Hyperkube.Sigstore.Curves;

/// <summary>Arithmetic modulo an odd number whose highest bit is set. Numbers stand for themselves times 2^392, as Montgomery has it:
/// then no product has to be divided.</summary>
/// <remarks>
/// A product is taken in fourteen parts of 28 bits: all that is added up fits into 64 bits, so that carries wait for the end, and no
/// processor needs to have more than an ordinary multiplication (of 64-bit parts it would want the upper half, which the published
/// program may not count on: docs/decisions/0007-p384-in-managed-code.md).
/// The time that it takes depends on the numbers: for public ones only.
/// Source: Peter L. Montgomery, Modular multiplication without trial division, 1985; Koç, Acar, Kaliski, Analyzing and comparing
/// Montgomery multiplication algorithms, 1996 (CIOS)
/// </remarks>
internal sealed class Modulus384
{
    private readonly Number384 _modulus;
    private readonly Number384 _lessTwo;
    private readonly Parts _parts;
    private readonly uint _inverse;
    private readonly Number384 _square;

    internal Modulus384(Number384 modulus)
    {
        _modulus = modulus;
        _lessTwo = Number384.Subtract(modulus, new Number384(2, 0, 0, 0, 0, 0), out _);
        _parts = Parts.Of(modulus);

        // Newton's way to -1/m modulo 2^32: each step doubles the bits that are right, from three on.
        var inverse = (uint)modulus.N0;
        for (var i = 0; i < 4; i++)
        {
            inverse *= 2 - ((uint)modulus.N0 * inverse);
        }

        _inverse = 0 - inverse;

        // The highest bit is set, so that what is missing to the modulus is 2^384; from there to 2^392 and 2^784.
        var power = Number384.Subtract(default, modulus, out _);
        One = Double(power, Parts.Count * Parts.Bits - Number384.Bits);
        _square = Double(One, Parts.Count * Parts.Bits);
    }

    /// <summary>What one stands for.</summary>
    internal Number384 One { get; }

    /// <summary>Whether a number is below the modulus.</summary>
    internal bool Has(in Number384 number) => number.IsLessThan(_modulus);

    /// <summary>A number modulo this, for one below 2^384.</summary>
    internal Number384 Reduce(in Number384 number) => Reduce(number, 0);

    /// <summary>A number as it is counted with here.</summary>
    internal Number384 Enter(in Number384 number) => Multiply(number, _square);

    /// <summary>What it stands for.</summary>
    internal Number384 Leave(in Number384 number) => Multiply(number, new Number384(1, 0, 0, 0, 0, 0));

    internal Number384 Add(in Number384 a, in Number384 b)
    {
        var sum = Number384.Add(a, b, out var carry);
        return Reduce(sum, carry);
    }

    internal Number384 Subtract(in Number384 a, in Number384 b)
    {
        var difference = Number384.Subtract(a, b, out var borrow);
        return Number384.Add(difference, Number384.Choose(0 - borrow, _modulus, default), out _);
    }

    internal Number384 Square(in Number384 a) => Multiply(a, a);

    internal Number384 Multiply(in Number384 a, in Number384 b)
    {
        var x = Parts.Of(a);
        ulong t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0, t5 = 0, t6 = 0, t7 = 0, t8 = 0, t9 = 0, t10 = 0, t11 = 0, t12 = 0;

        // Adds a times one part of b and as much of the modulus as makes the lowest part zero, and leaves that part away. Fourteen times
        // two products of 56 bits, and what is carried, are less than 2^61.
        foreach (ulong y in Parts.Of(b))
        {
            t0 += x[0] * y;
            ulong m = ((uint)t0 * _inverse) & Parts.Mask;
            t0 = ((t0 + (m * _parts[0])) >> Parts.Bits) + t1 + (x[1] * y) + (m * _parts[1]);
            t1 = t2 + (x[2] * y) + (m * _parts[2]);
            t2 = t3 + (x[3] * y) + (m * _parts[3]);
            t3 = t4 + (x[4] * y) + (m * _parts[4]);
            t4 = t5 + (x[5] * y) + (m * _parts[5]);
            t5 = t6 + (x[6] * y) + (m * _parts[6]);
            t6 = t7 + (x[7] * y) + (m * _parts[7]);
            t7 = t8 + (x[8] * y) + (m * _parts[8]);
            t8 = t9 + (x[9] * y) + (m * _parts[9]);
            t9 = t10 + (x[10] * y) + (m * _parts[10]);
            t10 = t11 + (x[11] * y) + (m * _parts[11]);
            t11 = t12 + (x[12] * y) + (m * _parts[12]);
            t12 = (x[13] * y) + (m * _parts[13]);
        }

        // Less than twice the modulus: what is above the 384 bits is one or nothing.
        Parts sums = default;
        ulong carry = 0;
        sums[0] = Parts.Low(t0, ref carry);
        sums[1] = Parts.Low(t1, ref carry);
        sums[2] = Parts.Low(t2, ref carry);
        sums[3] = Parts.Low(t3, ref carry);
        sums[4] = Parts.Low(t4, ref carry);
        sums[5] = Parts.Low(t5, ref carry);
        sums[6] = Parts.Low(t6, ref carry);
        sums[7] = Parts.Low(t7, ref carry);
        sums[8] = Parts.Low(t8, ref carry);
        sums[9] = Parts.Low(t9, ref carry);
        sums[10] = Parts.Low(t10, ref carry);
        sums[11] = Parts.Low(t11, ref carry);
        sums[12] = Parts.Low(t12, ref carry);
        sums[13] = (uint)carry;
        return Reduce(sums.Number, sums.Above);
    }

    /// <summary>One over a number, which is not zero: for a prime modulus.</summary>
    /// <remarks>By Fermat: a to the power of the modulus less two.</remarks>
    internal Number384 Invert(in Number384 a)
    {
        Span<Number384> powers = stackalloc Number384[16];
        powers[0] = One;
        for (var i = 1; i < powers.Length; i++)
        {
            powers[i] = Multiply(powers[i - 1], a);
        }

        var result = One;
        for (var i = 0; i < Number384.Bits / 4; i++)
        {
            result = Square(Square(Square(Square(result))));
            result = Multiply(result, powers[_lessTwo.Nibble(i)]);
        }

        return result;
    }

    // Of less than twice the modulus.
    private Number384 Reduce(in Number384 number, ulong above)
    {
        var less = Number384.Subtract(number, _modulus, out var borrow);
        return Number384.Choose(0 - (borrow & ~above), number, less);
    }

    private Number384 Double(Number384 number, int times)
    {
        for (var i = 0; i < times; i++)
        {
            number = Add(number, number);
        }

        return number;
    }

    /// <summary>A number of up to 392 bits in parts, least significant first.</summary>
    [InlineArray(Count)]
    private struct Parts
    {
        internal const int Count = 14;
        internal const int Bits = 28;
        internal const uint Mask = (1 << Bits) - 1;

        private uint _first;

        /// <summary>The lower 384 bits.</summary>
        internal readonly Number384 Number => new(
            this[0] | ((ulong)this[1] << 28) | ((ulong)this[2] << 56),
            ((ulong)this[2] >> 8) | ((ulong)this[3] << 20) | ((ulong)this[4] << 48),
            ((ulong)this[4] >> 16) | ((ulong)this[5] << 12) | ((ulong)this[6] << 40),
            ((ulong)this[6] >> 24) | ((ulong)this[7] << 4) | ((ulong)this[8] << 32) | ((ulong)this[9] << 60),
            ((ulong)this[9] >> 4) | ((ulong)this[10] << 24) | ((ulong)this[11] << 52),
            ((ulong)this[11] >> 12) | ((ulong)this[12] << 16) | ((ulong)this[13] << 44));

        /// <summary>The others.</summary>
        internal readonly ulong Above => this[13] >> 20;

        internal static Parts Of(in Number384 number)
        {
            Parts parts = default;
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

        /// <summary>The part of a sum that stays at its place; the rest is carried on.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static uint Low(ulong sum, ref ulong carry)
        {
            sum += carry;
            carry = sum >> Bits;
            return Low(sum);
        }

        private static uint Low(ulong number) => (uint)number & Mask;
    }
}
