using System.Runtime.CompilerServices;

namespace Hyperkube.Sigstore.Curves;

/// <summary>Arithmetic in the field of P-384, whose prime is 2^384 - 2^128 - 2^96 + 2^32 - 1.</summary>
/// <remarks>
/// Montgomery's way to divide by 2^392 adds the multiple of the prime that makes the lowest part zero. This prime ends in ones, so that
/// the multiple is that part itself; and it has five terms, so that adding it is shifting. What is multiplied is only the product.
/// Source: https://doi.org/10.6028/NIST.SP.800-186 section 3.2.1.4
/// </remarks>
internal sealed class Field384() : Modulus384(Number384.Of(
    "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFF"))
{
    internal override Number384 Multiply(in Number384 a, in Number384 b)
    {
        var x = Parts384.Of(a);
        Sums sums = default;
        var i = 0;
        foreach (var y in Parts384.Of(b))
        {
            var row = sums[i..(i + Parts384.Count)];
            row[13] += x[13] * y;
            row[0] += x[0] * y;
            row[1] += x[1] * y;
            row[2] += x[2] * y;
            row[3] += x[3] * y;
            row[4] += x[4] * y;
            row[5] += x[5] * y;
            row[6] += x[6] * y;
            row[7] += x[7] * y;
            row[8] += x[8] * y;
            row[9] += x[9] * y;
            row[10] += x[10] * y;
            row[11] += x[11] * y;
            row[12] += x[12] * y;
            i++;
        }

        return Divide(sums);
    }

    // A product of two different parts occurs twice.
    internal override Number384 Square(in Number384 a)
    {
        var x = Parts384.Of(a);
        Sums sums = default;
        sums[0] = x[0] * x[0];
        sums[1] = 2 * x[0] * x[1];
        sums[2] = (2 * x[0] * x[2]) + (x[1] * x[1]);
        sums[3] = 2 * ((x[0] * x[3]) + (x[1] * x[2]));
        sums[4] = (2 * ((x[0] * x[4]) + (x[1] * x[3]))) + (x[2] * x[2]);
        sums[5] = 2 * ((x[0] * x[5]) + (x[1] * x[4]) + (x[2] * x[3]));
        sums[6] = (2 * ((x[0] * x[6]) + (x[1] * x[5]) + (x[2] * x[4]))) + (x[3] * x[3]);
        sums[7] = 2 * ((x[0] * x[7]) + (x[1] * x[6]) + (x[2] * x[5]) + (x[3] * x[4]));
        sums[8] = (2 * ((x[0] * x[8]) + (x[1] * x[7]) + (x[2] * x[6]) + (x[3] * x[5]))) + (x[4] * x[4]);
        sums[9] = 2 * ((x[0] * x[9]) + (x[1] * x[8]) + (x[2] * x[7]) + (x[3] * x[6]) + (x[4] * x[5]));
        sums[10] = (2 * ((x[0] * x[10]) + (x[1] * x[9]) + (x[2] * x[8]) + (x[3] * x[7]) + (x[4] * x[6]))) + (x[5] * x[5]);
        sums[11] = 2 * ((x[0] * x[11]) + (x[1] * x[10]) + (x[2] * x[9]) + (x[3] * x[8]) + (x[4] * x[7]) + (x[5] * x[6]));
        sums[12] = (2 * ((x[0] * x[12]) + (x[1] * x[11]) + (x[2] * x[10]) + (x[3] * x[9]) + (x[4] * x[8]) + (x[5] * x[7])))
            + (x[6] * x[6]);
        sums[13] = 2 * ((x[0] * x[13]) + (x[1] * x[12]) + (x[2] * x[11]) + (x[3] * x[10]) + (x[4] * x[9]) + (x[5] * x[8])
            + (x[6] * x[7]));
        sums[14] = (2 * ((x[1] * x[13]) + (x[2] * x[12]) + (x[3] * x[11]) + (x[4] * x[10]) + (x[5] * x[9]) + (x[6] * x[8])))
            + (x[7] * x[7]);
        sums[15] = 2 * ((x[2] * x[13]) + (x[3] * x[12]) + (x[4] * x[11]) + (x[5] * x[10]) + (x[6] * x[9]) + (x[7] * x[8]));
        sums[16] = (2 * ((x[3] * x[13]) + (x[4] * x[12]) + (x[5] * x[11]) + (x[6] * x[10]) + (x[7] * x[9]))) + (x[8] * x[8]);
        sums[17] = 2 * ((x[4] * x[13]) + (x[5] * x[12]) + (x[6] * x[11]) + (x[7] * x[10]) + (x[8] * x[9]));
        sums[18] = (2 * ((x[5] * x[13]) + (x[6] * x[12]) + (x[7] * x[11]) + (x[8] * x[10]))) + (x[9] * x[9]);
        sums[19] = 2 * ((x[6] * x[13]) + (x[7] * x[12]) + (x[8] * x[11]) + (x[9] * x[10]));
        sums[20] = (2 * ((x[7] * x[13]) + (x[8] * x[12]) + (x[9] * x[11]))) + (x[10] * x[10]);
        sums[21] = 2 * ((x[8] * x[13]) + (x[9] * x[12]) + (x[10] * x[11]));
        sums[22] = (2 * ((x[9] * x[13]) + (x[10] * x[12]))) + (x[11] * x[11]);
        sums[23] = 2 * ((x[10] * x[13]) + (x[11] * x[12]));
        sums[24] = (2 * x[11] * x[13]) + (x[12] * x[12]);
        sums[25] = 2 * x[12] * x[13];
        sums[26] = x[13] * x[13];
        return Divide(sums);
    }

    // Each q is the part that has to become zero. Times the prime it is taken away there, and comes back 32 and 384 bits further up, less
    // what is taken 96 and 128 bits further up: one and thirteen parts, three and four.
    private Number384 Divide(in Sums sums)
    {
        Parts384 parts = default;
        long carry = 0;
        var q0 = Parts384.Low(sums[0], ref carry);
        var q1 = Parts384.Low(sums[1] + (q0 << 4), ref carry);
        var q2 = Parts384.Low(sums[2] + (q1 << 4), ref carry);
        var q3 = Parts384.Low(sums[3] + (q2 << 4) - (q0 << 12), ref carry);
        var q4 = Parts384.Low(sums[4] + (q3 << 4) - (q1 << 12) - (q0 << 16), ref carry);
        var q5 = Parts384.Low(sums[5] + (q4 << 4) - (q2 << 12) - (q1 << 16), ref carry);
        var q6 = Parts384.Low(sums[6] + (q5 << 4) - (q3 << 12) - (q2 << 16), ref carry);
        var q7 = Parts384.Low(sums[7] + (q6 << 4) - (q4 << 12) - (q3 << 16), ref carry);
        var q8 = Parts384.Low(sums[8] + (q7 << 4) - (q5 << 12) - (q4 << 16), ref carry);
        var q9 = Parts384.Low(sums[9] + (q8 << 4) - (q6 << 12) - (q5 << 16), ref carry);
        var q10 = Parts384.Low(sums[10] + (q9 << 4) - (q7 << 12) - (q6 << 16), ref carry);
        var q11 = Parts384.Low(sums[11] + (q10 << 4) - (q8 << 12) - (q7 << 16), ref carry);
        var q12 = Parts384.Low(sums[12] + (q11 << 4) - (q9 << 12) - (q8 << 16), ref carry);
        var q13 = Parts384.Low(sums[13] + (q12 << 4) + (q0 << 20) - (q10 << 12) - (q9 << 16), ref carry);
        parts[0] = Parts384.Low(sums[14] + (q13 << 4) + (q1 << 20) - (q11 << 12) - (q10 << 16), ref carry);
        parts[1] = Parts384.Low(sums[15] + (q2 << 20) - (q12 << 12) - (q11 << 16), ref carry);
        parts[2] = Parts384.Low(sums[16] + (q3 << 20) - (q13 << 12) - (q12 << 16), ref carry);
        parts[3] = Parts384.Low(sums[17] + (q4 << 20) - (q13 << 16), ref carry);
        parts[4] = Parts384.Low(sums[18] + (q5 << 20), ref carry);
        parts[5] = Parts384.Low(sums[19] + (q6 << 20), ref carry);
        parts[6] = Parts384.Low(sums[20] + (q7 << 20), ref carry);
        parts[7] = Parts384.Low(sums[21] + (q8 << 20), ref carry);
        parts[8] = Parts384.Low(sums[22] + (q9 << 20), ref carry);
        parts[9] = Parts384.Low(sums[23] + (q10 << 20), ref carry);
        parts[10] = Parts384.Low(sums[24] + (q11 << 20), ref carry);
        parts[11] = Parts384.Low(sums[25] + (q12 << 20), ref carry);
        parts[12] = Parts384.Low(sums[26] + (q13 << 20), ref carry);
        parts[13] = carry;
        return Reduce(parts.Number, parts.Above);
    }

    /// <summary>What the products of parts add up to, by their places: at most fourteen of 56 bits, so less than 2^60.</summary>
    [InlineArray((2 * Parts384.Count) - 1)]
    private struct Sums
    {
        private long _first;
    }
}
