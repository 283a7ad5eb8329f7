namespace Hyperkube.Sigstore.Curves;

/// <summary>Arithmetic modulo an odd number whose highest bit is set. Numbers stand for themselves times 2^392, as Montgomery has it:
/// then no product has to be divided.</summary>
/// <remarks>
/// The time that it takes depends on the numbers: for public ones only.
/// Source: Peter L. Montgomery, Modular multiplication without trial division, 1985; Koç, Acar, Kaliski, Analyzing and comparing
/// Montgomery multiplication algorithms, 1996 (CIOS)
/// </remarks>
internal class Modulus384
{
    private readonly Number384 _modulus;
    private readonly Parts384 _parts;
    private readonly uint _inverse;
    private readonly Number384 _square;

    internal Modulus384(Number384 modulus)
    {
        _modulus = modulus;
        _parts = Parts384.Of(modulus);

        // Newton's way to -1/m modulo 2^32: each step doubles the bits that are right, from three on.
        var inverse = (uint)modulus.N0;
        for (var i = 0; i < 4; i++)
        {
            inverse *= 2 - ((uint)modulus.N0 * inverse);
        }

        _inverse = 0 - inverse;

        // The highest bit is set, so that what is missing to the modulus is 2^384; from there to 2^392 and 2^784.
        var power = Number384.Subtract(default, modulus, out _);
        One = Double(power, Parts384.Count * Parts384.Bits - Number384.Bits);
        _square = Double(One, Parts384.Count * Parts384.Bits);
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

    internal virtual Number384 Square(in Number384 a) => Multiply(a, a);

    internal virtual Number384 Multiply(in Number384 a, in Number384 b)
    {
        var x = Parts384.Of(a);
        long t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0, t5 = 0, t6 = 0, t7 = 0, t8 = 0, t9 = 0, t10 = 0, t11 = 0, t12 = 0;

        // Adds a times one part of b and as much of the modulus as makes the lowest part zero, and leaves that part away. Fourteen times
        // two products of 56 bits, and what is carried, are less than 2^61.
        foreach (var y in Parts384.Of(b))
        {
            t0 += x[0] * y;
            var m = ((uint)t0 * _inverse) & Parts384.Mask;
            t0 = ((t0 + (m * _parts[0])) >> Parts384.Bits) + t1 + (x[1] * y) + (m * _parts[1]);
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

        Parts384 sums = default;
        long carry = 0;
        sums[0] = Parts384.Low(t0, ref carry);
        sums[1] = Parts384.Low(t1, ref carry);
        sums[2] = Parts384.Low(t2, ref carry);
        sums[3] = Parts384.Low(t3, ref carry);
        sums[4] = Parts384.Low(t4, ref carry);
        sums[5] = Parts384.Low(t5, ref carry);
        sums[6] = Parts384.Low(t6, ref carry);
        sums[7] = Parts384.Low(t7, ref carry);
        sums[8] = Parts384.Low(t8, ref carry);
        sums[9] = Parts384.Low(t9, ref carry);
        sums[10] = Parts384.Low(t10, ref carry);
        sums[11] = Parts384.Low(t11, ref carry);
        sums[12] = Parts384.Low(t12, ref carry);
        sums[13] = carry;
        return Reduce(sums.Number, sums.Above);
    }

    /// <summary>One over a number, which is not zero: for a prime modulus. Both stand for themselves.</summary>
    /// <remarks>
    /// Source: Menezes, van Oorschot, Vanstone, Handbook of Applied Cryptography, 1996, algorithm 14.61 (Euclid's, with halves only)
    /// </remarks>
    internal Number384 Invert(in Number384 a)
    {
        Number384 one = new(1, 0, 0, 0, 0, 0);
        var (u, v) = (a, _modulus);
        var (forU, forV) = (one, default(Number384)); // Times a they are u and v.
        while (u != one && v != one)
        {
            Halve(ref u, ref forU);
            Halve(ref v, ref forV);
            if (u.IsLessThan(v))
            {
                v = Number384.Subtract(v, u, out _);
                forV = Subtract(forV, forU);
            }
            else
            {
                u = Number384.Subtract(u, v, out _);
                forU = Subtract(forU, forV);
            }
        }

        return u == one ? forU : forV;
    }

    /// <summary>A number of less than twice the modulus, of which one part may stand above the 384 bits.</summary>
    protected Number384 Reduce(in Number384 number, ulong above)
    {
        if (above == 0 && number.N5 < _modulus.N5)
        {
            return number; // As good as always: these moduli begin with ones.
        }

        var less = Number384.Subtract(number, _modulus, out var borrow);
        return Number384.Choose(0 - (borrow & ~above), number, less);
    }

    private void Halve(ref Number384 number, ref Number384 factor)
    {
        while (number.IsEven)
        {
            number = number.Half(0);
            var whole = Number384.Add(factor, factor.IsEven ? default : _modulus, out var carry);
            factor = whole.Half(carry);
        }
    }

    private Number384 Double(Number384 number, int times)
    {
        for (var i = 0; i < times; i++)
        {
            number = Add(number, number);
        }

        return number;
    }
}
