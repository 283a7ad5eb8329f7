using System.Runtime.CompilerServices;

namespace Hyperkube.Sigstore.Curves;

/// <summary>A number as a sum of powers of two, each taken so many times: never, or an odd number of times, from -15 to 15.</summary>
/// <remarks>
/// Of five digits in a row at most one is not zero, so that few multiples of a point have to be known, and few to be added.
/// Source: Hankerson, Menezes, Vanstone, Guide to Elliptic Curve Cryptography, 2004, algorithm 3.35 (width-5 NAF)
/// </remarks>
internal readonly struct SignedDigits
{
    /// <summary>One more than the number has bits: what is taken too often at a place is paid back at the next.</summary>
    internal const int Count = Number384.Bits + 1;

    /// <summary>What a digit is at most.</summary>
    internal const int Max = (1 << (Width - 1)) - 1;

    private const int Width = 5;

    private readonly Digits _digits;

    /// <param name="number">Below 2^384 - 16.</param>
    internal SignedDigits(Number384 number)
    {
        for (var i = 0; !number.IsZero; i++)
        {
            if (!number.IsEven)
            {
                var digit = (int)number.N0 & ((2 * Max) + 1);
                digit -= digit > Max ? 2 * (Max + 1) : 0;
                _digits[i] = (sbyte)digit;
                var taken = new Number384((ulong)Math.Abs(digit), 0, 0, 0, 0, 0);
                number = digit > 0 ? Number384.Subtract(number, taken, out _) : Number384.Add(number, taken, out _);
            }

            number = number.Half(0);
        }
    }

    /// <summary>How often 2^i is taken.</summary>
    internal int this[int i] => _digits[i];

    [InlineArray(Count)]
    private struct Digits
    {
        private sbyte _first;
    }
}
