using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Registry;
using Hyperkube.Sigstore.Trust;

namespace Hyperkube.Publishing;

/// <summary>A signature of every image that is published, of all platforms together and of each for itself.</summary>
/// <param name="signer">Who signs, when an image is there to be signed.</param>
/// <param name="nameOf">What an image will be called.</param>
/// <param name="trust">Whom to believe about identities.</param>
/// <param name="time">When bundles say that they were made.</param>
public sealed class SignatureAttachment(
    Func<CancellationToken, Task<ImageSigningIdentity>> signer, Func<NodeImage, RegistryReference> nameOf, Func<TrustedRoot> trust,
    TimeProvider time) : IImageAttachment
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<Attachment>> AttachAsync(
        NodeImage image, RemoteRepository repository, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(image);
        var identity = await signer(cancellationToken).ConfigureAwait(false);
        var signed = await new ImageSigner(repository, identity, trust, time)
            .SignAsync(nameOf(image), image.Index, new SignRequest { IsRecursive = true }, cancellationToken).ConfigureAwait(false);
        return [.. signed.Where(s => s.Bundle is not null).Select(s => new Attachment(s.Image, s.Bundle!))];
    }
}
