using System.Buffers;
using System.Globalization;

namespace Hyperkube.Oci.Registry.Credentials;

/// <summary>Spans of time as Go writes them: <c>12h</c>, <c>1h30m</c>, <c>0s</c>.</summary>
/// <remarks>Source: https://pkg.go.dev/time#ParseDuration</remarks>
internal static class GoDuration
{
    private static readonly SearchValues<char> OfNumbers = SearchValues.Create("0123456789.");

    /// <summary>Reads one; null if it is none, or longer than Go can count (292 years).</summary>
    public static TimeSpan? TryParse(string text)
    {
        var rest = text.AsSpan();
        var isNegative = rest.StartsWith('-');
        rest = rest is ['-' or '+', ..] ? rest[1..] : rest;
        if (rest is "0")
        {
            return TimeSpan.Zero;
        }

        if (rest.IsEmpty)
        {
            return null;
        }

        decimal nanoseconds = 0;
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(OfNumbers);
            if (digits is <= 0 or > 20
                || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            {
                return null;
            }

            rest = rest[digits..];
            var end = rest.IndexOfAny(OfNumbers);
            var unit = end < 0 ? rest : rest[..end];
            decimal? length = unit switch
            {
                "ns" => 1,
                "us" or "\u00b5s" or "\u03bcs" => 1_000,
                "ms" => 1_000_000,
                "s" => 1_000_000_000,
                "m" => 60_000_000_000,
                "h" => 3_600_000_000_000,
                _ => null,
            };
            nanoseconds += number * (length ?? 0);
            if (length is null || nanoseconds > long.MaxValue)
            {
                return null;
            }

            rest = rest[unit.Length..];
        }

        var ticks = (long)(nanoseconds / 100);
        return TimeSpan.FromTicks(isNegative ? -ticks : ticks);
    }
}
