using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hyperkube.Publishing.Catalog;

/// <summary>The catalog for programs, <c>catalog.json</c>. Its fields are promises: docs/reference/catalog.schema.json.</summary>
internal static class CatalogFile
{
    internal const string Name = "catalog.json";

    /// <summary>Another number is another form; fields may be added to this one.</summary>
    private const int SchemaVersion = 1;

    internal static byte[] Write(string repository, IReadOnlyList<CatalogEntry> entries, EndOfLife endOfLife)
    {
        CatalogDocument document = new(
            SchemaVersion,
            repository,
            [.. entries.Select(e => e.Minor).Distinct(StringComparer.Ordinal).Select(m => new CatalogMinor(m, DateText(endOfLife.Of(m))))],
            [.. entries.Select(e => Release(repository, e))]);
        return [.. JsonSerializer.SerializeToUtf8Bytes(document, CatalogJson.Default.CatalogDocument), (byte)'\n'];
    }

    internal static string? DateText(DateOnly? date) => date?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    internal static string Word(CatalogVerification verification) => verification switch
    {
        CatalogVerification.Signature => "signature",
        CatalogVerification.Unsigned => "unsigned",
        CatalogVerification.Invalid => "invalid",
        CatalogVerification.Foreign => "foreign",
        _ => throw new ArgumentOutOfRangeException(nameof(verification)),
    };

    internal static string ReferenceOf(string repository, CatalogEntry entry) => $"{repository}:{entry.Tag}@{entry.Image.Root.Digest}";

    private static CatalogRelease Release(string repository, CatalogEntry entry) => new(
        entry.Image.Version.ToString(), entry.Minor, entry.Tag, ReferenceOf(repository, entry), entry.Image.Root.Digest.ToString(),
        entry.Image.Size, Word(entry.Verification),
        [
            .. entry.Image.Platforms.Select(p => new CatalogPlatform(
                p.Platform.ToString(), p.Digest.ToString(), p.Size,
                [.. p.Binaries.Select(b => new CatalogBinary(b.File.Name.Text, b.Sha256, b.Size))])),
        ]);
}

internal sealed record CatalogDocument(
    int SchemaVersion, string Repository, IReadOnlyList<CatalogMinor> Minors,
    IReadOnlyList<CatalogRelease> Releases);

internal sealed record CatalogMinor(string Minor, string? EndOfLife);

internal sealed record CatalogRelease(
    string Version, string Minor, string Tag, string Reference, string Digest, long Size, string Verification,
    IReadOnlyList<CatalogPlatform> Platforms);

internal sealed record CatalogPlatform(string Platform, string Digest, long Size, IReadOnlyList<CatalogBinary> Binaries);

internal sealed record CatalogBinary(string Name, string Sha256, long Size);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    WriteIndented = true, NewLine = "\n")]
[JsonSerializable(typeof(CatalogDocument))]
internal sealed partial class CatalogJson : JsonSerializerContext;
