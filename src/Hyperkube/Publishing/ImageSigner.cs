using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layout;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Signing;
using Hyperkube.Sigstore.Trust;

namespace Hyperkube.Publishing;

/// <summary>How an image is to be signed.</summary>
public sealed record SignRequest
{
    /// <summary>Whether the manifest of each platform is signed too, for those who pull one by its digest.</summary>
    public bool IsRecursive { get; init; }

    /// <summary>Whether the older form is written too: proxies and replications lose what only refers to an image. Yes unless told.
    /// </summary>
    public bool WithTag { get; init; } = true;

    /// <summary>The name that the older form says; null for that of the image.</summary>
    public string? Identity { get; init; }
}

/// <summary>What was signed.</summary>
/// <param name="Image">The digest of an index or a manifest.</param>
/// <param name="Bundle">The manifest of the bundle that was written; null when a good signature was there.</param>
/// <param name="Tag">The tag of the older form that was written; null when a good signature was there, or none was wanted.</param>
public sealed record SignedImage(Digest Image, Descriptor? Bundle, string? Tag);

/// <summary>Who signs images.</summary>
/// <param name="Statements">Signs statements.</param>
/// <param name="Signer">By what a good signature of theirs is known.</param>
/// <param name="SignOlderAsync">Signs the older form: told the name that it says, and the digest; null for those who do not.</param>
public sealed record ImageSigningIdentity(
    IStatementSigner Statements, TrustedSigner Signer, Func<string, Digest, CancellationToken, Task<SimpleSignature>>? SignOlderAsync)
{
    /// <summary>Whoever has a key, without witnesses.</summary>
    /// <param name="key">The key, which stays the caller's.</param>
    /// <param name="signer">By what a good signature of theirs is known.</param>
    public static ImageSigningIdentity Of(SigningKey key, TrustedSigner signer) => new(
        new KeyStatementSigner(key), signer, (name, image, _) => Task.FromResult(SimpleSignature.Sign(name, image.ToString(), key)));

    /// <summary>Whoever signs before witnesses.</summary>
    public static ImageSigningIdentity Of(WitnessedSigner signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        return new(signer, signer.Trusted, signer.SignAsync);
    }
}

/// <summary>Signs images where they are: as a bundle that refers to the image, which cosign 3 reads, and under the tag of the older
/// form, which containers/image, older cosign and the caches of registries read.</summary>
/// <remarks>What is signed already is not signed again; what others have signed stays.</remarks>
/// <param name="content">The registry or layout.</param>
/// <param name="identity">Who signs.</param>
/// <param name="trust">Whom to believe about identities.</param>
/// <param name="time">When bundles say that they were made.</param>
public sealed class ImageSigner(IContentDestination content, ImageSigningIdentity identity, Func<TrustedRoot> trust, TimeProvider time)
{
    /// <summary>Two writers of one tag overwrite each other; each looks whether its own survived, this often.</summary>
    private const int MaxRounds = 8;

    private readonly IContentSource _source = content as IContentSource
        ?? throw new ArgumentException("A place that cannot be read cannot be signed in.", nameof(content));

    /// <summary>Opens the place of an image to sign it there.</summary>
    /// <exception cref="HyperkubeException">It is an archive, or there is no such image.</exception>
    public static async Task<(IContentDestination Content, Descriptor Root)> OpenAsync(
        Transports transports, ImageReference reference, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transports);
        if (reference is ArchiveReference)
        {
            throw new HyperkubeException(
                ErrorKind.Usage, $"{reference}: an archive; expected a registry or oci:DIR, where signatures can be added")
            {
                Hint = $"hyperkube copy {reference} oci:DIR, and sign it there",
            };
        }

        if (reference is LayoutReference layout)
        {
            var there = ImageLayout.Open(layout.Directory);
            return (there, await new ImageSource(reference, there).FindAsync(cancellationToken).ConfigureAwait(false));
        }

