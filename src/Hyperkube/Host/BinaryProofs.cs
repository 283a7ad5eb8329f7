using System.Collections.Concurrent;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Releases;

namespace Hyperkube.Host;

/// <summary>How a binary's bytes were proved.</summary>
/// <param name="Verified">By what.</param>
/// <param name="Signature">By whose signature; null without one.</param>
/// <param name="Bundle">The evidence, when it is not kept yet.</param>
internal sealed record BinaryProof(VerificationMode Verified, SignatureProof? Signature = null, ReadOnlyMemory<byte>? Bundle = null)
{
    /// <summary>Takes a binary by an exception, and says so.</summary>
    internal static BinaryProof Of(ExemptBinary exempt, HyperkubeException refused, IActivityLog log)
    {
        log.Warn(
            $"{exempt.Name} {exempt.Version} {exempt.Platform}: {refused.Message}; accepted all the same, because --exceptions says: "
            + exempt.Reason);
        return new BinaryProof(VerificationMode.Exception);
    }
}

/// <summary>What the receipt, and the evidence that was kept beside it, prove without asking anybody.</summary>
internal sealed class KeptProofs(InstallRequest request, HostState state, IActivityLog log)
{
    /// <summary>The proof of what is installed, at least as strong as the one that is asked for; null if there is none.</summary>
    internal BinaryProof? Of(InstalledBinary there) => request.Verify switch
    {
        VerificationMode.Signature => BySignature(there) ?? ByException(there),
        var asked when there.Verified >= asked => new BinaryProof(there.Verified, there.Signature),
        _ => null,
    };

    // What was bound to its name and platform is bound: only whether the signer is to be believed may have another answer by now.
    private BinaryProof? BySignature(InstalledBinary there)
    {
        if (there is not { Verified: VerificationMode.Signature, Signature: { } signature })
        {
            return null;
        }

        if (signature.Trust == request.Trust.Fingerprint)
        {
            return new BinaryProof(VerificationMode.Signature, signature);
        }

        try
        {
            return Digest.TryParse($"sha256:{there.Sha256}", null, out var sha256) && state.TryReadEvidence(sha256.Hex) is { } kept
                ? new BinaryProof(VerificationMode.Signature, SignatureProof.Of(
                    request.Trust.Check(kept, sha256, $"the evidence of {there.Name} that was kept").Proof, request.Trust.Fingerprint))
                : null;
        }
        catch (HyperkubeException e) when (e.Kind is ErrorKind.BadSignature or ErrorKind.Unsigned)
        {
            return null; // It may be damaged: the image's decides.
        }
    }

    private BinaryProof? ByException(InstalledBinary there) =>
        there.Verified == VerificationMode.Exception
        && KubernetesVersion.TryParse(there.Version, null, out var version)
        && Platform.TryParse(there.Platform, null, out var platform)
        && Digest.TryParse($"sha256:{there.Sha256}", null, out var sha256)
        && request.Exceptions.Find(there.Name, version, platform, sha256, log) is not null
            ? new BinaryProof(VerificationMode.Exception)
            : null;
}

/// <summary>Proves the binaries of one install: by evidence that was kept, by the image's, or by this host's own list of
/// exceptions.</summary>
/// <remarks>Safe for several threads after <see cref="ReadAsync"/>.</remarks>
internal sealed class BinaryProofs(InstallRequest request, PlatformImage image, IActivityLog log)
{
    private readonly ConcurrentDictionary<(string Name, Digest Sha256), BinaryProof> _proofs = [];
    private CarriedEvidence _evidence = CarriedEvidence.None;

    /// <summary>Whether a signature has to be looked for.</summary>
    internal bool AreAsked => request.Verify == VerificationMode.Signature;

    /// <summary>Takes over what is proved already.</summary>
    internal void Add(string name, Digest sha256, BinaryProof proof) => _proofs[(name, sha256)] = proof;

    /// <summary>Reads the image's evidence of some binaries.</summary>
    internal async Task ReadAsync(IContentSource source, IReadOnlyCollection<string> names, CancellationToken cancellationToken)
    {
        if (AreAsked && names.Count > 0)
        {
            _evidence = await CarriedEvidence.ReadAsync(source, image, names, log, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Refuses a binary that nothing can prove, before its digest is known.</summary>
    /// <exception cref="HyperkubeException">There is neither evidence nor an exception (<see cref="ErrorKind.Unsigned"/>).</exception>
    internal void CheckHope(string name)
    {
        if (AreAsked && _evidence.Of(name) is null && !request.Exceptions.Entries.Any(e => e.Name.Text == name))
        {
            throw Unsigned(name);
        }
    }

    /// <summary>Proves a binary by the digest of its bytes.</summary>
    /// <exception cref="HyperkubeException">Nothing proves it (<see cref="ErrorKind.Unsigned"/>), or what should does not
    /// (<see cref="ErrorKind.BadSignature"/>).</exception>
    internal BinaryProof Of(string name, Digest sha256) => !AreAsked
        ? new BinaryProof(request.Verify)
        : _proofs.GetOrAdd((name, sha256), key => Prove(key.Name, key.Sha256));

    private BinaryProof Prove(string name, Digest sha256)
    {
        try
        {
            var bundle = _evidence.Of(name) ?? throw Unsigned(name);
            var evidence = request.Trust.Check(bundle, sha256, $"{request.Reference}: /{NodeImageRecipe.EvidencePath(name)}");
            return new BinaryProof(VerificationMode.Signature, SignatureProof.Of(evidence.Proof, request.Trust.Fingerprint), bundle);
        }
        catch (HyperkubeException e) when (e.Kind is ErrorKind.Unsigned or ErrorKind.BadSignature)
        {
            var version = KubernetesVersion.TryParse(image.Version, null, out var said) ? said : null;
            if (request.Exceptions.Find(name, version, request.Platform, sha256, log) is not { } exempt)
            {
                throw;
            }

            return BinaryProof.Of(exempt, e, log);
        }
    }

    private HyperkubeException Unsigned(string name) => new(
        ErrorKind.Unsigned,
        $"{request.Reference}: carries no evidence of a signature of {name}; "
        + $"expected /{NodeImageRecipe.EvidencePath(name)} in a small layer")
    {
        Hint = "take an image that carries it; or say what you trust instead: --verify digest with a reference that has @sha256:..., or "
            + "--insecure-skip-signature",
    };
}
