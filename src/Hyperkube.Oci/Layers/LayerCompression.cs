using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Hyperkube.Oci.Layers;

/// <summary>How the tar of a layer is made smaller.</summary>
public enum CompressionAlgorithm
{
    /// <summary>RFC 1952: everything reads it.</summary>
    Gzip,

    /// <summary>RFC 8878: smaller and faster; Docker before 23 does not read it.</summary>
    Zstd,
}

/// <summary>An algorithm and its level, written <c>gzip</c>, <c>gzip:9</c> or <c>zstd:3</c>.</summary>
/// <param name="Algorithm">The format.</param>
/// <param name="Level">gzip 1 to 9, zstd 1 to 19; more is smaller and slower.</param>
public sealed record LayerCompression(CompressionAlgorithm Algorithm, int Level) : IParsable<LayerCompression>
{
    /// <summary>gzip at level 6.</summary>
    public static LayerCompression Gzip { get; } = new(CompressionAlgorithm.Gzip, 6);

    /// <summary>zstd at level 3: smaller than gzip -9 on Kubernetes binaries, and faster than gzip -6. Decision 0001 has the
    /// numbers.</summary>
    public static LayerCompression Zstd { get; } = new(CompressionAlgorithm.Zstd, 3);

    /// <summary>The media type of a layer that is compressed so.</summary>
    public string LayerMediaType =>
        Algorithm == CompressionAlgorithm.Gzip ? MediaTypes.GzipLayer : MediaTypes.ZstdLayer;

    /// <summary>Reads <c>gzip[:LEVEL]</c> or <c>zstd[:LEVEL]</c>.</summary>
    /// <exception cref="FormatException">It is neither; the message quotes it.</exception>
    public static LayerCompression Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var compression)
            ? compression
            : throw new FormatException(
                $"'{s}' is not a compression; expected gzip, gzip:LEVEL (1 to 9), zstd or zstd:LEVEL (1 to 19)");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [NotNullWhen(true)] out LayerCompression? result)
    {
        var parts = s?.Split(':') ?? [];
        var standard = parts is [var name, ..] ? Standard(name) : null;
        result = parts switch
        {
            [_] => standard,
            [_, var text] when standard is not null
                && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var level)
                && level >= 1 && level <= MaxLevel(standard.Algorithm) => standard with { Level = level },
            _ => null,
        };
        return result is not null;
    }

    /// <summary>The text that <see cref="Parse"/> reads.</summary>
    public override string ToString() => $"{(Algorithm == CompressionAlgorithm.Gzip ? "gzip" : "zstd")}:{Level}";

    private static LayerCompression? Standard(string name) => name switch
    {
        "gzip" => Gzip,
        "zstd" => Zstd,
        _ => null,
    };

    // Above 19 zstd wants windows that readers refuse.
    private static int MaxLevel(CompressionAlgorithm algorithm) => algorithm == CompressionAlgorithm.Gzip ? 9 : 19;
}