        // The registry itself, not its mirrors: what is signed is what is there.
        var place = await transports.OpenDestinationAsync(reference, source: null, cancellationToken).ConfigureAwait(false);
        ImageSource image = new(reference, (IContentSource)place.Content);
        return (place.Content, await image.FindAsync(cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Signs an image.</summary>
    /// <param name="reference">What the user called it.</param>
    /// <param name="root">Its index or manifest.</param>
    /// <param name="request">How.</param>
    /// <param name="cancellationToken">Leaves what is signed so far.</param>
    /// <returns>The image first, then its platforms.</returns>
    public async Task<IReadOnlyList<SignedImage>> SignAsync(
        ImageReference reference, Descriptor root, SignRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(request);
        List<Descriptor> images = [root with { Annotations = null, Platform = null, ArtifactType = null }];
        if (request.IsRecursive && MediaTypes.IsIndex(root.MediaType))
        {
            var document = await _source.ReadDocumentAsync(root, cancellationToken).ConfigureAwait(false);
            images.AddRange(OciJson.ReadIndex(document, root.Digest.ToString()).Manifests
                .Where(m => MediaTypes.IsDocument(m.MediaType)).DistinctBy(m => m.Digest)
                .Select(m => new Descriptor(m.MediaType, m.Digest, m.Size)));
        }

        List<SignedImage> signed = [];
        foreach (var image in images)
        {
            signed.Add(await SignAsync(image, request.Identity ?? NameOf(reference), request, cancellationToken).ConfigureAwait(false));
        }

        return signed;
    }

    private async Task<SignedImage> SignAsync(Descriptor image, string name, SignRequest request, CancellationToken cancellationToken)
    {
        var present = await FindAsync(image.Digest, cancellationToken).ConfigureAwait(false);
        var bundle = present.Contains(SignatureForm.Bundle) ? null
            : await AttachBundleAsync(image, cancellationToken).ConfigureAwait(false);
        var tag = request.WithTag && identity.SignOlderAsync is not null && !present.Contains(SignatureForm.Tag)
            ? await AddToTagAsync(image.Digest, name, cancellationToken).ConfigureAwait(false)
            : null;
        return new SignedImage(image.Digest, bundle, tag);
    }

    private async Task<HashSet<SignatureForm>> FindAsync(Digest image, CancellationToken cancellationToken) =>
        [
            .. (await new ImageSignatures(_source, trust).FindAsync(image, identity.Signer, cancellationToken).ConfigureAwait(false))
                .Select(s => s.Form),
        ];

    private async Task<Descriptor> AttachBundleAsync(Descriptor image, CancellationToken cancellationToken)
    {
        var statement = SignatureStatement.About(Convert.FromHexString(image.Digest.Hex));
        ImageDocument bundle = new()
        {
            Subject = image,
            Type = SigstoreBundle.MediaType,
            Content = await identity.Statements.SignAsync(statement, cancellationToken).ConfigureAwait(false),
            FileName = "signature.sigstore.json",
            Annotations =
            [
                new("dev.sigstore.bundle.content", "dsse-envelope"),
                new(ImageSignatures.PredicateTypeAnnotation, SignatureStatement.PredicateType),
                new(Annotations.Created, ImageBuilder.Rfc3339(time.GetUtcNow())),
            ],
        };
        var attached = await new ImageDocuments(_source, content).AttachAsync([bundle], [], cancellationToken).ConfigureAwait(false);
        return attached[0].Manifest;
    }

    private async Task<string> AddToTagAsync(Digest image, string name, CancellationToken cancellationToken)
    {
        var tag = ReferrersIndex.TagOf(image) + ImageSignatures.TagSuffix;
        var signature = await identity.SignOlderAsync!(name, image, cancellationToken).ConfigureAwait(false);
        var layer = await PutAsync(SimpleSignature.MediaType, signature.Payload.ToArray(), cancellationToken).ConfigureAwait(false) with
        {
            Annotations = Annotations.Of(signature.Annotations()),
        };
        for (var round = 0; round < MaxRounds; round++)
        {
            var present = await PresentAsync(tag, cancellationToken).ConfigureAwait(false);
            if (present?.Layers.Any(l => l.Annotation(SimpleSignature.SignatureAnnotation) == signature.Signature) == true)
            {
                return tag; // Nobody came between.
            }

            var manifest = await WithAsync(present, layer, cancellationToken).ConfigureAwait(false);
            var descriptor = await PutAsync(MediaTypes.Manifest, OciJson.Write(manifest), cancellationToken).ConfigureAwait(false);
            await content.TagAsync(descriptor, tag, move: true, cancellationToken).ConfigureAwait(false);
        }

        throw new HyperkubeException(ErrorKind.Unavailable, $"{tag}: overwritten by others {MaxRounds} times in a row");
    }

    private async Task<ImageManifest?> PresentAsync(string tag, CancellationToken cancellationToken)
    {
        if (await _source.ResolveAsync(tag, cancellationToken).ConfigureAwait(false) is not { } present)
        {
            return null;
        }

        var manifest = MediaTypes.IsManifest(present.MediaType)
            ? OciJson.ReadManifest(await _source.ReadDocumentAsync(present, cancellationToken).ConfigureAwait(false), tag)
            : null;
        return manifest is { Layers.Count: > 0 and < ImageSignatures.MaxLayers }
            && manifest.Layers.All(l => l.MediaType == SimpleSignature.MediaType)
            ? manifest
            : throw new HyperkubeException(
                ErrorKind.TagConflict,
                $"{tag}: the tag stands for something else, or for too many signatures; expected cosign's signatures")
            {
                Hint = "remove the tag, or leave the older form out with --no-legacy-tag",
            };
    }

    // The config says the same as the layers, once more: cosign makes an image of them.
    private async Task<ImageManifest> WithAsync(ImageManifest? present, Descriptor layer, CancellationToken cancellationToken)
    {
        IReadOnlyList<Descriptor> layers = [.. present?.Layers ?? [], layer];
        var config = OciJson.Write(new ImageConfig
        {
            Architecture = "",
            Os = "",
            RootFileSystem = new RootFileSystem("layers", [.. layers.Select(l => l.Digest)]),
        });
        var descriptor = await PutAsync(MediaTypes.Config, config, cancellationToken).ConfigureAwait(false);
        return present is not null
            ? present with { MediaType = MediaTypes.Manifest, Config = descriptor, Layers = layers }
            : new ImageManifest { MediaType = MediaTypes.Manifest, Config = descriptor, Layers = layers };
    }

    private async Task<Descriptor> PutAsync(string mediaType, byte[] bytes, CancellationToken cancellationToken)
    {
        var descriptor = Descriptor.Of(mediaType, bytes);
        if (!await content.HasAsync(descriptor, cancellationToken).ConfigureAwait(false))
        {
            await content.PutAsync(descriptor, ContentSourceExtensions.OpenerOf(bytes), cancellationToken).ConfigureAwait(false);
        }

        return descriptor;
    }

    // With its tag, where there is one: so containers/image wants it by default. What has no name in a registry has none here.
    private static string NameOf(ImageReference reference) =>
        reference is RegistryReference remote ? (remote with { Digest = null }).ToString() : "";
}
