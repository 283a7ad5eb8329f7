using System.Buffers;
using System.Text.Encodings.Web;

namespace Hyperkube.Oci.Images;

/// <summary>Escapes text as Go's <c>encoding/json</c> does, so that a document has the bytes that other tools of this field would give
/// it: <c>+</c> and every letter stay, <c>&lt; &gt; &amp;</c>, control characters and two line separators do not.</summary>
/// <remarks>Source: https://pkg.go.dev/encoding/json#Marshal</remarks>
internal sealed unsafe class GoJsonEncoder : JavaScriptEncoder
{
    private const int EscapeLength = 6; // \u003c

    private static readonly SearchValues<char> Escaped = SearchValues.Create(
        [.. Enumerable.Range(0, ' ').Select(c => (char)c), '"', '\\', '<', '>', '&', '\u2028', '\u2029']);

    internal static GoJsonEncoder Instance { get; } = new();

    public override int MaxOutputCharactersPerInputCharacter => EscapeLength;

    public override bool WillEncode(int unicodeScalar) => unicodeScalar <= char.MaxValue && Escaped.Contains((char)unicodeScalar);

    public override int FindFirstCharacterToEncode(char* text, int textLength) =>
        new ReadOnlySpan<char>(text, textLength).IndexOfAny(Escaped);

    public override bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        Span<char> to = new(buffer, bufferLength);
        var done = unicodeScalar switch
        {
            '"' => "\\\"".TryCopyTo(to),
            '\\' => "\\\\".TryCopyTo(to),
            '\b' => "\\b".TryCopyTo(to),
            '\f' => "\\f".TryCopyTo(to),
            '\n' => "\\n".TryCopyTo(to),
            '\r' => "\\r".TryCopyTo(to),
            '\t' => "\\t".TryCopyTo(to),
            _ => $"\\u{unicodeScalar:x4}".TryCopyTo(to),
        };
        numberOfCharactersWritten = !done ? 0 : unicodeScalar is '"' or '\\' or '\b' or '\f' or '\n' or '\r' or '\t' ? 2 : EscapeLength;
        return done;
    }
}
