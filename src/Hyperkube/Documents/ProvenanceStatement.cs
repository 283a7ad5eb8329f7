using System.Globalization;
using System.Text.Json;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Images;
using Hyperkube.Releases;
using Hyperkube.Sigstore;

namespace Hyperkube.Documents;

/// <summary>Who built an image, and what was asked for: the part of its provenance that the image itself does not show.</summary>
public sealed record ProvenanceSettings
{
    /// <summary>Who built it: a URI that names the one whose word this is, such as that of a CI workflow.</summary>
    public Uri Builder { get; init; } = new(ProvenanceStatement.Document + "#local");

    /// <summary>How the layers are compressed, as <c>--compression</c> takes it.</summary>
    public string Compression { get; init; } = "gzip";

    /// <summary>Who had to have signed the binaries; null when signatures were not asked for.</summary>
    public IReadOnlyList<SignerIdentity>? Signers { get; init; } = [ReleaseTrust.KubernetesRelease];

    /// <summary>Names this one build at its builder; null to say nothing, which keeps two builds the same.</summary>
    public string? Invocation { get; init; }

    /// <summary>When the build began and ended; null to say nothing, which keeps two builds the same.</summary>
    public (DateTimeOffset Started, DateTimeOffset Finished)? Times { get; init; }
}

/// <summary>How an image came about, as SLSA provenance v1 about its index and each of its manifests.</summary>
/// <remarks>
/// Pure: the same image and settings give the same bytes. docs/provenance.md says what each field means.
/// Source: https://slsa.dev/spec/v1.0/provenance
/// </remarks>
public static class ProvenanceStatement
{
    /// <summary>What kind of statement this is.</summary>
    public const string PredicateType = "https://slsa.dev/provenance/v1";

    /// <summary>How to read it: a section of <see cref="Document"/>.</summary>
    public const string BuildType = Document + "#v1";

    /// <summary>Where docs/provenance.md is read.</summary>
    internal const string Document = "https://github.com/gardener/hyperkube/blob/main/docs/provenance.md";

    /// <summary>Writes it.</summary>
    /// <param name="image">The image.</param>
    /// <param name="binaries">What is in it, of all platforms.</param>
    /// <param name="list">The digest of the release's signed list of files; null when it was not there.</param>
    /// <param name="settings">Who built it.</param>
    public static byte[] Write(
        NodeImage image, IReadOnlyList<DocumentedBinary> binaries, Digest? list, ProvenanceSettings settings)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(settings);
        var name = $"{SpdxDocument.ImageName}:{image.Version}";
        return Statement.Write(
            [(name, image.Index.Digest), .. image.Platforms.Select(p => ($"{name} {p.Manifest.Platform}", p.Manifest.Digest))],
            PredicateType,
            json => json.WriteObject("predicate", () =>
            {
                json.WriteObject("buildDefinition", () => WriteDefinition(json, image, binaries, list, settings));
                json.WriteObject("runDetails", () => WriteRun(json, settings));
            }));
    }

    private static void WriteDefinition(
        Utf8JsonWriter json, NodeImage image, IReadOnlyList<DocumentedBinary> binaries, Digest? list, ProvenanceSettings settings)
    {
        json.WriteString("buildType", BuildType);
        json.WriteObject("externalParameters", () =>
        {
            json.WriteString("kubernetesVersion", image.Version.ToString());
            json.WriteStrings("platforms", image.Platforms.Select(p => p.Manifest.Platform!.ToString()));
            json.WriteStrings("binaries", binaries.Select(b => b.File.Name).Distinct().Order().Select(n => n.Text));
            json.WriteString("compression", settings.Compression);
            if (settings.Signers is { } signers)
            {
                json.WriteObjects("signers", signers, s =>
                {
                    json.WriteString("identity", s.Subject);
                    json.WriteString("issuer", s.Issuer);
                });
            }
        });
        json.WriteStartArray("resolvedDependencies");
        foreach (var binary in binaries.OrderBy(b => b.File.Platform).ThenBy(b => b.File.Name))
        {
            WriteDependency(json, binary.Address, () => WriteHashes(json, binary), () => WriteProof(json, binary));
        }

        if (list is { } digest)
        {
            WriteDependency(json, $"{DocumentedBinary.UpstreamSite}/{image.Version}/kubernetes-release.spdx",
                () => json.WriteString("sha256", digest.Hex));
        }

        foreach (var commit in binaries.Select(b => b.Commit).OfType<string>().Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal))
        {
            WriteDependency(json, $"git+https://github.com/kubernetes/kubernetes@refs/tags/{image.Version}",
                () => json.WriteString("gitCommit", commit));
        }

        json.WriteEndArray();
    }

    private static void WriteDependency(Utf8JsonWriter json, string uri, Action digest, Action? annotations = null)
    {
        json.WriteStartObject();
        json.WriteString("uri", uri);
        json.WriteObject("digest", digest);
        if (annotations is not null)
        {
            json.WriteObject("annotations", annotations);
        }

        json.WriteEndObject();
    }

    private static void WriteHashes(Utf8JsonWriter json, DocumentedBinary binary)
    {
        json.WriteString("sha256", binary.Sha256);
        json.WriteString("sha512", binary.Sha512);
    }

    private static void WriteProof(Utf8JsonWriter json, DocumentedBinary binary)
    {
        json.WriteString("verified", binary.Verification switch
        {
            Verification.Signature => "signature",
            Verification.Exception => "exception",
            _ => "checksum",
        });
        if (binary.Verification != Verification.Checksum)
        {
            json.WriteString("versionProof", binary.IsVersionProved ? "listed" : "claimed");
        }

        if (binary.LogIndex is { } index)
        {
            json.WriteString("rekorLogIndex", index.ToString(CultureInfo.InvariantCulture));
        }

        if (binary.Log is { } log)
        {
            json.WriteString("rekorLog", log);
        }
    }

    private static void WriteRun(Utf8JsonWriter json, ProvenanceSettings settings)
    {
        json.WriteObject("builder", () => json.WriteString("id", settings.Builder.OriginalString));
        if (settings.Invocation is null && settings.Times is null)
        {
            return;
        }

        json.WriteObject("metadata", () =>
        {
            if (settings.Invocation is { } invocation)
            {
                json.WriteString("invocationId", invocation);
            }

            if (settings.Times is var (started, finished))
            {
                json.WriteString("startedOn", ImageBuilder.Rfc3339(started));
                json.WriteString("finishedOn", ImageBuilder.Rfc3339(finished));
            }
        });
    }
}
