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

    // https://www.rfc-editor.org/rfc/rfc8032#section-7.1 (test 3) and #section-7.3.
    [Fact]
    public void Ed25519_and_its_form_for_files_are_those_of_the_RFC()
    {
        var pure = Ed25519("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
        var pureSignature = Convert.FromHexString(
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
        var hashed = Ed25519("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf");
        var hashedSignature = Convert.FromHexString(
            "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406");
        SignatureScheme scheme = new(KeyFamily.Ed25519, HashAlgorithmName.SHA512);

        Assert.True(pure.Verify([0xaf, 0x82], pureSignature, scheme));
        Assert.False(pure.VerifyHash(SHA512.HashData([0xaf, 0x82]), pureSignature, scheme));
        Assert.True(hashed.VerifyHash(SHA512.HashData("abc"u8), hashedSignature, scheme));
        Assert.False(hashed.Verify("abc"u8, hashedSignature, scheme));
        Assert.False(hashed.VerifyHash(SHA512.HashData("abd"u8), hashedSignature, scheme));
        Assert.False(hashed.VerifyHash(SHA256.HashData("abc"u8), hashedSignature, scheme));
        Assert.False(hashed.VerifyHash(SHA512.HashData("abc"u8), hashedSignature.AsSpan(..63), scheme));
    }

    [Theory]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")] // The field's prime.
    [InlineData("0200000000000000000000000000000000000000000000000000000000000000")] // Of no point.
    public void What_is_no_point_of_the_curve_is_no_key(string key)
    {
        Assert.Throws<FormatException>(() => Ed25519(key));
        Assert.Equal(
            SignatureFailure.BadTrust,
            Assert.Throws<SignatureException>(() => VerificationKey.FromPem(PemEncoding.WriteString("PUBLIC KEY", Spki(key)))).Failure);
    }

    private static VerificationKey Ed25519(string key) => VerificationKey.FromSpki(Spki(key));

    private static byte[] Spki(string key) => [.. Convert.FromHexString("302a300506032b6570032100"), .. Convert.FromHexString(key)];

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
