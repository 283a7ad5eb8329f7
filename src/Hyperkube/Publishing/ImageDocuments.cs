using Hyperkube.Documents;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;

namespace Hyperkube.Publishing;

/// <summary>Puts a signature below a statement.</summary>
public interface IStatementSigner
{
    /// <summary>Signs an in-toto statement.</summary>
    /// <returns>A Sigstore bundle, in JSON.</returns>
    Task<ReadOnlyMemory<byte>> SignAsync(ReadOnlyMemory<byte> statement, CancellationToken cancellationToken);

    /// <summary>Whether a bundle, which may be anybody's and of any form, is this signer's about this statement.</summary>
    bool HasSigned(ReadOnlyMemory<byte> bundle, ReadOnlyMemory<byte> statement);
}

/// <summary>A document, and where it is now.</summary>
/// <param name="Document">Which.</param>
/// <param name="Manifest">Its manifest.</param>
/// <param name="IsNew">Whether it was not there before.</param>
public sealed record AttachedDocument(ImageDocument Document, Descriptor Manifest, bool IsNew);

/// <summary>Attaches documents and their signatures to images, in whatever keeps count of referrers; what is there already is left as it
/// is.</summary>
/// <param name="source">What is there.</param>
/// <param name="destination">The same, to be written to.</param>
public sealed class ImageDocuments(IContentSource source, IContentDestination destination)
{
    /// <summary>The type of a Sigstore bundle, as cosign 3 writes and looks for it.</summary>
    public const string BundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";

    private readonly Dictionary<Digest, IReadOnlyList<Descriptor>> _present = [];

    /// <summary>Attaches documents, and a signature of each by each signer.</summary>
    /// <param name="documents">The documents; their subjects are there already.</param>
    /// <param name="signers">Who signs; may be nobody.</param>
    /// <param name="cancellationToken">Leaves those that are attached.</param>
    /// <returns>One for each document, and one for each signature, in order.</returns>
    public async Task<IReadOnlyList<AttachedDocument>> AttachAsync(
        IReadOnlyList<ImageDocument> documents, IReadOnlyList<IStatementSigner> signers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(documents);
        ArgumentNullException.ThrowIfNull(signers);
        List<AttachedDocument> attached = [];
        foreach (var document in documents)
        {
            attached.Add(await AttachAsync(document, cancellationToken).ConfigureAwait(false));
            foreach (var signer in document.Statement is null ? [] : signers)
            {
                attached.Add(await SignAsync(document, signer, cancellationToken).ConfigureAwait(false));
            }
        }

        return attached;
    }

    private async Task<AttachedDocument> AttachAsync(ImageDocument document, CancellationToken cancellationToken)
    {
        var (manifest, json, layer) = document.Build();
        var present = await PresentAsync(document.Subject.Digest, cancellationToken).ConfigureAwait(false);
        if (present.Any(p => p.Digest == manifest.Digest))
        {
            return new AttachedDocument(document, manifest, IsNew: false);
        }

        var empty = ImageDocument.Empty;
        await PutAsync(Descriptor.Of(ImageDocument.EmptyType, empty), empty, cancellationToken).ConfigureAwait(false);
        await PutAsync(layer, document.Content.ToArray(), cancellationToken).ConfigureAwait(false);
        await PutAsync(manifest, json, cancellationToken).ConfigureAwait(false);
        await destination.AttachAsync(document.Subject.Digest, [manifest], cancellationToken).ConfigureAwait(false);
        return new AttachedDocument(document, manifest, IsNew: true);
    }

    private async Task<AttachedDocument> SignAsync(ImageDocument document, IStatementSigner signer, CancellationToken cancellationToken)
    {
        var statement = document.Statement!.Value;
        foreach (var referrer in await PresentAsync(document.Subject.Digest, cancellationToken).ConfigureAwait(false))
        {
            if (await TryReadBundleAsync(referrer, cancellationToken).ConfigureAwait(false) is { } bundle
                && signer.HasSigned(bundle, statement))
            {
                return new AttachedDocument(SignatureOf(document, bundle), referrer, IsNew: false);
            }
        }

        var signed = await signer.SignAsync(statement, cancellationToken).ConfigureAwait(false);
        return await AttachAsync(SignatureOf(document, signed), cancellationToken).ConfigureAwait(false);
    }

    private static ImageDocument SignatureOf(ImageDocument document, ReadOnlyMemory<byte> bundle) => new()
    {
        Subject = document.Subject,
        Type = BundleType,
        Content = bundle,
        FileName = $"{document.FileName}.sigstore.json",
        Annotations =
        [
            new("dev.sigstore.bundle.content", "dsse-envelope"),
            new("dev.sigstore.bundle.predicateType",
                document.Type == SpdxDocument.MediaType ? SpdxDocument.PredicateType : ProvenanceStatement.PredicateType),
            .. document.Annotations.Where(a => a.Key == Annotations.Created),
        ],
    };

    // Not by the descriptor's word: some writers name the config's type there, others nothing.
    private async Task<byte[]?> TryReadBundleAsync(Descriptor referrer, CancellationToken cancellationToken)
    {
        if (!MediaTypes.IsManifest(referrer.MediaType))
        {
            return null;
        }

        var json = await source.ReadDocumentAsync(referrer, cancellationToken).ConfigureAwait(false);
        return OciJson.ReadManifest(json, referrer.Digest.ToString()).Layers is
            [{ MediaType: BundleType, Size: <= OciJson.MaxDocumentBytes } layer]
            ? await source.ReadDocumentAsync(layer, cancellationToken).ConfigureAwait(false)
            : null;
    }

    private async Task<IReadOnlyList<Descriptor>> PresentAsync(Digest subject, CancellationToken cancellationToken)
    {
        if (!_present.TryGetValue(subject, out var present))
        {
            present = await source.ReferrersAsync(subject, cancellationToken).ConfigureAwait(false);
            _present.Add(subject, present);
        }

        return present;
    }

    private async Task PutAsync(Descriptor descriptor, byte[] content, CancellationToken cancellationToken)
    {
        if (!await destination.HasAsync(descriptor, cancellationToken).ConfigureAwait(false))
        {
            await destination.PutAsync(descriptor, ContentSourceExtensions.OpenerOf(content), cancellationToken).ConfigureAwait(false);
        }
    }
}
