using System.Formats.Asn1;
using System.Security.Cryptography;
using CsCheck;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests;

/// <summary>Signatures of every kind of key; those of P-384 are checked by other code than they are made by.</summary>
public sealed class VerificationKeyTests
{
    public static TheoryData<string> Kinds => ["P256", "P384", "P521", "RSA", "Ed25519"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_signature_is_that_of_its_key_and_content_and_of_no_other(string kind)
    {
        using var test = Make(kind);
        using var other = Make(kind);
        var key = VerificationKey.FromPem(test.Pem);
        var stranger = VerificationKey.FromPem(other.Pem);
        SignatureScheme scheme = new(key.Family, key.Hash);

        Gen.Select(Gen.Byte.Array[0, 100], Gen.Int[0, 1000]).Sample(
            (content, at) =>
            {
                var signature = test.Sign(content);
                var changed = (byte[])signature.Clone();
                changed[at % changed.Length] ^= (byte)(1 << (at % 8));
                return key.Verify(content, signature, scheme)
                    && !key.Verify([.. content, 0], signature, scheme)
                    && !key.Verify(content, changed, scheme)
                    && !key.Verify(content, signature.AsSpan(..^1), scheme)
                    && !key.Verify(content, [.. signature, 0], scheme)
                    && !key.Verify(content, [], scheme)
                    && !stranger.Verify(content, signature, scheme);
            },
            iter: 20);
    }

    [Fact]
    public void RSA_signs_with_either_padding_and_not_with_the_other()
    {
        using var test = TestKey.Rsa();
        var key = VerificationKey.FromPem(test.Pem);
        SignatureScheme pss = new(KeyFamily.Rsa, HashAlgorithmName.SHA256, Pss: true);

        Assert.True(key.Verify([1], test.Sign([1], pss: true), pss));
        Assert.False(key.Verify([1], test.Sign([1]), pss));
        Assert.False(key.Verify([1], test.Sign([1], pss: true), pss with { Pss = false }));
    }

    // Sixteen are enough for a number that needs a byte of zero before it.
    [Theory]
    [InlineData("P256")]
    [InlineData("P384")]
    [InlineData("P521")]
    public void A_signature_has_one_form_only(string kind)
    {
        using var test = Make(kind);
        var key = VerificationKey.FromPem(test.Pem);
        SignatureScheme scheme = new(key.Family, key.Hash);
        for (var i = 0; i < 16; i++)
        {
            var signature = test.Sign([(byte)i]);
            var pair = new AsnReader(signature, AsnEncodingRules.DER).ReadSequence();
            var (r, s) = (pair.ReadIntegerBytes().ToArray(), pair.ReadIntegerBytes().ToArray());

            Assert.True(key.Verify([(byte)i], Pair(r, s), scheme));
            Assert.False(key.Verify([(byte)i], Pair([0, .. r], s), scheme));
            Assert.False(r[0] == 0 && key.Verify([(byte)i], Pair(r[1..], s), scheme));
            Assert.False(key.Verify([(byte)i], Pair(s, r), scheme));
            Assert.False(key.Verify([(byte)i], Pair([0], [0]), scheme));
        }
    }

    private static byte[] Pair(byte[] r, byte[] s)
    {
        byte[] content = [2, (byte)r.Length, .. r, 2, (byte)s.Length, .. s];
        return content.Length < 128 ? [0x30, (byte)content.Length, .. content] : [0x30, 0x81, (byte)content.Length, .. content];
    }

    private static TestKey Make(string kind) => kind switch
    {
        "P256" => TestKey.P256(),
        "P384" => TestKey.P384(),
        "P521" => TestKey.P521(),
        "RSA" => TestKey.Rsa(),
        _ => TestKey.Ed25519(),
    };
}
