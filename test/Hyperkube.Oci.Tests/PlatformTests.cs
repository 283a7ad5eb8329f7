using CsCheck;

namespace Hyperkube.Oci.Tests;

public sealed class PlatformTests
{
    private static readonly Gen<string> Word = Gen.String[Gen.Char["abcxyz0189_.-"], 1, 12];

    [Theory]
    [InlineData("linux/amd64", "linux", "amd64", null)]
    [InlineData("linux/arm64", "linux", "arm64", null)]
    [InlineData("linux/arm/v7", "linux", "arm", "v7")]
    [InlineData("linux/x86_64", "linux", "amd64", null)]
    [InlineData("linux/aarch64", "linux", "arm64", null)]
    [InlineData("linux/ppc64le", "linux", "ppc64le", null)]
    public void Parse_reads_Gos_words_and_unames(string text, string os, string architecture, string? variant) =>
        Assert.Equal(new Platform(os, architecture, variant), Platform.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("linux")]
    [InlineData("/")]
    [InlineData("linux/")]
    [InlineData("/amd64")]
    [InlineData("linux//amd64")]
    [InlineData("linux/amd64/")]
    [InlineData("linux/arm/v7/x")]
    [InlineData("Linux/AMD64")]
    [InlineData("linux/amd64\n")]
    [InlineData(" linux/amd64")]
    [InlineData("linux/amd64,linux/arm64")]
    [InlineData("linux\\amd64")]
    public void Parse_refuses_what_is_no_platform_and_quotes_it(string text)
    {
        var error = Assert.Throws<FormatException>(() => Platform.Parse(text));

        Assert.Contains($"'{text}'", error.Message, StringComparison.Ordinal);
        Assert.False(Platform.TryParse(text, null, out _));
    }

    [Fact]
    public void No_text_at_all_is_no_platform() =>
        Assert.False(Platform.TryParse(null, null, out _));

    [Fact]
    public void Parse_undoes_ToString() =>
        Gen.Select(Word, Word.Where(w => w is not ("x86_64" or "aarch64")), Gen.Null(Word))
            .Select((os, architecture, variant) => new Platform(os, architecture, variant))
            .Sample(platform => Platform.Parse(platform.ToString()) == platform);

    [Fact]
    public void Parse_throws_nothing_but_FormatException() =>
        Gen.String.Sample(text =>
            Platform.TryParse(text, null, out _) || Assert.Throws<FormatException>(() => Platform.Parse(text)) is not null);

    [Fact]
    public void Platforms_are_ordered_by_the_bytes_of_their_names() =>
        Assert.Equal(
            "linux/amd64 linux/arm/v6 linux/arm/v7 linux/arm64 windows/amd64",
            string.Join(' ', "windows/amd64 linux/arm64 linux/arm/v7 linux/amd64 linux/arm/v6".Split(' ').Select(Platform.Parse).Order()));

    [Fact]
    public void A_platform_stands_after_none() =>
        Assert.True(Platform.Host.CompareTo(null) > 0);

    [Fact]
    public void This_machine_is_a_platform_that_can_be_written_and_read() =>
        Assert.Equal(Platform.Host, Platform.Parse(Platform.Host.ToString()));
}
