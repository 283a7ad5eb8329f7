using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Hyperkube.Releases;

namespace Hyperkube.Publishing;

/// <summary>One worker's part of all releases, written <c>I/N</c>.</summary>
/// <remarks>Whose a release is follows from its version alone, so that workers who see different lists still do not do each other's work.
/// Some count from 0 (<c>JOB_COMPLETION_INDEX</c>), some from 1: <c>0/N</c> and <c>N/N</c> are the same part.</remarks>
/// <param name="Index">Which part.</param>
/// <param name="Count">Of how many.</param>
public sealed record Shard(int Index, int Count) : IParsable<Shard>
{
    /// <summary>There are not so many releases.</summary>
    private const int MaxCount = 1000;

    /// <summary>All releases.</summary>
    public static Shard All { get; } = new(0, 1);

    /// <summary>Reads <c>I/N</c>.</summary>
    /// <exception cref="FormatException">It is none; the message quotes it.</exception>
    public static Shard Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var shard)
            ? shard
            : throw new FormatException($"'{s}' is not a part; expected I/N, such as 1/4, with N up to {MaxCount} and I from 0 to N");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [NotNullWhen(true)] out Shard? result)
    {
        result = s?.Split('/') is [var i, var n]
            && int.TryParse(i, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            && int.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && count is >= 1 and <= MaxCount && index <= count
                ? new Shard(index, count)
                : null;
        return result is not null;
    }

    /// <summary>Whether a release is in this part.</summary>
    public bool Has(KubernetesVersion version)
    {
        ArgumentNullException.ThrowIfNull(version);
        var number = version.Patch + (31L * version.Minor) + (997L * version.Major) + (version.PreRelease ?? "").Sum(c => (long)c);
        return number % Count == Index % Count;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Index}/{Count}");
}
