using System.Security.Cryptography;
using Hyperkube.Sigstore.Bundles;

namespace Hyperkube.Sigstore;

/// <summary>The signature itself, over the artifact or over a document about it.</summary>
internal static class SignatureCheck
{
    /// <summary>Checks what the bundle says the artifact is, before anything is computed with it.</summary>
    /// <returns>What the signature has to be over.</returns>
    internal static MessageDigest CheckArtifact(MessageSignature signature, VerificationKey key, ArtifactDigests artifact)
    {
        var hint = signature.Digest;
        var algorithm = key.Family == KeyFamily.Ed25519 ? HashAlgorithmName.SHA512 : hint?.Algorithm ?? key.Hash;
        if (hint is not null && artifact.Find(hint.Algorithm) is { } said && !said.AsSpan().SequenceEqual(hint.Value))
        {
            throw new SignatureException(
                SignatureFailure.WrongArtifact,
                $"artifact: it is {HashNames.Lower(hint.Algorithm)}:{Convert.ToHexStringLower(said)}; "
                + $"the signature is of {HashNames.Lower(hint.Algorithm)}:{Convert.ToHexStringLower(hint.Value)}");
        }

        var own = artifact.Find(algorithm) ?? throw new SignatureException(
            SignatureFailure.MissingEvidence, $"artifact: the signature is over its {algorithm.Name}, which was not computed");
        return new MessageDigest(algorithm, own);
    }

    /// <summary>Checks that the key made the signature.</summary>
    internal static void CheckSignature(SignedContent content, VerificationKey key, MessageDigest? digest)
    {
        var isGood = content is DsseEnvelope envelope
            ? IsSigned(envelope, key)
            : key.VerifyHash(digest!.Value, content.Signature, new SignatureScheme(key.Family, digest.Algorithm));
        if (!isGood)
        {
            throw new SignatureException(
                SignatureFailure.BadSignature,
                content is DsseEnvelope
                    ? "signature: it is not that of the signer's key over the document"
                    : "signature: it is not that of the signer's key over this artifact");
        }
    }

    /// <summary>Whether the key signed the document.</summary>
    /// <remarks>Keys on the larger curves have signed documents with their own hash, and with SHA-256 before that.</remarks>
    internal static bool IsSigned(DsseEnvelope envelope, VerificationKey key)
    {
        var encoded = envelope.PreAuthenticationEncoding();
        SignatureScheme scheme = new(key.Family, key.Hash);
        return key.Verify(encoded, envelope.Signature, scheme)
            || (key.Family == KeyFamily.Ecdsa
                && key.Hash != HashAlgorithmName.SHA256
                && key.Verify(encoded, envelope.Signature, scheme with { Hash = HashAlgorithmName.SHA256 }));
    }
}
