using System.Globalization;

namespace Hyperkube;

/// <summary>Numbers of bytes as a person reads them.</summary>
public static class Sizes
{
    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB"];

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
