using System.Runtime.InteropServices;

namespace Hyperkube.Sigstore.Curves;

/// <summary>ECDSA on P-384, which Fulcio's authorities use: verification alone.</summary>
/// <remarks>
/// OpenSSL 3.0 has no fast code for this curve and, through .NET, multiplies three more times to look at a key
/// (docs/decisions/0007-p384-in-managed-code.md has the figures). Only public values pass through, so the time that it takes tells
/// nothing; this must never sign.
/// Source: https://doi.org/10.6028/NIST.FIPS.186-5 section 6.4.2; https://doi.org/10.6028/NIST.SP.800-186 section 3.2.1.4
/// </remarks>
internal static class P384
{
    private const byte Uncompressed = 4;

    private static readonly Field384 Field = new();

    private static readonly Number384 Order = Number384.Of(
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973");

    private static readonly Modulus384 Scalars = new(Order);

    private static readonly Number384 B = Field.Enter(Number384.Of(
        "B3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF"));

    private static readonly Point[] Generators = Multiples(new Point(
        Field.Enter(Number384.Of("AA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7")),
        Field.Enter(Number384.Of("3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F")),
        Field.One));

    /// <summary>Whether the key made the signature; anything that is none is a no.</summary>
    /// <param name="point">The key: an uncompressed point.</param>
    /// <param name="hash">What is signed; of more than 384 bits the first count.</param>
    /// <param name="signature">In DER.</param>
    internal static bool Verify(ReadOnlySpan<byte> point, ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature)
    {
        if (!TryReadKey(point, out var key) || !EcdsaSignature.TryRead(signature, out var pair)
            || !TryReadScalar(pair.R.Span, out var r) || !TryReadScalar(pair.S.Span, out var s)
            || !Number384.TryRead(hash[..Math.Min(hash.Length, Number384.Bytes)], out var e))
        {
            return false;
        }

        var w = Scalars.Enter(Scalars.Invert(s));
        var u1 = Scalars.Multiply(w, Scalars.Reduce(e)); // One factor enters, and so the product has left.
        var u2 = Scalars.Multiply(w, r);
        var sum = Sum(u1, u2, Multiples(key));
        if (sum.Z.IsZero)
        {
            return false;
        }

        // x = X / Z^2 modulo the order is r: x is r, or r and the order, where that is still in the field. Nothing is divided.
        var zz = Field.Square(sum.Z);
        if (Field.Multiply(Field.Enter(r), zz) == sum.X)
        {
            return true;
        }

        var other = Number384.Add(r, Order, out var carry);
        return carry == 0 && Field.Has(other) && Field.Multiply(Field.Enter(other), zz) == sum.X;
    }

    private static bool TryReadScalar(ReadOnlySpan<byte> bytes, out Number384 scalar) =>
        Number384.TryRead(bytes, out scalar) && !scalar.IsZero && Scalars.Has(scalar);

    // The curve has no points of a small order, so that one that is on it is of the right one.
    private static bool TryReadKey(ReadOnlySpan<byte> bytes, out Point key)
    {
        key = default;
        if (bytes.Length != 1 + (2 * Number384.Bytes) || bytes[0] != Uncompressed
            || !Number384.TryRead(bytes[1..^Number384.Bytes], out var x) || !Number384.TryRead(bytes[^Number384.Bytes..], out var y)
            || !Field.Has(x) || !Field.Has(y))
        {
            return false;
        }

        key = new Point(Field.Enter(x), Field.Enter(y), Field.One);

        // y^2 = x^3 - 3x + b
        var cube = Field.Multiply(Field.Square(key.X), key.X);
        var triple = Field.Add(Field.Add(key.X, key.X), key.X);
        return Field.Square(key.Y) == Field.Add(Field.Subtract(cube, triple), B);
    }

    // u1 times the generator and u2 times the key, all doubling done for both at once.
    private static Point Sum(in Number384 u1, in Number384 u2, ReadOnlySpan<Point> keys)
    {
        SignedDigits forGenerator = new(u1);
        SignedDigits forKey = new(u2);
        Point sum = default;
        for (var i = SignedDigits.Count - 1; i >= 0; i--)
        {
            sum = Double(sum);
            sum = Add(sum, forGenerator[i], Generators);
            sum = Add(sum, forKey[i], keys);
        }

        return sum;
    }

    private static Point Add(in Point sum, int digit, ReadOnlySpan<Point> multiples)
    {
        if (digit == 0)
        {
            return sum;
        }

        ref readonly var multiple = ref multiples[Math.Abs(digit) / 2];
        return Add(sum, digit > 0 ? multiple : multiple with { Y = Field.Subtract(default, multiple.Y) });
    }

    // Once, three times and so on, up to fifteen times.
    private static Point[] Multiples(in Point point)
    {
        var multiples = new Point[(SignedDigits.Max + 1) / 2];
        multiples[0] = point;
        var twice = Double(point);
        for (var i = 1; i < multiples.Length; i++)
        {
            multiples[i] = Add(multiples[i - 1], twice);
        }

        return multiples;
    }

    // Source: https://hyperelliptic.org/EFD/g1p/auto-shortw-jacobian-3.html (dbl-2001-b)
    private static Point Double(in Point p)
    {
        if (p.Z.IsZero)
        {
            return p;
        }

        var delta = Field.Square(p.Z);
        var gamma = Field.Square(p.Y);
        var beta = Field.Multiply(p.X, gamma);
        var product = Field.Multiply(Field.Subtract(p.X, delta), Field.Add(p.X, delta));
        var alpha = Field.Add(Field.Add(product, product), product);
        var twoBeta = Field.Add(beta, beta);
        var fourBeta = Field.Add(twoBeta, twoBeta);
        var x = Field.Subtract(Field.Square(alpha), Field.Add(fourBeta, fourBeta));
        var z = Field.Subtract(Field.Subtract(Field.Square(Field.Add(p.Y, p.Z)), gamma), delta);
        var twoGamma = Field.Add(gamma, gamma);
        var eightGammas = Field.Square(twoGamma);
        var y = Field.Subtract(Field.Multiply(alpha, Field.Subtract(fourBeta, x)), Field.Add(eightGammas, eightGammas));
        return new Point(x, y, z);
    }

    // Source: https://hyperelliptic.org/EFD/g1p/auto-shortw-jacobian-3.html (add-2007-bl, here without its multiples of two)
    private static Point Add(in Point p, in Point q)
    {
        if (p.Z.IsZero || q.Z.IsZero)
        {
            return p.Z.IsZero ? q : p;
        }

        var pzz = Field.Square(p.Z);
        var qzz = Field.Square(q.Z);
        var u1 = Field.Multiply(p.X, qzz);
        var u2 = Field.Multiply(q.X, pzz);
        var s1 = Field.Multiply(Field.Multiply(p.Y, q.Z), qzz);
        var s2 = Field.Multiply(Field.Multiply(q.Y, p.Z), pzz);
        if (u1 == u2)
        {
            return s1 == s2 ? Double(p) : default; // The same point, or its mirror image.
        }

        var h = Field.Subtract(u2, u1);
        var r = Field.Subtract(s2, s1);
        var hh = Field.Square(h);
        var hhh = Field.Multiply(hh, h);
        var v = Field.Multiply(u1, hh);
        var x = Field.Subtract(Field.Subtract(Field.Square(r), hhh), Field.Add(v, v));
        var y = Field.Subtract(Field.Multiply(r, Field.Subtract(v, x)), Field.Multiply(s1, hhh));
        return new Point(x, y, Field.Multiply(Field.Multiply(p.Z, q.Z), h));
    }

    /// <summary>A point in Jacobian coordinates: X / Z^2 and Y / Z^3; without Z the point at infinity.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Point(Number384 X, Number384 Y, Number384 Z);
}
