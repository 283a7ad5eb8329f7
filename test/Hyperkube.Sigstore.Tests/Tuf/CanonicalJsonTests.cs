using System.Text;
using System.Text.Json;
using Hyperkube.Sigstore.Tuf;

namespace Hyperkube.Sigstore.Tests.Tuf;

public sealed class CanonicalJsonTests
{
    [Theory]
    [InlineData("""{ "b" : [ 1, -2, true, false, null ], "a" : "x" }""", """{"a":"x","b":[1,-2,true,false,null]}""")]
    [InlineData("""{"B":0,"a":0,"A":0,"":0}""", """{"":0,"A":0,"B":0,"a":0}""")]
    [InlineData("""{"a":"\"\\\/\u0041"}""", """{"a":"\"\\/A"}""")]
    [InlineData("""{"a":"é<>&+"}""", """{"a":"é<>&+"}""")]
    [InlineData("""{}""", """{}""")]
    [InlineData("""[]""", """[]""")]
    [InlineData("""9007199254740993""", """9007199254740993""")]
    public void There_is_one_form(string json, string canonical) => Assert.Equal(canonical, Encode(json));

    [Fact]
    public void Line_ends_of_keys_in_PEM_stay_what_they_are() => Assert.Equal("\"a\nb\t\u0001\"", Encode("\"a\\nb\\t\\u0001\""));

    // U+1F600 is two surrogates in UTF-16, which sort before U+FFFD.
    [Fact]
    public void Fields_are_sorted_by_code_points() => Assert.Equal("{\"\uFFFD\":1,\"\U0001F600\":2}", Encode("{\"\U0001F600\":2,\"\uFFFD\":1}"));

    [Theory]
    [InlineData("1.0")]
    [InlineData("1e3")]
    [InlineData("-0")]
    [InlineData("-0.5")]
    public void A_number_that_is_not_whole_has_no_form(string number) =>
        Assert.Throws<FormatException>(() => Encode($$"""{"a":{{number}}}"""));

    [Fact]
    public void A_text_that_is_no_Unicode_has_no_form() => Assert.Throws<InvalidOperationException>(() => Encode("\"\\ud800\""));

    private static string Encode(string json)
    {
        using var document = JsonDocument.Parse(json);
        return Encoding.UTF8.GetString(CanonicalJson.Encode(document.RootElement));
    }
}
