using System.Collections.Immutable;

namespace Hyperkube.Testing;

/// <summary>What a client asked a <see cref="TestRegistry"/>.</summary>
/// <param name="Method">The method.</param>
/// <param name="Path">With the slash in front, as it was sent.</param>
/// <param name="Query">Without the question mark, as it was sent.</param>
/// <param name="Headers">Each once: their values joined with a comma.</param>
public sealed record RegistryCall(string Method, string Path, string Query, ImmutableDictionary<string, string> Headers)
{
    /// <summary>How many came before it.</summary>
    public int Number { get; init; }

    /// <summary>What came of the body.</summary>
    public ReadOnlyMemory<byte> Body { get; internal set; }

    public bool IsBlob => Path.Contains("/blobs/sha256:", StringComparison.Ordinal);

    public bool IsManifest => Path.Contains("/manifests/", StringComparison.Ordinal);

    public bool IsUpload => Path.Contains("/blobs/uploads/", StringComparison.Ordinal);

    public bool IsToken => Path.EndsWith("/token", StringComparison.Ordinal);

    /// <summary>A header, or null.</summary>
    public string? Header(string name) => Headers.GetValueOrDefault(name);

    /// <summary>Every value of a parameter of the query.</summary>
    public IReadOnlyList<string> Parameters(string name) => Values(Query, name);

    /// <summary>The first value of a parameter of the query, or null.</summary>
    public string? Parameter(string name) => Parameters(name) is [var first, ..] ? first : null;

    /// <summary>The first value of a field of the form in the body, or null.</summary>
    public string? Field(string name) => Values(System.Text.Encoding.UTF8.GetString(Body.Span), name) is [var first, ..] ? first : null;

    public override string ToString() => $"{Method} {Path}{(Query.Length > 0 ? "?" : "")}{Query}";

    private static IReadOnlyList<string> Values(string form, string name) =>
    [
        .. form.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split('=', 2))
            .Where(p => Uri.UnescapeDataString(p[0]) == name)
            .Select(p => p.Length > 1 ? Uri.UnescapeDataString(p[1].Replace('+', ' ')) : ""),
    ];
}

/// <summary>A call and what was answered.</summary>
/// <param name="Call">What was asked.</param>
/// <param name="Status">What was answered; 0 when the connection was cut instead.</param>
/// <param name="BodyBytes">How many bytes of body were sent.</param>
public sealed record ServedCall(RegistryCall Call, int Status, long BodyBytes);
