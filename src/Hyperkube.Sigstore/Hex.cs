using System.Buffers;

namespace Hyperkube.Sigstore;

/// <summary>Hex digits as logs and checksums write them.</summary>
internal static class Hex
{
    private static readonly SearchValues<char> Lower = SearchValues.Create("0123456789abcdef");

    /// <summary>Whether the text holds nothing but lower-case hex digits.</summary>
    internal static bool IsLower(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(Lower);
}
