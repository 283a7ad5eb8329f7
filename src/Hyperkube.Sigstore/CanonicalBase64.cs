using System.Diagnostics.CodeAnalysis;

namespace Hyperkube.Sigstore;

/// <summary>Base64 of which each content has exactly one form: the standard alphabet, padded, nothing between.</summary>
/// <remarks>Evidence that can be rewritten without being broken would have more than one digest. Source:
/// https://www.rfc-editor.org/rfc/rfc4648#section-3.5</remarks>
internal static class CanonicalBase64
{
    /// <summary>Answers false for any other form.</summary>
    internal static bool TryDecode(string text, [NotNullWhen(true)] out byte[]? bytes)
    {
        var buffer = new byte[(text.Length / 4 * 3) + 3];
        if (Convert.TryFromBase64String(text, buffer, out var length)
            && Convert.ToBase64String(buffer, 0, length) == text)
        {
            bytes = buffer[..length];
            return true;
        }

        bytes = null;
        return false;
    }
}
