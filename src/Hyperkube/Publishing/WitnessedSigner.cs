using Hyperkube.Oci;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Signing;
using Hyperkube.Sigstore.Trust;

namespace Hyperkube.Publishing;

/// <summary>Signs as somebody whom others know by a name or a key, before witnesses: logs, timestamp authorities.</summary>
/// <remarks>Each signature is verified as a reader would before it is handed out: what a log or an authority answers may be of no use.
/// </remarks>
/// <param name="signer">Who signs.</param>
/// <param name="witnesses">Who is told of each signature, and answers for it.</param>
/// <param name="trust">Whom to believe about certificates, logs and times.</param>
public sealed class WitnessedSigner(Signer signer, SigningWitnesses witnesses, TrustedRoot trust) : IStatementSigner
{
    /// <summary>By what a good signature is known.</summary>
    public TrustedSigner Trusted { get; } = Of(signer, witnesses);

    /// <inheritdoc/>
    public async Task<ReadOnlyMemory<byte>> SignAsync(ReadOnlyMemory<byte> statement, CancellationToken cancellationToken)
    {
        var bundle = await witnesses.CompleteAsync(signer, signer.SignStatement(statement), cancellationToken).ConfigureAwait(false);
        Check(() => Verifier.VerifyStatement(bundle, statement, Trusted.Policy, trust));
        return bundle.ToJson();
    }

    /// <summary>Signs an image in the older form.</summary>
    /// <param name="name">The name that the signer knows it by.</param>
    /// <param name="image">The digest of its manifest.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<SimpleSignature> SignAsync(string name, Digest image, CancellationToken cancellationToken)
    {
        var manifest = image.ToString();
        var unwitnessed = SimpleSignature.Sign(name, manifest, signer);
        var bundle = await witnesses.CompleteAsync(signer, unwitnessed.Bundle, cancellationToken).ConfigureAwait(false);
        var signature = unwitnessed.With(bundle);
        Check(() => signature.Verify(manifest, Trusted.Policy, trust));
        return signature;
    }

    /// <inheritdoc/>
    public bool HasSigned(ReadOnlyMemory<byte> bundle, ReadOnlyMemory<byte> statement)
    {
        try
        {
            _ = Verifier.VerifyStatement(SigstoreBundle.Parse(bundle), statement, Trusted.Policy, trust);
            return true;
        }
        catch (SignatureException)
        {
            return false; // Somebody else's, of any form.
        }
    }

    private static TrustedSigner Of(Signer signer, SigningWitnesses witnesses)
    {
        ArgumentNullException.ThrowIfNull(signer);
        ArgumentNullException.ThrowIfNull(witnesses);
        var policy = signer.Identity is { } identity
            ? VerificationPolicy.SignedBy(identity)
            : VerificationPolicy.SignedBy(signer.PublicKey);
        return new TrustedSigner(
            signer.Identity?.ToString() ?? $"the key sha256:{signer.PublicKey.Fingerprint}",
            witnesses.HasLog ? policy : policy.UnsafeWithoutLog());
    }

    private static void Check(Func<VerifiedEvidence> verify)
    {
        try
        {
            _ = verify();
        }
        catch (SignatureException e)
        {
            throw new HyperkubeException(
                ErrorKind.BadSignature, $"sign: nobody would accept the new signature: {e.Message}; nothing was published", e)
            {
                Hint = "name the trusted root of the services that were used with --trusted-root",
            };
        }
    }
}
