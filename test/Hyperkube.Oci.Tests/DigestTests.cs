using CsCheck;

namespace Hyperkube.Oci.Tests;

public sealed class DigestTests
{
    private const string Empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Fact]
    public void Of_no_bytes_is_the_well_known_empty_digest() =>
        Assert.Equal(Empty, Digest.Of([]).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("sha256")]
    [InlineData("sha256:")]
    [InlineData("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("sha512:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("SHA256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855")]
    [InlineData("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85")]
    [InlineData("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8555")]
    [InlineData("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n")]
    [InlineData(" sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("sha256:../../../../../../../../../../../../../../../../../../../../etc/pa")]
    public void Parse_rejects_what_is_no_digest_and_quotes_it(string text)
    {
        var error = Assert.Throws<FormatException>(() => Digest.Parse(text));

        Assert.Contains($"'{text}'", error.Message, StringComparison.Ordinal);
        Assert.False(Digest.TryParse(text, null, out _));
    }

    [Fact]
    public void No_text_at_all_is_no_digest() =>
        Assert.False(Digest.TryParse(null, null, out _));

    [Fact]
    public void Parse_undoes_ToString_for_any_content() =>
        Gen.Byte.Array.Sample(content =>
        {
            var digest = Digest.Of(content);
            return Digest.Parse(digest.ToString()) == digest && digest.ToString() == $"sha256:{digest.Hex}";
        });

    [Fact]
    public void Parse_throws_nothing_but_FormatException() =>
        Gen.String.Sample(text =>
            Digest.TryParse(text, null, out _) || Assert.Throws<FormatException>(() => Digest.Parse(text)) is not null);

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    public void A_hash_of_another_length_is_no_digest(int length) =>
        Assert.Throws<ArgumentException>(() => Digest.FromHash(new byte[length]));

    [Fact]
    public void Default_names_no_blob() =>
        Assert.Throws<InvalidOperationException>(() => default(Digest).ToString());

    [Fact]
    public void Equal_content_has_equal_digests_and_other_content_another() =>
        Gen.Select(Gen.Byte.Array, Gen.Byte.Array).Sample((a, b) =>
            (Digest.Of(a) == Digest.Of(b)) == a.AsSpan().SequenceEqual(b));
}
