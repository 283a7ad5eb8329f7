using System.Text;
using System.Text.Json.Nodes;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Trust;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests;

/// <summary>One Sigstore for all tests, and the usual policy.</summary>
internal static class Check
{
    internal const string Statement = """{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"DIGEST"}}],"predicateType":"https://example.org/p"}""";

    internal static readonly byte[] Artifact = Encoding.ASCII.GetBytes("not really a kubelet");

    internal static SigstoreAuthority Authority { get; } = new();

    internal static TrustedRoot Trust { get; } = TrustIn(Authority.TrustedRoot());

    internal static VerificationPolicy Policy { get; } =
        VerificationPolicy.SignedBy(new SignerIdentity(CertificateRecipe.Email, CertificateRecipe.Google));

    internal static TrustedRoot TrustIn(JsonNode root) => TrustedRoot.Parse(Encoding.UTF8.GetBytes(root.ToJsonString()));

    internal static SignedArtifact Sign(SigningRecipe? recipe = null) => Authority.Sign(Artifact, recipe);

    /// <summary>A signed document about the artifact.</summary>
    internal static SignedArtifact SignStatement(SigningRecipe? recipe = null) =>
        Sign((recipe ?? new SigningRecipe()) with { Statement = StatementAbout(Artifact) });

    internal static string StatementAbout(byte[] artifact) =>
        Statement.Replace("DIGEST", Convert.ToHexStringLower(ArtifactDigests.Of(artifact).Sha256.Span), StringComparison.Ordinal);

    internal static VerifiedEvidence Verify(
        SignedArtifact signed, VerificationPolicy? policy = null, TrustedRoot? trust = null, byte[]? artifact = null) =>
        Verifier.Verify(SigstoreBundle.Parse(signed.Json), ArtifactDigests.Of(artifact ?? signed.Artifact), policy ?? Policy, trust ?? Trust);

    /// <summary>Verifies what has to be refused by this very check.</summary>
    internal static SignatureException Refused(
        SignatureFailure expected, SignedArtifact signed, VerificationPolicy? policy = null, TrustedRoot? trust = null, byte[]? artifact = null)
    {
        var error = Assert.Throws<SignatureException>(() => Verify(signed, policy, trust, artifact));
        Assert.True(error.Failure == expected, $"{error.Failure}: {error.Message}; expected {expected}");
        return error;
    }

    /// <summary>Changes one bit of a field that is in base64.</summary>
    internal static void Flip(JsonNode parent, string field, int at = 0)
    {
        var bytes = Convert.FromBase64String((string)parent[field]!);
        bytes[at] ^= 1;
        parent[field] = Convert.ToBase64String(bytes);
    }
}
