using System.Security.Cryptography;
using System.Text;
using Hyperkube.Oci;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Trust;

namespace Hyperkube.Releases;

/// <summary>Whom to believe about the binaries of a release: who has to have signed, and who may vouch for that.</summary>
/// <remarks>Immutable, and safe for several threads.</remarks>
public sealed class ReleaseTrust
{
    /// <summary>The largest bundle that is read: 256 KiB. Ours take 8.</summary>
    public const int MaxBundleBytes = 256 << 10;

    private readonly TrustedRoot? _root;
    private readonly VerificationPolicy _policy;

    /// <summary>Takes what is believed.</summary>
    /// <param name="signers">Those who may have signed; null for the Kubernetes release team.</param>
    /// <param name="trustedRoot">A <c>trusted_root.json</c>; null for that of Sigstore's public instance.</param>
    /// <exception cref="HyperkubeException">The root is none (<see cref="ErrorKind.Usage"/>).</exception>
    public ReleaseTrust(IReadOnlyList<SignerIdentity>? signers = null, ReadOnlyMemory<byte>? trustedRoot = null)
    {
        Signers = signers ?? [KubernetesRelease];
        _policy = VerificationPolicy.SignedByOneOf(Signers);
        try
        {
            _root = trustedRoot is { } json ? TrustedRoot.Parse(json) : null;
        }
        catch (SignatureException e)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"--trusted-root: {e.Message}", e);
        }

        Fingerprint = Convert.ToHexStringLower(SHA256.HashData(
        [
            .. SHA256.HashData((trustedRoot ?? TrustedRoot.PublicGoodJson).Span),
            .. SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', Signers.Select(s => $"{s.Subject}\t{s.Issuer}")
                .Order(StringComparer.Ordinal)))),
        ]));
    }

    /// <summary>Who signs what is on dl.k8s.io.</summary>
    /// <remarks>Source: https://kubernetes.io/docs/tasks/administer-cluster/verify-signed-artifacts/#verifying-binary-signatures</remarks>
    public static SignerIdentity KubernetesRelease { get; } =
        new("krel-staging@k8s-releng-prod.iam.gserviceaccount.com", "https://accounts.google.com");

    /// <summary>Those who may have signed.</summary>
    public IReadOnlyList<SignerIdentity> Signers { get; }

    /// <summary>The same for the same signers and the same root: 64 lower-case hex digits. What was checked with another one
    /// has to be checked again.</summary>
    public string Fingerprint { get; }

    /// <summary>Proves that a signer has signed a file, offline.</summary>
    /// <param name="bundle">The evidence, as it came.</param>
    /// <param name="sha256">The digest of the file's bytes.</param>
    /// <param name="where">Which evidence, for messages.</param>
    /// <exception cref="HyperkubeException">It proves less (<see cref="ErrorKind.BadSignature"/>).</exception>
    public BinaryEvidence Check(ReadOnlyMemory<byte> bundle, Digest sha256, string where)
    {
        try
        {
            return new BinaryEvidence(bundle, Verify(SigstoreBundle.Parse(bundle), sha256));
        }
        catch (SignatureException e)
        {
            throw Refused(e, where);
        }
    }

    /// <summary>Makes a failed check one that a user can act on.</summary>
    internal static HyperkubeException Refused(SignatureException e, string where) =>
        new(e.Failure == SignatureFailure.NotSigned ? ErrorKind.Unsigned : ErrorKind.BadSignature, $"{where}: {e.Message}", e)
        {
            Hint = e.Failure switch
            {
                SignatureFailure.NotSigned => null,
                SignatureFailure.WrongArtifact =>
                    "do not use the file: it is not the one that was signed, or the evidence is another file's",
                SignatureFailure.WrongSigner => "do not use the file; if another team builds yours, name it with --certificate-identity",
                SignatureFailure.UntrustedCertificate or SignatureFailure.BadCertificateLog or SignatureFailure.BadCheckpoint
                    or SignatureFailure.BadEntryTimestamp =>
                    "if Sigstore's keys are newer than this program: hyperkube trust update, and --trusted-root with its file",
                _ => "do not use the file; take it and its evidence from another place",
            },
        };

    // The release team signs files themselves. What it attests about one, that it failed a test say, is no release of it.
    private VerifiedEvidence Verify(SigstoreBundle bundle, Digest sha256) => !bundle.IsEnvelope
        ? Verifier.Verify(bundle, ArtifactDigests.FromSha256(Convert.FromHexString(sha256.Hex)), _policy, _root ?? TrustedRoot.PublicGood)
        : throw new SignatureException(
            SignatureFailure.WrongArtifact, "bundle: it signs a document about the file; expected a signature of the file itself");
}

/// <summary>What proves that a binary is the release team's. Only <see cref="ReleaseTrust"/> makes one.</summary>
public sealed class BinaryEvidence
{
    internal BinaryEvidence(ReadOnlyMemory<byte> bundle, VerifiedEvidence proof) => (Bundle, Proof) = (bundle, proof);

    /// <summary>The bundle, byte for byte as it was checked.</summary>
    public ReadOnlyMemory<byte> Bundle { get; }

    /// <summary>What it proves.</summary>
    public VerifiedEvidence Proof { get; }
}
