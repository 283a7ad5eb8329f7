using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Hyperkube.Sigstore.Tuf;

/// <summary>The one form of a JSON value that TUF's signatures are over, which OLPC described.</summary>
/// <remarks>
/// No white space, fields in the order of their names, whole numbers only, and in texts nothing escaped but the quote and
/// the backslash. Source: https://wiki.laptop.org/go/Canonical_JSON
/// </remarks>
internal static class CanonicalJson
{
    private static readonly SearchValues<char> Escaped = SearchValues.Create("\"\\");

    /// <summary>Writes a value in that form.</summary>
    /// <exception cref="FormatException">It holds a number that is not whole.</exception>
    /// <exception cref="InvalidOperationException">It holds a text that is no Unicode.</exception>
    internal static byte[] Encode(JsonElement value)
    {
        StringBuilder text = new();
        Write(value, text);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Write(JsonElement value, StringBuilder text)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                WriteObject(value, text);
                break;

            case JsonValueKind.Array:
                text.Append('[');
                foreach (var (i, item) in value.EnumerateArray().Index())
                {
                    text.Append(i == 0 ? "" : ",");
                    Write(item, text);
                }

                text.Append(']');
                break;

            case JsonValueKind.String:
                Write(value.GetString()!, text);
                break;

            case JsonValueKind.Number:
                text.Append(Whole(value.GetRawText()));
                break;

            default:
                text.Append(value.GetRawText()); // null, true and false have one form only.
                break;
        }
    }

    // By code points, as the reference implementation sorts; by UTF-16, as strings compare, rare letters would change places.
    private static void WriteObject(JsonElement value, StringBuilder text)
    {
        text.Append('{');
        var fields = value.EnumerateObject().OrderBy(p => Encoding.UTF8.GetBytes(p.Name), ByBytes.Instance);
        foreach (var (i, field) in fields.Index())
        {
            text.Append(i == 0 ? "" : ",");
            Write(field.Name, text);
            text.Append(':');
            Write(field.Value, text);
        }

        text.Append('}');
    }

    private static void Write(string value, StringBuilder text)
    {
        text.Append('"');
        foreach (var c in value)
        {
            if (Escaped.Contains(c))
            {
                text.Append('\\');
            }

            text.Append(c);
        }

        text.Append('"');
    }

    private static string Whole(string number)
    {
        var digits = number.AsSpan().TrimStart('-');
        return digits.ContainsAnyExceptInRange('0', '9') || number == "-0"
            ? throw new FormatException($"the number {number} is not whole, and has no canonical form")
            : number;
    }

    private sealed class ByBytes : IComparer<byte[]>
    {
        internal static readonly ByBytes Instance = new();

        public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
    }
}
