using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Hyperkube.Sigstore.Curves;

/// <summary>Arithmetic modulo an odd number whose highest bit is set. Numbers stand for themselves times 2^384, as Montgomery has it:
/// then no product has to be divided.</summary>
/// <remarks>The time that it takes depends on the numbers: for public ones only.
/// Source: Peter L. Montgomery, Modular multiplication without trial division, 1985; Koç, Acar, Kaliski, Analyzing and comparing
/// Montgomery multiplication algorithms, 1996 (CIOS)</remarks>
internal sealed class Modulus384
{
    private readonly Number384 _modulus;
    private readonly Number384 _lessTwo;
    private readonly ulong _inverse;
    private readonly Number384 _square;

    internal Modulus384(Number384 modulus)
    {
        _modulus = modulus;
        _lessTwo = Number384.Subtract(modulus, new Number384(2, 0, 0, 0, 0, 0), out _);

        // Newton's way to -1/m modulo 2^64: each step doubles the bits that are right, from three on.
        var inverse = modulus.N0;
        for (var i = 0; i < 5; i++)
        {
            inverse *= 2 - (modulus.N0 * inverse);
        }

        _inverse = 0 - inverse;

        // 2^384 and 2^768: the highest bit is set, so that the first is what is missing to the modulus.
        One = Number384.Subtract(default, modulus, out _);
        _square = One;
        for (var i = 0; i < Number384.Bits; i++)
        {
            _square = Add(_square, _square);
        }
    }

    /// <summary>What one stands for.</summary>
    internal Number384 One { get; }

    /// <summary>Whether a number is below the modulus.</summary>
    internal bool Has(in Number384 number) => number.IsLessThan(_modulus);

    /// <summary>A number modulo this, for one below 2^384.</summary>
    internal Number384 Reduce(in Number384 number)
    {
        var less = Number384.Subtract(number, _modulus, out var borrow);
        return borrow == 0 ? less : number;
    }

    /// <summary>A number as it is counted with here.</summary>
    internal Number384 Enter(in Number384 number) => Multiply(number, _square);

    /// <summary>What it stands for.</summary>
    internal Number384 Leave(in Number384 number) => Multiply(number, new Number384(1, 0, 0, 0, 0, 0));

    internal Number384 Add(in Number384 a, in Number384 b)
    {
        var sum = Number384.Add(a, b, out var carry);
        var less = Number384.Subtract(sum, _modulus, out var borrow);
        return carry != 0 || borrow == 0 ? less : sum;
    }

    internal Number384 Subtract(in Number384 a, in Number384 b)
    {
        var difference = Number384.Subtract(a, b, out var borrow);
        return borrow == 0 ? difference : Number384.Add(difference, _modulus, out _);
    }

    internal Number384 Square(in Number384 a) => Multiply(a, a);

    internal Number384 Multiply(in Number384 a, in Number384 b)
    {
        ulong t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0, t5 = 0, t6 = 0;
        Step(a, b.N0, ref t0, ref t1, ref t2, ref t3, ref t4, ref t5, ref t6);
        Step(a, b.N1, ref t0, ref t1, ref t2, ref t3, ref t4, ref t5, ref t6);
        Step(a, b.N2, ref t0, ref t1, ref t2, ref t3, ref t4, ref t5, ref t6);
        Step(a, b.N3, ref t0, ref t1, ref t2, ref t3, ref t4, ref t5, ref t6);
        Step(a, b.N4, ref t0, ref t1, ref t2, ref t3, ref t4, ref t5, ref t6);
        Step(a, b.N5, ref t0, ref t1, ref t2, ref t3, ref t4, ref t5, ref t6);
        Number384 product = new(t0, t1, t2, t3, t4, t5);
        var less = Number384.Subtract(product, _modulus, out var borrow);
        return t6 != 0 || borrow == 0 ? less : product;
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

    // Adds a times one part of b, then as much of the modulus as makes the lowest part zero, and leaves that part away.
    private void Step(
        in Number384 a, ulong b, ref ulong t0, ref ulong t1, ref ulong t2, ref ulong t3, ref ulong t4, ref ulong t5, ref ulong t6)
    {
        ulong carry = 0;
        var u0 = MultiplyAdd(a.N0, b, t0, ref carry);
        var u1 = MultiplyAdd(a.N1, b, t1, ref carry);
        var u2 = MultiplyAdd(a.N2, b, t2, ref carry);
        var u3 = MultiplyAdd(a.N3, b, t3, ref carry);
        var u4 = MultiplyAdd(a.N4, b, t4, ref carry);
        var u5 = MultiplyAdd(a.N5, b, t5, ref carry);
        var u6 = t6 + carry;
        var u7 = u6 < carry ? 1UL : 0;

        var m = u0 * _inverse;
        carry = 0;
        _ = MultiplyAdd(_modulus.N0, m, u0, ref carry);
        t0 = MultiplyAdd(_modulus.N1, m, u1, ref carry);
        t1 = MultiplyAdd(_modulus.N2, m, u2, ref carry);
        t2 = MultiplyAdd(_modulus.N3, m, u3, ref carry);
        t3 = MultiplyAdd(_modulus.N4, m, u4, ref carry);
        t4 = MultiplyAdd(_modulus.N5, m, u5, ref carry);
        t5 = u6 + carry;
        t6 = u7 + (t5 < carry ? 1UL : 0);
    }

    // Never overflows: (2^64 - 1)^2 + 2 (2^64 - 1) is 2^128 - 1.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong MultiplyAdd(ulong a, ulong b, ulong add, ref ulong carry)
    {
        var high = High(a, b);
        var low = a * b;
        low += add;
        high += low < add ? 1UL : 0;
        low += carry;
        high += low < carry ? 1UL : 0;
        carry = high;
        return low;
    }

    // The published program may not count on Bmi2, and Math.BigMul is a call there: the inline halves are six times as fast.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong High(ulong a, ulong b)
    {
        if (Bmi2.X64.IsSupported)
        {
            return Bmi2.X64.MultiplyNoFlags(a, b);
        }

        if (ArmBase.Arm64.IsSupported)
        {
            return ArmBase.Arm64.MultiplyHigh(a, b);
        }

        ulong aLow = (uint)a, aHigh = a >> 32, bLow = (uint)b, bHigh = b >> 32;
        var first = (aHigh * bLow) + ((aLow * bLow) >> 32);
        var second = (aLow * bHigh) + (uint)first;
        return (aHigh * bHigh) + (first >> 32) + (second >> 32);
    }
}
