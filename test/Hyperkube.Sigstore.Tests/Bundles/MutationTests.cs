using Hyperkube.Sigstore.Bundles;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests.Bundles;

/// <summary>Every byte of a bundle, changed: it is refused, or says the same.</summary>
public sealed class MutationTests
{
    // Another letter, the other case, and what is no ASCII.
    private static readonly byte[] Changes = [1, 0x20, 1, 1, 0x80];

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void No_changed_byte_proves_anything_else(bool secondVersion, bool isDocument)
    {
        SigningRecipe recipe = new() { SecondVersion = secondVersion };
        var json = (isDocument ? Check.SignStatement(recipe) : Check.Sign(recipe)).Json;
        var evidence = Verified(json);
        Assert.NotNull(evidence);

        Parallel.For(0, json.Length, at =>
        {
            var mutated = (byte[])json.Clone();
            mutated[at] ^= Changes[at % Changes.Length];
            var other = Verified(mutated);
            Assert.True(other is null || other == evidence, $"byte {at} of {json.Length}");
        });
    }

    [Fact]
    public void No_shorter_bundle_proves_anything()
    {
        var json = Check.Sign().Json;

        Parallel.For(0, json.Length, length => Assert.Null(Verified(json[..length])));
    }

    // Throws what is not the one exception of this room.
    private static VerifiedEvidence? Verified(byte[] json)
    {
        try
        {
            var evidence = Verifier.Verify(SigstoreBundle.Parse(json), ArtifactDigests.Of(Check.Artifact), Check.Policy, Check.Trust);
            return evidence with { Statement = null };
        }
        catch (SignatureException)
        {
            return null;
        }
    }
}
