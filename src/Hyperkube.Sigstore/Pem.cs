using System.Security.Cryptography;

namespace Hyperkube.Sigstore;

/// <summary>The text form of certificates and keys.</summary>
/// <remarks>Source: https://www.rfc-editor.org/rfc/rfc7468</remarks>
internal static class Pem
{
    /// <summary>Reads a text that holds one object with this label, and nothing else but white space.</summary>
    /// <exception cref="FormatException">It does not.</exception>
    internal static byte[] Decode(string pem, string label)
    {
        if (!PemEncoding.TryFind(pem, out var fields)
            || !pem.AsSpan()[fields.Label].SequenceEqual(label)
            || !pem.AsSpan()[..fields.Location.Start.Value].IsWhiteSpace()
            || !pem.AsSpan()[fields.Location.End.Value..].IsWhiteSpace())
        {
            throw new FormatException($"expected one PEM object '{label}' and nothing else");
        }

        return Convert.FromBase64String(pem[fields.Base64Data]);
    }

    /// <summary>The form that Go writes and logs keep: lines of 64, a line feed at the end.</summary>
    internal static string Encode(string label, ReadOnlySpan<byte> der) => PemEncoding.WriteString(label, der) + "\n";
}
