using Hyperkube.Oci.Images;

namespace Hyperkube.Oci.Layout;

/// <summary>The names and rules that a layout in a directory and one in an archive share.</summary>
/// <remarks>Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md</remarks>
internal static class LayoutFiles
{
    internal const string Marker = "oci-layout";
    internal const string Index = "index.json";

    /// <summary>The bytes of the marker file.</summary>
    internal static ReadOnlySpan<byte> MarkerContent => """{"imageLayoutVersion":"1.0.0"}"""u8;

    internal static string PathOf(Digest digest) => $"blobs/sha256/{digest.Hex}";

    /// <summary>Finds a tag, a digest, or, for null, the only entry.</summary>
    internal static Descriptor? Resolve(ImageIndex index, string? reference, string where)
    {
        if (reference is null)
        {
            // What is attached to an image, a signature for example, is none.
            List<Descriptor> images = [.. index.Manifests.Where(m => Tag(m) is not { } tag || !ReferrersIndex.IsAttached(tag))];
            return images switch
            {
                [] => null,
                [var only] => only,
                _ => throw new HyperkubeException(ErrorKind.Usage,
                    $"{where}: {images.Count} images; expected a tag that says which")
                {
                    Hint = $"add one of the tags: {string.Join(", ", images.Select(Tag).OfType<string>())}",
                },
            };
        }

        return index.Manifests.FirstOrDefault(m => Tag(m) == reference)
            ?? (Digest.TryParse(reference, null, out var digest)
                ? index.Manifests.FirstOrDefault(m => m.Digest == digest)
                : null);
    }

    internal static string? Tag(Descriptor manifest) => manifest.Annotation(Annotations.RefName);
}
