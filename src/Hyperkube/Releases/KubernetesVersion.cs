using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Hyperkube.Releases;

/// <summary>The version of a Kubernetes release, written <c>v1.34.2</c>; ordered as Semantic Versioning orders.</summary>
/// <remarks>Source: https://semver.org/spec/v2.0.0.html, https://kubernetes.io/releases/version-skew-policy/</remarks>
/// <param name="Major">0 and up.</param>
/// <param name="Minor">0 and up.</param>
/// <param name="Patch">0 and up.</param>
/// <param name="PreRelease">For example <c>rc.1</c>; null for a release.</param>
public sealed record KubernetesVersion(int Major, int Minor, int Patch, string? PreRelease = null)
    : IParsable<KubernetesVersion>, IComparable<KubernetesVersion>
{
    /// <summary>No number of a version is longer: an int holds it.</summary>
    private const int MaxDigits = 9;

    /// <summary>Reads a version, with or without the <c>v</c>.</summary>
    /// <exception cref="FormatException">It is none; the message quotes it.</exception>
    public static KubernetesVersion Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var version)
            ? version
            : throw new FormatException($"'{s}' is not a version; expected vMAJOR.MINOR.PATCH, for example v1.34.2");

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static KubernetesVersion Parse(string s) => Parse(s, provider: null);

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [NotNullWhen(true)] out KubernetesVersion? result)
    {
        result = null;
        var text = s.AsSpan();
        text = text.StartsWith('v') ? text[1..] : text;
        var dash = text.IndexOf('-');
        var preRelease = dash < 0 ? null : text[(dash + 1)..].ToString();
        var numbers = (dash < 0 ? text : text[..dash]).ToString().Split('.');
        if (numbers is not [var major, var minor, var patch]
            || !IsNumber(major) || !IsNumber(minor) || !IsNumber(patch)
            || (preRelease is not null && !preRelease.Split('.').All(IsIdentifier)))
        {
            return false;
        }

        result = new KubernetesVersion(ToInt(major), ToInt(minor), ToInt(patch), preRelease);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(KubernetesVersion? other)
    {
        if (other is null)
        {
            return 1;
        }

        var byNumber = (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));
        return byNumber != 0 ? byNumber
            : (PreRelease, other.PreRelease) switch
            {
                (null, null) => 0,
                (null, _) => 1, // The release comes after everything that led to it.
                (_, null) => -1,
                var (mine, theirs) => ComparePreReleases(mine.Split('.'), theirs.Split('.')),
            };
    }

    /// <summary>With the <c>v</c>, as tags and paths write it.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"v{Major}.{Minor}.{Patch}{(PreRelease is null ? "" : $"-{PreRelease}")}");

    private static int ComparePreReleases(string[] mine, string[] theirs)
    {
        foreach (var (a, b) in mine.Zip(theirs))
        {
            var order = (IsNumber(a), IsNumber(b)) switch
            {
                (true, true) => ToInt(a).CompareTo(ToInt(b)),
                (true, false) => -1,
                (false, true) => 1,
                _ => string.CompareOrdinal(a, b),
            };
            if (order != 0)
            {
                return order;
            }
        }

        return mine.Length.CompareTo(theirs.Length);
    }

    private static bool IsNumber(string text) =>
        text.Length is > 0 and <= MaxDigits && text.All(char.IsAsciiDigit) && (text.Length == 1 || text[0] != '0');

    private static bool IsIdentifier(string text) =>
        text.Length is > 0 and <= 32
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '-')
        && (IsNumber(text) || !text.All(char.IsAsciiDigit));

    private static int ToInt(string digits) => int.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
}
