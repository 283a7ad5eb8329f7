using System.Diagnostics.CodeAnalysis;

namespace Hyperkube.Releases;

/// <summary>A release as a person names it: a version, or a marker such as <c>stable-1.34</c> that stands for one.</summary>
/// <param name="Version">The version; null for a marker.</param>
/// <param name="Marker">The marker; null for a version.</param>
public sealed record ReleaseName(KubernetesVersion? Version, string? Marker) : IParsable<ReleaseName>
{
    /// <summary>Reads <c>v1.34.2</c>, <c>1.34.2</c>, <c>stable</c>, <c>stable-1</c> or <c>stable-1.34</c>.</summary>
    /// <exception cref="FormatException">It is none; the message quotes it.</exception>
    public static ReleaseName Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var name)
            ? name
            : throw new FormatException($"'{s}' is not a release; expected v1.34.2, 1.34.2, stable or stable-1.34");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [NotNullWhen(true)] out ReleaseName? result)
    {
        result = KubernetesVersion.TryParse(s, provider, out var version) ? new ReleaseName(version, null)
            : IsMarker(s) ? new ReleaseName(null, s)
            : null;
        return result is not null;
    }

    /// <summary>The text that <see cref="Parse"/> reads.</summary>
    public override string ToString() => Version?.ToString() ?? Marker!;

    private static bool IsMarker([NotNullWhen(true)] string? text) => text?.Split('-') switch
    {
        ["stable"] => true,
        ["stable", var line] => line.Split('.') is [_] or [_, _]
            && KubernetesVersion.TryParse(line.Contains('.', StringComparison.Ordinal) ? $"{line}.0" : $"{line}.0.0", null, out _)
            && char.IsAsciiDigit(line[0]),
        _ => false,
    };
}
