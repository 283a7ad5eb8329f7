using Hyperkube.Documents;
using Hyperkube.Images;
using Hyperkube.Oci.Registry;

namespace Hyperkube.Publishing;

/// <summary>What is said about every image: of each platform the list of its parts, of all together how it came about.</summary>
/// <param name="created">The time that images carry in which nothing is signed.</param>
/// <param name="settings">Who built it.</param>
/// <param name="signer">Who signs each document, when there is one to be signed; null for nobody.</param>
public sealed class DocumentAttachment(
    DateTimeOffset created, ProvenanceSettings settings, Func<CancellationToken, Task<ImageSigningIdentity>>? signer) : IImageAttachment
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<Attachment>> AttachAsync(NodeImage image, RemoteRepository repository,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(image);
        IReadOnlyList<IStatementSigner> signers = signer is null ? []
            : [(await signer(cancellationToken).ConfigureAwait(false)).Statements];
        var attached = await new ImageDocuments(repository, repository)
            .AttachAsync(ImageDocument.Of(image, image.ReleaseList, created, settings), signers, cancellationToken).ConfigureAwait(false);
        return [.. attached.Select(a => new Attachment(a.Document.Subject.Digest, a.Manifest))];
    }
}
