using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hyperkube.Oci;

/// <summary>What a program runs on, written <c>linux/arm64</c> or <c>linux/arm/v7</c>, in Go's words.</summary>
/// <remarks>Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md#image-index-property-descriptions
/// </remarks>
/// <param name="Os">For example <c>linux</c>.</param>
/// <param name="Architecture">For example <c>amd64</c>; never uname's spelling.</param>
/// <param name="Variant">For example <c>v7</c>; null for most.</param>
public sealed record Platform(
    [property: JsonPropertyOrder(1)] string Os, string Architecture, [property: JsonPropertyOrder(2)] string? Variant = null)
    : IParsable<Platform>, IComparable<Platform>
{
    /// <summary>What else a foreign document said, kept for whoever writes it back.</summary>
    [JsonExtensionData, JsonInclude]
    internal Dictionary<string, JsonElement>? Extra { get; set; }

    /// <summary>The machine this process runs on.</summary>
    [JsonIgnore]
    public static Platform Host { get; } = new("linux", RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "amd64",
        System.Runtime.InteropServices.Architecture.Arm64 => "arm64",
        System.Runtime.InteropServices.Architecture.Ppc64le => "ppc64le",
        System.Runtime.InteropServices.Architecture.S390x => "s390x",
        var other => Lowercase(other.ToString()),
    });

    /// <summary>Reads <c>OS/ARCH[/VARIANT]</c>; <c>x86_64</c> and <c>aarch64</c> are understood.</summary>
    /// <exception cref="FormatException">The text is no platform; the message quotes it.</exception>
    public static Platform Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var platform)
            ? platform
            : throw new FormatException($"'{s}' is not a platform; expected OS/ARCH, for example linux/arm64");

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static Platform Parse(string s) => Parse(s, provider: null);

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [NotNullWhen(true)] out Platform? result)
    {
        var parts = s?.Split('/') ?? [];
        result = parts.All(IsWord)
            ? parts switch
            {
                [var os, var architecture] => new Platform(os, FromUname(architecture)),
                [var os, var architecture, var variant] => new Platform(os, FromUname(architecture), variant),
                _ => null,
            }
            : null;
        return result is not null;
    }

    /// <summary>Orders by name.</summary>
    public int CompareTo(Platform? other) => string.CompareOrdinal(ToString(), other?.ToString());

    /// <summary>The text that <see cref="Parse(string)"/> reads.</summary>
    public override string ToString() => Variant is null ? $"{Os}/{Architecture}" : $"{Os}/{Architecture}/{Variant}";

    private static string FromUname(string architecture) => architecture switch
    {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        _ => architecture,
    };

    private static bool IsWord(string part) =>
        part.Length > 0 && part.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '.' or '-');

    [SuppressMessage("Globalization", "CA1308", Justification = "Architectures are written in lower case.")]
    private static string Lowercase(string text) => text.ToLowerInvariant();
}
