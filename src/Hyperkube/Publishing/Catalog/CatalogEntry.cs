using System.Diagnostics.CodeAnalysis;
using Hyperkube.Oci;
using Hyperkube.Releases;

namespace Hyperkube.Publishing.Catalog;

/// <summary>What is known of who made the binaries of a published image.</summary>
[SuppressMessage("Naming", "CA1720:Identifier contains type name", Justification = "Without a signature, not without a sign.")]
public enum CatalogVerification
{
    /// <summary>The image carries the release team's signature of every binary that it records, and all of them are right.</summary>
    Signature,

    /// <summary>It carries none, or not for every binary.</summary>
    Unsigned,

    /// <summary>It carries one that proves nothing.</summary>
    Invalid,

    /// <summary>The image is somebody else's, and records no binaries.</summary>
    Foreign,
}

/// <summary>A published release in a catalog.</summary>
/// <param name="Image">What is published.</param>
/// <param name="Tag">Its tag.</param>
/// <param name="Verification">What is known of who made the binaries.</param>
public sealed record CatalogEntry(PublishedRelease Image, string Tag, CatalogVerification Verification)
{
    /// <summary>The releases of which it is one: <c>1.34</c>.</summary>
    public string Minor => $"{Image.Version.Major}.{Image.Version.Minor}";

    /// <summary>Finds out what is known of an image, by the evidence that it carries.</summary>
    /// <param name="image">What is published.</param>
    /// <param name="evidence">Its evidence.</param>
    /// <param name="trust">Whom to believe.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<CatalogVerification> VerifyAsync(
        PublishedRelease image, IEvidenceStore evidence, ReleaseTrust trust, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(evidence);
        ArgumentNullException.ThrowIfNull(trust);
        if (!image.IsOurs)
        {
            return CatalogVerification.Foreign;
        }

        foreach (var binary in image.Platforms.SelectMany(p => p.Binaries))
        {
            var sha256 = Digest.Parse($"sha256:{binary.Sha256}");
            try
            {
                if (await evidence.FindAsync(binary.File.Path, sha256, cancellationToken).ConfigureAwait(false) is not { } bundle)
                {
                    return CatalogVerification.Unsigned;
                }

                _ = trust.Check(bundle, sha256, binary.File.Path);
            }
            catch (HyperkubeException e) when (
                e.Kind is ErrorKind.BadSignature or ErrorKind.Unsigned or ErrorKind.BadContent or ErrorKind.BadDigest)
            {
                return CatalogVerification.Invalid;
            }
        }

        return CatalogVerification.Signature;
    }
}
