using System.Buffers;
using System.Globalization;

namespace Hyperkube.Oci.Registry;

/// <summary>A length of time as Go writes it: <c>300ms</c>, <c>1.5h</c>, <c>2h45m</c>.</summary>
/// <remarks>Source: https://pkg.go.dev/time#ParseDuration</remarks>
internal static class GoDuration
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    /// <summary>Reads one; null when it is none, negative, or longer than Go can count (292 years).</summary>
    internal static TimeSpan? TryParse(ReadOnlySpan<char> text)
    {
        if (text is ['+', ..])
        {
            text = text[1..];
        }

        if (text is "0" or "-0")
        {
            return TimeSpan.Zero;
        }

        decimal nanoseconds = 0;
        do
        {
            var number = text[..End(text.IndexOfAnyExcept(Digits), text)];
            text = text[number.Length..];
            var unit = text[..End(text.IndexOfAny(Digits), text)];
            text = text[unit.Length..];
            if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count)
                || Nanoseconds(unit) is not { } each
                || count > long.MaxValue / each
                || (nanoseconds += count * each) > long.MaxValue)
            {
                return null;
            }
        }
        while (text.Length > 0);

        return TimeSpan.FromTicks((long)decimal.Ceiling(nanoseconds / TimeSpan.NanosecondsPerTick));
    }

    private static int End(int found, ReadOnlySpan<char> text) => found < 0 ? text.Length : found;

    private static long? Nanoseconds(ReadOnlySpan<char> unit) => unit switch
    {
        "ns" => 1,
        "us" or "\u00B5s" or "\u03BCs" => 1_000, // Both of Unicode's micro signs.
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => null,
    };
}
