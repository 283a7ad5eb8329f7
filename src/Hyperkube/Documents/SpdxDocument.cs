using System.Text.Json;
using Hyperkube.Oci;
using Hyperkube.Oci.Images;
using Hyperkube.Releases;

namespace Hyperkube.Documents;

/// <summary>The list of parts of the image of one platform, as SPDX 2.3 in JSON: the binaries, and the modules that they say they were
/// built from.</summary>
/// <remarks>
/// Pure: the same image gives the same bytes. The time is the image's own, and the namespace that of its digest.
/// Source: https://spdx.github.io/spdx-spec/v2.3/
/// </remarks>
public static class SpdxDocument
{
    /// <summary>The media type, and the type of the artifact that holds it.</summary>
    public const string MediaType = "application/spdx+json";

    /// <summary>What a signed statement calls it.</summary>
    public const string PredicateType = "https://spdx.dev/Document";

    /// <summary>What the image is called in documents, which do not know in which repository they lie.</summary>
    internal const string ImageName = "hyperkube";

    /// <summary>Of the form of this document: the next one with the same subject would be another document. A name, not an
    /// address.</summary>
    private const string Namespace = "https://github.com/gardener/hyperkube/spdx/v1";

    /// <summary>Writes it.</summary>
    /// <param name="manifest">The image of one platform.</param>
    /// <param name="version">Of which release.</param>
    /// <param name="created">When the image was made, as it says itself.</param>
    /// <param name="binaries">What is in it.</param>
    public static byte[] Write(
        Descriptor manifest, KubernetesVersion version, DateTimeOffset created, IReadOnlyList<DocumentedBinary> binaries)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        var platform = manifest.Platform ?? throw new ArgumentException("expected the manifest of one platform", nameof(manifest));
        var image = SpdxPackage.OfImage(manifest, version);
        var sleep = SpdxPackage.OfSleep(platform);
        List<SpdxPackage> packages = [image, sleep];
        List<(string From, string How, string To)> relations =
            [("SPDXRef-DOCUMENT", "DESCRIBES", image.Id), (image.Id, "CONTAINS", sleep.Id)];
        foreach (var binary in binaries.OrderBy(b => b.File.Name))
        {
            var package = SpdxPackage.OfBinary(binary);
            packages.Add(package);
            relations.Add((image.Id, "CONTAINS", package.Id));
            var parts = PartsOf(binary).ToList();
            packages.AddRange(parts);
            relations.AddRange(parts.Select(p => (package.Id, "DEPENDS_ON", p.Id)));
        }

        return JsonDocumentWriter.Write(json =>
        {
            json.WriteString("spdxVersion", "SPDX-2.3");
            json.WriteString("dataLicense", "CC0-1.0");
            json.WriteString("SPDXID", "SPDXRef-DOCUMENT");
            json.WriteString("name", $"{ImageName} {version} {platform}");
            json.WriteString("documentNamespace", $"{Namespace}/{manifest.Digest.Hex}");
            json.WriteObject("creationInfo", () =>
            {
                json.WriteString("created", ImageBuilder.Rfc3339(created));
                json.WriteStrings("creators", ["Tool: hyperkube"]);
            });
            json.WriteObjects(
                "packages",
                packages.DistinctBy(p => p.Id, StringComparer.Ordinal).OrderBy(p => p.Id, StringComparer.Ordinal),
                p => Write(json, p));
            json.WriteObjects(
                "relationships",
                relations.Distinct().OrderBy(r => r.From, StringComparer.Ordinal).ThenBy(r => r.To, StringComparer.Ordinal),
                r =>
                {
                    json.WriteString("spdxElementId", r.From);
                    json.WriteString("relationshipType", r.How);
                    json.WriteString("relatedSpdxElement", r.To);
                });
        });
    }

    private static IEnumerable<SpdxPackage> PartsOf(DocumentedBinary binary) =>
        binary.Build is { } build
            ? build.Dependencies.Select(SpdxPackage.OfModule).Concat(SpdxPackage.OfStandardLibrary(build) is { } go ? [go] : [])
            : [];

    private static void Write(Utf8JsonWriter json, SpdxPackage package)
    {
        json.WriteString("SPDXID", package.Id);
        json.WriteString("name", package.Name);
        WriteGiven(json, "versionInfo", package.Version);
        WriteGiven(json, "packageFileName", package.FileName);
        json.WriteString("supplier", package.Supplier);
        json.WriteString("downloadLocation", package.Location);
        json.WriteBoolean("filesAnalyzed", false);
        if (package.Checksums.Count > 0)
        {
            json.WriteObjects("checksums", package.Checksums, c =>
            {
                json.WriteString("algorithm", c.Algorithm);
                json.WriteString("checksumValue", c.Value);
            });
        }

        WriteGiven(json, "sourceInfo", package.Origin);
        json.WriteString("licenseConcluded", SpdxPackage.NoAssertion);
        json.WriteString("licenseDeclared", package.License);
        json.WriteString("copyrightText", SpdxPackage.NoAssertion);
        json.WriteString("primaryPackagePurpose", package.Purpose);
        (string Category, string Type, string? Locator)[] references =
            [("PACKAGE-MANAGER", "purl", package.PackageUrl), ("SECURITY", "cpe23Type", package.Cpe)];
        if (references.Any(r => r.Locator is not null))
        {
            json.WriteObjects("externalRefs", references.Where(r => r.Locator is not null), r =>
            {
                json.WriteString("referenceCategory", r.Category);
                json.WriteString("referenceType", r.Type);
                json.WriteString("referenceLocator", r.Locator);
            });
        }
    }

    private static void WriteGiven(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null)
        {
            json.WriteString(name, text);
        }
    }
}
