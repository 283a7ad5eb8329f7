using System.Globalization;
using System.Text;

namespace Hyperkube.Oci;

/// <summary>Foreign text as a message can carry it.</summary>
internal static class OneLine
{
    /// <summary>Three lines of a terminal: enough for a reason, too little for a page of usage.</summary>
    public const int MaxLength = 240;

    /// <summary>The text without line breaks and control characters, shortened.</summary>
    public static string Of(string text)
    {
        StringBuilder line = new();
        foreach (var rune in text.EnumerateRunes())
        {
            // Formats turn the direction of what follows; a terminal obeys controls.
            if (Rune.IsWhiteSpace(rune) || Rune.GetUnicodeCategory(rune)
                is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned)
            {
                if (line.Length > 0 && line[^1] != ' ')
                {
                    line.Append(' ');
                }
            }
            else
            {
                line.Append(rune.ToString());
            }

            if (line.Length > MaxLength)
            {
                return line.ToString(0, MaxLength - (char.IsHighSurrogate(line[MaxLength - 1]) ? 1 : 0)).TrimEnd() + "...";
            }
        }

        return line.ToString().TrimEnd();
    }

    /// <summary>The key of an entry, without the login that a URL may carry in front of its host.</summary>
    public static string OfKey(string key)
    {
        if (key.Length == 0)
        {
            return key;
        }

        var scheme = key.IndexOf("://", StringComparison.Ordinal);
        var start = scheme < 0 ? 0 : scheme + "://".Length;
        var slash = key.IndexOf('/', start);
        var at = key.LastIndexOf('@', slash < 0 ? key.Length - 1 : slash);
        return Of(at < start ? key : string.Concat(key.AsSpan(0, start), key.AsSpan(at + 1)));
    }
}
