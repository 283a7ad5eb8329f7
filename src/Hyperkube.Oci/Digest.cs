using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Hyperkube.Oci.Images;

namespace Hyperkube.Oci;

/// <summary>The name of a blob: a SHA-256 of its bytes, written <c>sha256:</c> and 64 lowercase hex digits.</summary>
/// <remarks>
/// A digest is only ever valid: there is no way to make one from unchecked text. SHA-512 digests, which the
/// specification also registers, are refused, because every Kubernetes and OCI registry in use speaks SHA-256.
/// Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests
/// </remarks>
[JsonConverter(typeof(DigestJsonConverter))]
public readonly record struct Digest : ISpanParsable<Digest>
{
    private const string Prefix = "sha256:";
    private const int HexLength = 2 * SHA256.HashSizeInBytes;
    private static readonly SearchValues<char> LowercaseHex = SearchValues.Create("0123456789abcdef");

    private readonly string? _hex;

    private Digest(string hex) => _hex = hex;

    /// <summary>The 64 hex digits, without the algorithm.</summary>
    public string Hex => _hex ?? throw new InvalidOperationException("default(Digest) names no blob.");

    /// <summary>Names the given bytes.</summary>
    public static Digest Of(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, hash);
        return FromHash(hash);
    }

    /// <summary>Wraps a finished SHA-256.</summary>
    /// <param name="hash">Exactly 32 bytes.</param>
    public static Digest FromHash(ReadOnlySpan<byte> hash)
    {
        if (hash.Length != SHA256.HashSizeInBytes)
        {
            throw new ArgumentException($"A SHA-256 has 32 bytes, not {hash.Length}.", nameof(hash));
        }

        return new Digest(Convert.ToHexStringLower(hash));
    }

    /// <summary>Reads <c>sha256:…</c> as it stands in a manifest or a reference.</summary>
    /// <exception cref="FormatException">The text is no digest; the message quotes it.</exception>
    public static Digest Parse(ReadOnlySpan<char> s) => Parse(s, provider: null);

    /// <inheritdoc cref="Parse(ReadOnlySpan{char})"/>
    public static Digest Parse(string s, IFormatProvider? provider) => Parse(s.AsSpan(), provider);

    /// <inheritdoc cref="Parse(ReadOnlySpan{char})"/>
    public static Digest Parse(ReadOnlySpan<char> s, IFormatProvider? provider) =>
        TryParse(s, provider, out var digest)
            ? digest
            : throw new FormatException($"'{s}' is not a digest; expected 'sha256:' and 64 lowercase hex digits");

    /// <inheritdoc cref="TryParse(ReadOnlySpan{char}, IFormatProvider?, out Digest)"/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out Digest result) =>
        TryParse(s.AsSpan(), provider, out result);

    /// <summary>Reads a digest, or answers false for anything else; it allocates only on success.</summary>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out Digest result)
    {
        var valid = s.Length == Prefix.Length + HexLength
            && s.StartsWith(Prefix, StringComparison.Ordinal)
            && !s[Prefix.Length..].ContainsAnyExcept(LowercaseHex);

        result = valid ? new Digest(s[Prefix.Length..].ToString()) : default;
        return valid;
    }

    /// <summary>The digest as manifests, references and URLs write it.</summary>
    public override string ToString() => Prefix + Hex;
}
