using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using CsCheck;
using Hyperkube.Sigstore.Curves;
using Org.BouncyCastle.Crypto.EC;
using ECPoint = Org.BouncyCastle.Math.EC.ECPoint;
using JavaInteger = Org.BouncyCastle.Math.BigInteger;

namespace Hyperkube.Sigstore.Tests.Curves;

/// <summary>Our P-384 says what .NET's says, and where the formulas have exceptions what the standard says.</summary>
public sealed class P384Tests
{
    private static readonly Org.BouncyCastle.Asn1.X9.X9ECParameters Curve = CustomNamedCurves.GetByName("P-384");
    private static readonly BigInteger Order = Number(Curve.N);
    private static readonly BigInteger Prime = Number(Curve.Curve.Field.Characteristic);

    [Fact]
    public void It_agrees_with_the_platform()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var (point, stranger) = (PointOf(key), PointOf(other));

        Gen.Select(Gen.OneOf([.. ((int[])[0, 1, 20, 32, 47, 48, 49, 64]).Select(Gen.Const)]), Gen.Byte.Array[64], Gen.Int[0, 10_000]).Sample(
            (length, random, at) =>
            {
                var hash = random[..length];
                var signature = key.SignHash(hash, DSASignatureFormat.Rfc3279DerSequence);
                var changed = (byte[])signature.Clone();
                changed[at % changed.Length] ^= (byte)(1 << (at % 8));
                byte[] another = [.. hash.AsSpan(0, Math.Min(47, length)), (byte)~(length < 48 ? 0 : hash[47])];
                return P384.Verify(point, hash, signature)
                    && !P384.Verify(point, hash, changed)
                    && !P384.Verify(stranger, hash, signature)
                    && P384.Verify(point, another, signature) == key.VerifyHash(another, signature, DSASignatureFormat.Rfc3279DerSequence);
            },
            iter: 60);
    }

    // Hashes at the ends of what 384 bits hold, and above the order.
    [Theory]
    [InlineData(0x00)]
    [InlineData(0xff)]
    public void It_takes_hashes_of_every_value(byte fill)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var hash = Enumerable.Repeat(fill, 48).ToArray();

        Assert.True(P384.Verify(PointOf(key), hash, key.SignHash(hash, DSASignatureFormat.Rfc3279DerSequence)));
    }

    // The key is the generator, its mirror image, or twice it: then one adds a point to itself on the way, or to its mirror image.
    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    [InlineData(2)]
    [InlineData(-2)]
    [InlineData(16)]
    public void It_adds_points_to_themselves_and_to_their_mirror_images(int secret)
    {
        var d = (Order + secret) % Order;
        var point = Encode(Curve.G.Multiply(Number(d)));
        for (var i = 1; i < 8; i++)
        {
            var k = (BigInteger.Pow(7, i) + i) % Order;
            var r = XOf(Curve.G.Multiply(Number(k))) % Order;
            foreach (var e in (BigInteger[])[r, Order - r, 0, 1, r * 2 % Order, Order - 1])
            {
                var s = Inverse(k) * (e + (r * d)) % Order;
                if (!s.IsZero)
                {
                    Assert.True(P384.Verify(point, Bytes(e), Signature(r, s)));
                    Assert.False(P384.Verify(point, Bytes((e + 1) % Order), Signature(r, s)));
                }

                Assert.False(P384.Verify(point, Bytes(Mod(-r * d)), Signature(r, k))); // The sum is the point at infinity.
            }
        }
    }

    // The coordinate of a point may be above the order; then r is what is left of it.
    [Fact]
    public void It_knows_a_coordinate_above_the_order()
    {
        var found = 0;
        for (var x = Order; x < Prime && found < 5; x++)
        {
            if (TryPoint(x) is not { } nonce)
            {
                continue;
            }

            found++;
            var (r, s, e) = (x - Order, BigInteger.Pow(3, 200), BigInteger.Pow(5, 150));
            if (r.IsZero)
            {
                continue;
            }

            // Who has signed so: (s R - e G) / r
            var key = nonce.Multiply(Number(s)).Subtract(Curve.G.Multiply(Number(e))).Multiply(Number(Inverse(r)));
            Assert.True(P384.Verify(Encode(key), Bytes(e), Signature(r, s)));
            Assert.False(P384.Verify(Encode(key), Bytes(e), Signature(r + 1, s)));
        }

        Assert.Equal(5, found);
    }

    [Fact]
    public void Numbers_out_of_range_are_no_signature()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var point = PointOf(key);
        var hash = SHA384.HashData("x"u8);
        var good = key.SignHash(hash, DSASignatureFormat.Rfc3279DerSequence);
        var (r, s) = Read(good);

        Assert.True(P384.Verify(point, hash, Signature(r, s)));
        Assert.True(P384.Verify(point, hash, Signature(r, Order - s))); // Every signature has this twin.
        foreach (var bad in (BigInteger[])[0, Order, Order + 1, Prime, r + Order, s + Order, (BigInteger.One << 384) - 1, BigInteger.One << 384, -r])
        {
            Assert.False(P384.Verify(point, hash, Signature(bad, s)));
            Assert.False(P384.Verify(point, hash, Signature(r, bad)));
        }
    }

    [Fact]
    public void What_is_not_on_the_curve_is_no_key()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var point = PointOf(key);
        var hash = SHA384.HashData("x"u8);
        var signature = key.SignHash(hash, DSASignatureFormat.Rfc3279DerSequence);
        var (x, y) = (point[1..49], point[49..]);
        byte[][] bad =
        [
            [], [0], [4], point[..^1], [.. point, 0], [2, .. x], [3, .. x], [6, .. x, .. y], [4, .. y, .. x], [4, .. new byte[96]],
            [4, .. x, .. Bytes(Mod(new BigInteger(y, isUnsigned: true, isBigEndian: true) + 1))],
            [4, .. Enumerable.Repeat((byte)0xff, 96)],
            [4, .. Bytes(Prime), .. y],
        ];

        Assert.True(P384.Verify(point, hash, signature));
        Assert.All(bad, b => Assert.False(P384.Verify(b, hash, signature)));

        // A small coordinate has a second form, with the prime added, which is no form.
        for (var small = BigInteger.Zero; ; small++)
        {
            if (TryPoint(small) is { } there)
            {
                var encoded = Encode(there);
                Assert.False(P384.Verify([4, .. Bytes(small + Prime), .. encoded[49..]], hash, signature));
                break;
            }
        }
    }

    [Fact]
    public void Products_sums_and_differences_are_those_of_numbers()
    {
        var gen = Gen.OneOf(
            Gen.Byte.Array[48].Select(b => new BigInteger(b, isUnsigned: true)),
            Gen.OneOf([.. ((BigInteger[])[0, 1, Order - 1, Prime - 1, Order, (BigInteger.One << 128) - 1, BigInteger.One << 320]).Select(Gen.Const)]));
        foreach (var (here, modulus) in ((Modulus384, BigInteger)[])[(new Field384(), Prime), (new(Of(Prime)), Prime), (new(Of(Order)), Order)])
        {
            Gen.Select(gen, gen).Sample(
                (x, y) =>
                {
                    var (a, b) = (x % modulus, y % modulus);
                    var (p, q) = (here.Enter(Of(a)), here.Enter(Of(b)));
                    return here.Leave(here.Multiply(p, q)) == Of(a * b % modulus)
                        && here.Leave(here.Square(p)) == Of(a * a % modulus)
                        && here.Leave(here.Add(p, q)) == Of((a + b) % modulus)
                        && here.Leave(here.Subtract(p, q)) == Of((a - b + modulus) % modulus)
                        && here.Leave(p) == Of(a)
                        && (a.IsZero || here.Multiply(here.Enter(here.Invert(Of(a))), Of(a)) == Of(1));
                },
                iter: 1000);
        }
    }

    [Fact]
    public void Signed_digits_add_up_to_the_number_and_are_few()
    {
        var gen = Gen.OneOf(
            Gen.Byte.Array[48].Select(b => new BigInteger(b, isUnsigned: true) % Order),
            Gen.OneOf([.. ((BigInteger[])[0, 1, 15, 16, 17, 31, Order - 1, (BigInteger.One << 383) + 31]).Select(Gen.Const)]));
        gen.Sample(
            number =>
            {
                SignedDigits digits = new(Of(number));
                var places = Enumerable.Range(0, SignedDigits.Count).Where(i => digits[i] != 0).ToList();
                return places.Aggregate(BigInteger.Zero, (sum, i) => sum + (digits[i] * BigInteger.Pow(2, i))) == number
                    && places.TrueForAll(i => int.IsOddInteger(digits[i]) && Math.Abs(digits[i]) <= SignedDigits.Max)
                    && places.Zip(places.Skip(1)).All(p => p.Second - p.First >= 5);
            },
            iter: 1000);
    }

    private static byte[] PointOf(ECDsa key)
    {
        var q = key.ExportParameters(includePrivateParameters: false).Q;
        return [4, .. q.X!, .. q.Y!];
    }

    private static byte[] Encode(ECPoint point) => point.Normalize().GetEncoded(compressed: false);

    private static BigInteger XOf(ECPoint point) => Number(point.Normalize().AffineXCoord.ToBigInteger());

    private static ECPoint? TryPoint(BigInteger x)
    {
        try
        {
            return Curve.Curve.DecodePoint([2, .. Bytes(x)]);
        }
        catch (ArgumentException)
        {
            return null; // No point has it.
        }
    }

    private static BigInteger Inverse(BigInteger number) => BigInteger.ModPow(number, Order - 2, Order);

    private static BigInteger Mod(BigInteger number) => ((number % Order) + Order) % Order;

    private static BigInteger Number(JavaInteger number) => new(number.ToByteArrayUnsigned(), isUnsigned: true, isBigEndian: true);

    private static JavaInteger Number(BigInteger number) => new(1, number.ToByteArray(isUnsigned: true, isBigEndian: true));

    private static byte[] Bytes(BigInteger number)
    {
        var bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        return bytes.Length > 48 ? bytes[^48..] : [.. new byte[48 - bytes.Length], .. bytes];
    }

    private static Number384 Of(BigInteger number) =>
        Number384.TryRead(number.ToByteArray(isUnsigned: true, isBigEndian: true), out var read) ? read : throw new OverflowException();

    private static byte[] Signature(BigInteger r, BigInteger s)
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(r);
            writer.WriteInteger(s);
        }

        return writer.Encode();
    }

    private static (BigInteger R, BigInteger S) Read(byte[] signature)
    {
        var pair = new AsnReader(signature, AsnEncodingRules.DER).ReadSequence();
        return (pair.ReadInteger(), pair.ReadInteger());
    }
}
