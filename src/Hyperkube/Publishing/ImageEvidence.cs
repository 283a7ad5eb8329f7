using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Releases;

namespace Hyperkube.Publishing;

/// <summary>The evidence in an image that was built before, of which another build makes the same image.</summary>
/// <param name="reference">The image.</param>
/// <param name="names">Of which binaries.</param>
/// <param name="open">Opens its place.</param>
/// <param name="isOptional">Whether it may be missing, as a destination is before the first build.</param>
public sealed class ImageEvidence(
    ImageReference reference, IEnumerable<BinaryName> names, Func<ImageReference, CancellationToken, Task<ImageSource>> open,
    bool isOptional) : IEvidenceStore
{
    private readonly List<string> _names = [.. names.Select(n => n.Text).Distinct(StringComparer.Ordinal)];
    private Dictionary<Platform, CarriedEvidence>? _found;

    /// <inheritdoc/>
    public string Location => reference.ToString();

    /// <inheritdoc/>
    public bool IsOptional => isOptional;

    /// <inheritdoc/>
    public async Task<byte[]?> FindAsync(string path, Digest sha256, CancellationToken cancellationToken)
    {
        // VERSION/bin/OS/ARCH/NAME; an image holds nothing about other files.
        if (path.Split('/') is not [_, "bin", var os, var architecture, var name])
        {
            return null;
        }

        try
        {
            _found ??= await ReadAsync(cancellationToken).ConfigureAwait(false); // Two at once would read it twice, and find the same.
        }
        catch (HyperkubeException)
        {
            _found = []; // It is told once what is wrong there, not for each file.
            throw;
        }

        return _found.GetValueOrDefault(new Platform(os, architecture))?.Of(name);
    }

    private async Task<Dictionary<Platform, CarriedEvidence>> ReadAsync(CancellationToken cancellationToken)
    {
        Dictionary<Platform, CarriedEvidence> found = [];
        using var source = await OpenAsync(cancellationToken).ConfigureAwait(false);
        if (source is null || await FindAsync(source, cancellationToken).ConfigureAwait(false) is not { } root)
        {
            return found;
        }

        foreach (var image in await PlatformImage.OpenAllAsync(source.Content, reference, root, cancellationToken).ConfigureAwait(false))
        {
            found[image.Platform] = await CarriedEvidence.ReadAsync(
                source.Content, image, _names, NoActivityLog.Instance, cancellationToken).ConfigureAwait(false);
        }

        return found;
    }

    private async Task<ImageSource?> OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await open(reference, cancellationToken).ConfigureAwait(false);
        }
        catch (HyperkubeException e) when (isOptional && e.Kind is (ErrorKind.NotFound or ErrorKind.AccessDenied or ErrorKind.Usage))
        {
            return null;
        }
    }

    // Registries say of repositories that are not there that they may not be read.
    private async Task<Descriptor?> FindAsync(ImageSource source, CancellationToken cancellationToken)
    {
        try
        {
            return await source.FindAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (HyperkubeException e) when (isOptional && e.Kind is (ErrorKind.NotFound or ErrorKind.AccessDenied))
        {
            return null;
        }
    }
}
