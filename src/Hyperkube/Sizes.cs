using System.Globalization;

namespace Hyperkube;

/// <summary>Numbers of bytes as a person reads them.</summary>
public static class Sizes
{
    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB"];

    private static readonly (string Unit, long Bytes)[] Words =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
    ];

    /// <summary>Reads a number of bytes as a person writes it: <c>500MB</c>, <c>8GiB</c>, <c>0</c>.</summary>
    /// <param name="text">A whole number and a unit, decimal or binary; without a unit in bytes.</param>
    /// <param name="bytes">0 to 2^63 - 1.</param>
    public static bool TryParse(string? text, out long bytes)
    {
        bytes = 0;
        var (unit, size) = Words.FirstOrDefault(w => text?.EndsWith(w.Unit, StringComparison.Ordinal) == true, ("", 1));
        if (!long.TryParse(text.AsSpan()[..^unit.Length].TrimEnd(' '), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            || count > long.MaxValue / size)
        {
            return false;
        }

        bytes = count * size;
        return true;
    }

    /// <summary>Three digits and a decimal unit: <c>57.3 MB</c>.</summary>
    public static string Text(long bytes)
    {
        var value = (double)bytes;
        var unit = 0;
        for (; value >= 999.5 && unit < Units.Length - 1; unit++)
        {
            value /= 1000;
        }

        var format = unit == 0 || value >= 99.95 ? "F0" : "F1";
        return $"{value.ToString(format, CultureInfo.InvariantCulture)} {Units[unit]}";
    }
}
