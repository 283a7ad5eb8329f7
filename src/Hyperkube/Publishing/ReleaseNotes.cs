using System.Globalization;
using System.Text;
using Hyperkube.Oci;
using Hyperkube.Oci.Layers;

namespace Hyperkube.Publishing;

/// <summary>How images are built, as far as whoever builds one again must know.</summary>
/// <param name="Compression">Of the layers.</param>
/// <param name="IsSigned">Whether signatures of the binaries were asked for, and are in the image.</param>
public sealed record ReleaseNotesSettings(LayerCompression Compression, bool IsSigned);

/// <summary>What is announced of a published release, in Markdown: where it is, what is in it, how to check it.</summary>
public static class ReleaseNotes
{
    /// <summary>Writes the notes.</summary>
    /// <param name="reference">Where the image is, with its tag.</param>
    /// <param name="image">What is published there.</param>
    /// <param name="referrers">What refers to the image or to one of its platforms, by subject.</param>
    /// <param name="how">How such images are built.</param>
    public static string Of(
        RegistryReference reference, PublishedRelease image, IReadOnlyList<(Digest Subject, Descriptor Referrer)> referrers,
        ReleaseNotesSettings how)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(referrers);
        ArgumentNullException.ThrowIfNull(how);
        var pinned = $"{reference with { Digest = null }}@{image.Root.Digest}";
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"The node binaries of Kubernetes {image.Version} as an image:\n\n    {pinned}\n\n");
        text.Append("| platform | digest | compressed |\n| --- | --- | ---: |\n");
        foreach (var platform in image.Platforms)
        {
            text.Append(
                CultureInfo.InvariantCulture, $"| {Cell(platform.Platform)} | `{platform.Digest}` | {Sizes.Text(platform.Size)} |\n");
        }

        if (!image.IsOurs)
        {
            return text.Append("\nThis image was not built by hyperkube: it does not say which binaries are in it.\n").ToString();
        }

        text.Append("\n## Binaries\n\n| platform | binary | SHA-256 | size |\n| --- | --- | --- | ---: |\n");
        foreach (var binary in image.Platforms.SelectMany(p => p.Binaries))
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {Cell(binary.File.Platform)} | {binary.File.Name} | `{binary.Sha256}` | {Sizes.Text(binary.Size)} |\n");
        }

        if (referrers.Count > 0)
        {
            text.Append("\n## Along with it\n\n| what | of | digest |\n| --- | --- | --- |\n");
            foreach (var (subject, referrer) in referrers)
            {
                var platform = image.Platforms.FirstOrDefault(p => p.Digest == subject)?.Platform;
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"| {Kind(referrer.ArtifactType)} | {(platform is null ? "the whole image" : Cell(platform))} "
                    + $"| `{referrer.Digest}` |\n");
            }
        }

        text.Append("\n## Check it\n\n");
        if (how.IsSigned)
        {
            text.Append(CultureInfo.InvariantCulture, $"    hyperkube verify {pinned}\n\n")
                .Append("proves offline that the binaries are the Kubernetes release team's. ");
        }
        else
        {
            text.Append("No signature was asked for: the binaries are what their source's checksums said. ");
        }

        return text.Append(CultureInfo.InvariantCulture, $"""
            The same release gives the same image again:

                {Rebuild(image, pinned, how)}

            prints `{image.Root.Digest}`.

            """).ToString().ReplaceLineEndings("\n");
    }

    // With what differs from the command's own defaults.
    private static string Rebuild(PublishedRelease image, string pinned, ReleaseNotesSettings how)
    {
        var platforms = image.Platforms.Select(p => Plain(p.Platform.ToString())).Order(StringComparer.Ordinal).ToList();
        var binaries = image.Files.Select(f => f.Name.Text).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        StringBuilder words = new($"hyperkube build {image.Version}");
        words.Append(platforms is ["linux/amd64", "linux/arm64"] ? "" : $" --platform {string.Join(',', platforms)}")
            .Append(binaries is ["kubectl", "kubelet"] ? "" : $" --binary {string.Join(',', binaries)}")
            .Append(how.Compression == LayerCompression.Gzip ? "" : $" --compression {how.Compression}")
            .Append(how.IsSigned ? $" --evidence {pinned}" : " --verify checksum");
        return words.Append(" -o oci:check --format json").ToString();
    }

    private static string Kind(string? artifactType) => artifactType switch
    {
        "application/spdx+json" => "SBOM (SPDX)",
        "application/vnd.dev.sigstore.bundle.v0.3+json" => "signature or statement (Sigstore bundle)",
        "application/vnd.in-toto+json" => "statement (in-toto)",
        null => "other",
        _ => $"`{Plain(artifactType)}`",
    };

    // What a registry says of a platform is anybody's text.
    private static string Cell(Platform platform) => Plain(platform.ToString());

    private static string Plain(string text) =>
        new([.. text.Where(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '+' or '_')]);
}
