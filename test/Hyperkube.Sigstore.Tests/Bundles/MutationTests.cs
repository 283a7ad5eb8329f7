using System.Text;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Trust;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests.Bundles;

/// <summary>Every bit of a bundle, changed: it is refused, or says the same.</summary>
public sealed class MutationTests : IDisposable
{
    private const int BitsInByte = 8;

    // On P-256, which is checked fastest.
    private static readonly SigstoreAuthority Authority = new(TestKey.P256);
    private static readonly TrustedRoot Trust = Check.TrustIn(Authority.TrustedRoot());

    private readonly TestKey _key = TestKey.P256();

    public void Dispose() => _key.Dispose();

    // The small one all eight ways. Of the others each byte in two of them, which are others in each bundle: what they have in common is
    // changed in all eight, and all of it takes seconds.
    [Theory]
    [InlineData("managed key", 0, BitsInByte)]
    [InlineData("0.1", 0, 2)]
    [InlineData("0.2", 2, 2)]
    [InlineData("0.3", 4, 2)]
    [InlineData("document", 6, 2)]
    [InlineData("second version", 1, 2)]
    [InlineData("document in the second version", 3, 2)]
    public void No_changed_bit_proves_anything_else(string kind, int firstBit, int bits)
    {
        var (signed, policy) = Make(kind);
        var json = signed.Json;
        var evidence = Verified(json, policy);
        Assert.NotNull(evidence);

        Parallel.For(0, json.Length, at =>
        {
            for (var bit = firstBit; bit < firstBit + bits; bit++)
            {
                var mutated = (byte[])json.Clone();
                mutated[at] ^= (byte)(1 << ((at + bit) % BitsInByte));
                var other = Verified(mutated, policy);
                Assert.True(other is null || other == evidence, $"byte {at} of {json.Length}");
            }
        });
    }

    [Fact]
    public void No_shorter_bundle_proves_anything()
    {
        var json = Make("0.3").Signed.Json;

        Parallel.For(0, json.Length, length => Assert.Null(Verified(json[..length], Check.Policy)));
    }

    private (SignedArtifact Signed, VerificationPolicy Policy) Make(string kind)
    {
        var recipe = new SigningRecipe
        {
            Version = kind.StartsWith("0.", StringComparison.Ordinal) ? kind[^1] - '0' : 3,
            ManagedKey = kind == "managed key" ? _key : null,
            Statement = kind.StartsWith("document", StringComparison.Ordinal) ? Check.StatementAbout(Check.Artifact) : null,
            SecondVersion = kind.EndsWith("second version", StringComparison.Ordinal),
        };
        return (Authority.Sign(Check.Artifact, recipe),
            recipe.ManagedKey is null ? Check.Policy : VerificationPolicy.SignedBy(VerificationKey.FromPem(_key.Pem)));
    }

    // Throws what is not the one exception of this room.
    private static Said? Verified(byte[] json, VerificationPolicy policy)
    {
        try
        {
            var evidence = Verifier.Verify(SigstoreBundle.Parse(json), ArtifactDigests.Of(Check.Artifact), policy, Trust);
            return new Said(
                evidence with { Statement = null }, evidence.Statement is { } text ? Encoding.UTF8.GetString(text.Span) : null);
        }
        catch (SignatureException)
        {
            return null;
        }
    }

    private sealed record Said(VerifiedEvidence Evidence, string? Statement);
}
