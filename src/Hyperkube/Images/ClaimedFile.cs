using System.Globalization;
using Hyperkube.Oci;

namespace Hyperkube.Images;

/// <summary>What a layer's annotations say is in it: a hint.</summary>
/// <param name="Path">In the image, without a slash in front; of printable characters.</param>
/// <param name="Sha256">Of the file's bytes.</param>
/// <param name="Size">In bytes.</param>
internal sealed record ClaimedFile(string Path, Digest Sha256, long Size)
{
    /// <summary>Reads the annotations of a layer; null if they say nothing that can be.</summary>
    internal static ClaimedFile? Of(Descriptor layer) =>
        layer.Annotation(NodeImageRecipe.FilePath) is ['/', .. var path] && !path.Any(char.IsControl)
        && layer.Annotation(NodeImageRecipe.FileSha256) is { } hex && Digest.TryParse($"sha256:{hex}", null, out var sha256)
        && long.TryParse(layer.Annotation(NodeImageRecipe.FileSize), NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            ? new ClaimedFile(path, sha256, size)
            : null;
}
