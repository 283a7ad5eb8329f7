using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Signing;
using Hyperkube.Sigstore.Trust;

namespace Hyperkube.Publishing;

/// <summary>A signature of an image that was proved to be a trusted signer's.</summary>
/// <param name="Signer">Whose it is.</param>
/// <param name="Image">What it is of: the digest of an index or a manifest.</param>
/// <param name="Form">Where it was found.</param>
/// <param name="Proof">What it proves.</param>
public sealed record ImageSignature(TrustedSigner Signer, Digest Image, SignatureForm Form, VerifiedEvidence Proof);

/// <summary>How a signature is attached to an image.</summary>
public enum SignatureForm
{
    /// <summary>A bundle that refers to the image, as cosign 3 writes it.</summary>
    Bundle,

    /// <summary>Under the tag <c>sha256-….sig</c>, as cosign wrote it before.</summary>
    Tag,
}

/// <summary>The signatures of images, wherever an image is: in a registry, a layout or an archive, in both forms that cosign writes.
/// </summary>
/// <remarks>
/// Anybody who may write to a repository may attach what they like: what is no good signature of somebody trusted is passed over,
/// and told of when nothing else is there. Source: https://github.com/sigstore/cosign/blob/v3.0.2/specs/BUNDLE_SPEC.md and
/// https://github.com/sigstore/cosign/blob/v2.6.3/specs/SIGNATURE_SPEC.md
/// </remarks>
/// <param name="source">Where the image is.</param>
/// <param name="trust">Whom to believe about identities; asked for only when somebody has one.</param>
public sealed class ImageSignatures(IContentSource source, Func<TrustedRoot> trust)
{
    /// <summary>How the media types of bundles begin, of all their versions.</summary>
    internal const string BundleTypePrefix = "application/vnd.dev.sigstore.bundle";

    /// <summary>On a manifest of a bundle: the type of the statement inside.</summary>
    internal const string PredicateTypeAnnotation = "dev.sigstore.bundle.predicateType";

    /// <summary>How the tags of the older form end.</summary>
    internal const string TagSuffix = ".sig";

    /// <summary>A bundle that signs a digest takes 1 KiB, with all witnesses 10.</summary>
    private const long MaxBundleBytes = 256 << 10;

    /// <summary>A manifest of a bundle takes 1 KiB; those of the older form hold certificates.</summary>
    private const long MaxManifestBytes = 2 << 20;

    /// <summary>As many as a subject may have referrers.</summary>
    internal const int MaxLayers = ReferrersIndex.MaxReferrers;

    /// <summary>Whoever reads a message wants the first reasons, not hundreds.</summary>
    private const int MaxReasons = 3;

    /// <summary>Proves that enough of those who are trusted have signed an image.</summary>
    /// <param name="reference">What the user called it, for messages.</param>
    /// <param name="image">The digest of its index or manifest.</param>
    /// <param name="signers">Whose signatures count.</param>
    /// <param name="needed">How many of them have to have signed; 1 or more.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>One signature of each of them.</returns>
    /// <exception cref="HyperkubeException">There is no signature (<see cref="ErrorKind.Unsigned"/>), or there are some, and too few good
    /// ones (<see cref="ErrorKind.BadSignature"/>), or what is there cannot be read.</exception>
    public async Task<IReadOnlyList<ImageSignature>> CheckAsync(
        ImageReference reference, Digest image, IReadOnlyList<TrustedSigner> signers, int needed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(signers);
        Search search = new(image, signers, trust);
        await SearchAsync(search, () => search.Signers.Count >= needed, cancellationToken).ConfigureAwait(false);
        return search.Signers.Count >= needed
            ? [.. search.Found.DistinctBy(s => s.Signer)]
            : throw Refused(reference, search, signers, needed);
    }

    /// <summary>Finds all good signatures of a signer, in both forms.</summary>
    /// <exception cref="HyperkubeException">What is there cannot be read.</exception>
    internal async Task<IReadOnlyList<ImageSignature>> FindAsync(Digest image, TrustedSigner signer, CancellationToken cancellationToken)
    {
        Search search = new(image, [signer], trust);
        await SearchAsync(search, () => search.Found.Select(s => s.Form).Distinct().Count() == 2, cancellationToken).ConfigureAwait(false);
        return search.Failure is { } failure ? throw failure : search.Found;
    }

