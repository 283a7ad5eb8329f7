using System.Formats.Asn1;

namespace Hyperkube.Sigstore;

/// <summary>The two numbers of an ECDSA signature.</summary>
/// <remarks>.NET takes a negative number for the positive one of the same bits, which would give a signature a second form.
/// Source: https://www.rfc-editor.org/rfc/rfc3279#section-2.2.3</remarks>
internal readonly record struct EcdsaSignature(ReadOnlyMemory<byte> R, ReadOnlyMemory<byte> S)
{
    /// <summary>Answers false for anything but the DER of two numbers that are not negative.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> der, out EcdsaSignature signature)
    {
        try
        {
            AsnReader outer = new(der.ToArray(), AsnEncodingRules.DER);
            var pair = outer.ReadSequence();
            outer.ThrowIfNotEmpty();
            signature = new EcdsaSignature(pair.ReadIntegerBytes(), pair.ReadIntegerBytes());
            pair.ThrowIfNotEmpty();
            return !IsNegative(signature.R) && !IsNegative(signature.S);
        }
        catch (AsnContentException)
        {
            signature = default;
            return false;
        }
    }

    private static bool IsNegative(ReadOnlyMemory<byte> number) => (number.Span[0] & 0x80) != 0;
}