    private async Task SearchAsync(Search search, Func<bool> isEnough, CancellationToken cancellationToken)
    {
        var referrers = await search.TryAsync(
            "referrers", async () => await source.ReferrersAsync(search.Image, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);

        // What an index says of a referrer is a hint for the order, no more: cosign 3.1.1 writes another type there.
        foreach (var referrer in (referrers ?? []).OrderByDescending(r => IsBundle(r.ArtifactType)))
        {
            if (isEnough())
            {
                return;
            }

            await search.TryAsync(
                $"{referrer.Digest}", () => ReadBundleAsync(search, referrer, cancellationToken)).ConfigureAwait(false);
        }

        if (!isEnough())
        {
            await search.TryAsync(
                ReferrersIndex.TagOf(search.Image) + TagSuffix, () => ReadTagAsync(search, isEnough, cancellationToken)).ConfigureAwait(false);
        }
    }

    private async Task<bool> ReadBundleAsync(Search search, Descriptor referrer, CancellationToken cancellationToken)
    {
        if (!MediaTypes.IsManifest(referrer.MediaType))
        {
            return false;
        }

        var manifest = await ReadManifestAsync(referrer, cancellationToken).ConfigureAwait(false);
        if (!IsBundle(manifest.ArtifactType ?? manifest.Config.MediaType)
            || manifest.Annotations?.GetValueOrDefault(PredicateTypeAnnotation) is not (null or SignatureStatement.PredicateType))
        {
            return false; // A list of parts, or a statement of another kind.
        }

        search.Seen++;
        if (manifest.Subject?.Digest != search.Image || manifest.Layers is not [var layer] || !IsBundle(layer.MediaType))
        {
            search.Reasons.Add($"{referrer.Digest}: no bundle about this image");
            return false;
        }

        var bundle = SigstoreBundle.Parse(await ReadAsync(layer, MaxBundleBytes, cancellationToken).ConfigureAwait(false));
        var artifact = ArtifactDigests.FromSha256(Convert.FromHexString(search.Image.Hex));
        search.Verify($"{referrer.Digest}", SignatureForm.Bundle, (policy, root) =>
            Verifier.Verify(bundle, artifact, policy, root) is { PredicateType: SignatureStatement.PredicateType } proof
                ? proof
                : throw new SignatureException(
                    SignatureFailure.WrongArtifact, $"statement: of another kind; expected {SignatureStatement.PredicateType}"));
        return true;
    }

    private async Task<bool> ReadTagAsync(Search search, Func<bool> isEnough, CancellationToken cancellationToken)
    {
        var tag = ReferrersIndex.TagOf(search.Image) + TagSuffix;
        if (await source.ResolveAsync(tag, cancellationToken).ConfigureAwait(false) is not { } attached)
        {
            return false;
        }

        search.Seen++;
        if (!MediaTypes.IsManifest(attached.MediaType))
        {
            search.Reasons.Add($"{tag}: no manifest");
            return false;
        }

        var layers = (await ReadManifestAsync(attached, cancellationToken).ConfigureAwait(false)).Layers
            .Where(l => l.MediaType == SimpleSignature.MediaType).ToList();
        search.Seen += Math.Max(0, layers.Count - 1);
        if (layers.Count is 0 or > MaxLayers)
        {
            search.Reasons.Add($"{tag}: {layers.Count} signatures; expected 1 to {MaxLayers}");
            return false;
        }

        foreach (var layer in layers)
        {
            if (isEnough())
            {
                break;
            }

            await search.TryAsync(tag, async () =>
            {
                var payload = await ReadAsync(layer, SimpleSignature.MaxPayloadBytes, cancellationToken).ConfigureAwait(false);
                var signature = SimpleSignature.Parse(payload, layer.Annotation);
                search.Verify(tag, SignatureForm.Tag, (policy, root) => signature.Verify(search.Image.ToString(), policy, root));
                return true;
            }).ConfigureAwait(false);
        }

        return true;
    }

    private async Task<ImageManifest> ReadManifestAsync(Descriptor manifest, CancellationToken cancellationToken) =>
        OciJson.ReadManifest(
            await ReadAsync(manifest, MaxManifestBytes, cancellationToken).ConfigureAwait(false), manifest.Digest.ToString());

    private Task<byte[]> ReadAsync(Descriptor content, long maxBytes, CancellationToken cancellationToken) =>
        content.Size <= maxBytes
            ? source.ReadDocumentAsync(content, cancellationToken)
            : throw new HyperkubeException(
                ErrorKind.BadContent, $"{content.Digest}: {content.Size} bytes; expected at most {maxBytes} of a signature");

    private static bool IsBundle(string? type) => type?.StartsWith(BundleTypePrefix, StringComparison.Ordinal) == true;

    private static HyperkubeException Refused(
        ImageReference reference, Search search, IReadOnlyList<TrustedSigner> signers, int needed)
    {
        if (search.Failure is { } failure)
        {
            return new HyperkubeException(failure.Kind, $"{reference}: its signatures cannot be read: {failure.Message}", failure)
            {
                Hint = failure.Hint,
            };
        }

        var names = string.Join(" or ", signers.Select(s => s.Name));
        var expected = needed == 1 ? $"expected that of {names}" : $"expected those of {needed} of {names}";
        if (search.Seen == 0)
        {
            return new HyperkubeException(ErrorKind.Unsigned, $"{reference}: {search.Image} has no signature; {expected}")
            {
                Hint = "sign it (hyperkube sign), or copy it together with what refers to it",
            };
        }

        var reasons = string.Join("; ", search.Reasons.Distinct(StringComparer.Ordinal).Take(MaxReasons));
        var more = search.Reasons.Count > MaxReasons ? $"; and {search.Reasons.Count - MaxReasons} more" : "";
        return new HyperkubeException(
            ErrorKind.BadSignature,
            $"{reference}: {search.Image} has {search.Signers.Count} good signatures among {search.Seen}; {expected}"
            + (reasons.Length > 0 ? $" ({reasons}{more})" : ""))
        {
            Hint = "do not use the image; ask those who should have signed it, or name the key that they sign with",
        };
    }

    /// <summary>What came of looking at everything that is attached to an image.</summary>
    private sealed class Search(Digest image, IReadOnlyList<TrustedSigner> signers, Func<TrustedRoot> trust)
    {
        internal Digest Image => image;

        internal List<ImageSignature> Found { get; } = [];

        /// <summary>Those whose good signature was found.</summary>
        internal HashSet<TrustedSigner> Signers { get; } = [];

        /// <summary>Why the others are none.</summary>
        internal List<string> Reasons { get; } = [];

        /// <summary>How many there were, good or not.</summary>
        internal int Seen { get; set; }

        /// <summary>What kept from looking at something: then nobody knows what it is.</summary>
        internal HyperkubeException? Failure { get; private set; }

        internal void Verify(string where, SignatureForm form, Func<VerificationPolicy, TrustedRoot, VerifiedEvidence> verify)
        {
            foreach (var signer in signers)
            {
                try
                {
                    Found.Add(new ImageSignature(signer, image, form, verify(signer.Policy, trust())));
                    Signers.Add(signer);
                }
                catch (SignatureException e)
                {
                    Reasons.Add($"{where}: {e.Message}");
                }
            }
        }

        // What is malformed is somebody's try; what cannot be had may be the signature.
        internal async Task<T?> TryAsync<T>(string where, Func<Task<T>> read)
        {
            try
            {
                return await read().ConfigureAwait(false);
            }
            catch (SignatureException e)
            {
                Reasons.Add($"{where}: {e.Message}");
            }
            catch (HyperkubeException e) when (e.Kind is ErrorKind.BadContent or ErrorKind.BadDigest or ErrorKind.NotFound)
            {
                Reasons.Add($"{where}: {e.Message}");
            }
            catch (HyperkubeException e)
            {
                Failure ??= e;
            }

            return default;
        }
    }
}
