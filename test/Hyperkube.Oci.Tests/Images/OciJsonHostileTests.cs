using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using Hyperkube.Oci.Images;

namespace Hyperkube.Oci.Tests.Images;

public sealed class OciJsonHostileTests
{
    private const string D = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    private const string Config = $$$"""{"mediaType":"c","digest":"{{{D}}}","size":1}""";
    private const string GoodManifest = $$$"""{"schemaVersion":2,"config":{{{Config}}},"layers":[{{{Config}}}]}""";
    private const string GoodIndex = $$$"""{"schemaVersion":2,"manifests":[{{{Config}}}],"annotations":{"a":"b"}}""";
    private const string GoodConfig = $$$"""{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["{{{D}}}"]}}""";

    private static readonly string[] Strangers =
        ["null", "true", "-1", "1e999", "\"\"", "\"\\ud800\"", "[]", "{}", "[null]", "{\"\":null}", "\"a\":null", "\"size\":1"];

    [Theory]
    [InlineData(GoodManifest)]
    [InlineData($$$"""{"mediaType":"{{{MediaTypes.DockerManifest}}}","config":{{{Config}}},"layers":[],"whatever":{"a":[1]}}""")]
    [InlineData($$$""" { "layers" : [ ] , "config" : {{{Config}}} , "subject" : null } """)]
    public void A_manifest_of_any_writer_is_read(string json) =>
        Assert.Equal(1, OciJson.ReadManifest(Encoding.UTF8.GetBytes(json), "here").Config.Size);

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("0")]
    [InlineData("\"text\"")]
    [InlineData("{}")]
    [InlineData("<html><body>502 Bad Gateway</body></html>")]
    [InlineData("\ufeff" + GoodManifest)]
    [InlineData(GoodManifest + "{}")]
    [InlineData(GoodManifest + "x")]
    [InlineData($$$"""{"layers":[]}""")]
    [InlineData($$$"""{"config":{{{Config}}}}""")]
    [InlineData($$$"""{"config":null,"layers":[]}""")]
    [InlineData($$$"""{"config":{{{Config}}},"layers":null}""")]
    [InlineData($$$"""{"config":{{{Config}}},"layers":{}}""")]
    [InlineData($$$"""{"config":{{{Config}}},"layers":[[]]}""")]
    [InlineData($$$"""{"config":{{{Config}}},"layers":[],}""")]
    [InlineData($$$"""{"config":{{{Config}}},"layers":[]/**/}""")]
    [InlineData($$$"""{"config":{{{Config}}},"config":{{{Config}}},"layers":[]}""")]
    [InlineData($$$"""{"config":{{{Config}}},"layers":[],"layers":[{{{Config}}}]}""")]
    [InlineData($$$"""{"config":{"mediaType":"c","digest":"{{{D}}}","size":1,"size":2},"layers":[]}""")]
    [InlineData($$$"""{"config":{{{Config}}},"layers":[],"annotations":{"a":"1","a":"2"}}""")]
    [InlineData($$$"""{"mediaType":"{{{MediaTypes.Index}}}","config":{{{Config}}},"layers":[]}""")]
    [InlineData($$$"""{"mediaType":"text/html","config":{{{Config}}},"layers":[]}""")]
    [InlineData($$$"""{"mediaType":"","config":{{{Config}}},"layers":[]}""")]
    [InlineData($$$"""{"mediaType":2,"config":{{{Config}}},"layers":[]}""")]
    [InlineData($$$"""{"schemaVersion":"2","config":{{{Config}}},"layers":[]}""")]
    [InlineData("""{"config":{"mediaType":"c","digest":"sha256:aa","size":1},"layers":[]}""")]
    [InlineData("""{"config":{"mediaType":"c","digest":null,"size":1},"layers":[]}""")]
    [InlineData("""{"config":{"mediaType":"c","digest":7,"size":1},"layers":[]}""")]
    [InlineData("""{"config":{"mediaType":"c","digest":"\ud800","size":1},"layers":[]}""")]
    [InlineData("""{"config":{"mediaType":"c","size":1},"layers":[]}""")]
    [InlineData($$$"""{"config":{"digest":"{{{D}}}","size":1},"layers":[]}""")]
    [InlineData($$$"""{"config":{"mediaType":null,"digest":"{{{D}}}","size":1},"layers":[]}""")]
    [InlineData($$$"""{"config":{"mediaType":"c","digest":"{{{D}}}"},"layers":[]}""")]
    [InlineData($$$"""{"config":{"mediaType":"c","digest":"{{{D}}}","size":-1},"layers":[]}""")]
    [InlineData($$$"""{"config":{"mediaType":"c","digest":"{{{D}}}","size":1.5},"layers":[]}""")]
    [InlineData($$$"""{"config":{"mediaType":"c","digest":"{{{D}}}","size":9223372036854775808},"layers":[]}""")]
    [InlineData($$$"""{"config":{"mediaType":"c","digest":"{{{D}}}","size":"1"},"layers":[]}""")]
    [InlineData($$$"""{"config":{{{Config}}},"layers":[{"mediaType":"c","digest":"{{{D}}}","size":-9223372036854775808}]}""")]
    public void What_is_no_manifest_is_refused(string json) => AssertRefused(json, OciJson.ReadManifest);

    [Theory]
    [InlineData($$$"""{"config":{{{Config}}},"layers":[null]}""")]
    [InlineData($$$"""{"config":{{{Config}}},"layers":[{{{Config}}},null]}""")]
    public void A_null_among_the_layers_is_refused(string json) => AssertRefused(json, OciJson.ReadManifest);

    [Fact]
    public void A_subject_of_negative_size_is_refused()
    {
        const string Negative = $$$"""{"mediaType":"c","digest":"{{{D}}}","size":-1}""";

        AssertRefused($$$"""{"config":{{{Config}}},"layers":[],"subject":{{{Negative}}} }""", OciJson.ReadManifest);
        AssertRefused($$$"""{"manifests":[],"subject":{{{Negative}}} }""", OciJson.ReadIndex);
    }

    [Fact]
    public void A_null_among_the_manifests_is_refused() => AssertRefused("""{"manifests":[null]}""", OciJson.ReadIndex);

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"manifests":null}""")]
    [InlineData("""{"manifests":[],"manifests":[]}""")]
    [InlineData($$$"""{"mediaType":"{{{MediaTypes.Manifest}}}","manifests":[]}""")]
    [InlineData($$$"""{"manifests":[{"mediaType":"c","digest":"{{{D}}}","size":-1}]}""")]
    [InlineData($$$"""{"manifests":[{"mediaType":"c","digest":"{{{D}}}","size":1,"platform":{}}]}""")]
    [InlineData($$$"""{"manifests":[{"mediaType":"c","digest":"{{{D}}}","size":1,"platform":{"os":"linux"}}]}""")]
    [InlineData($$$"""{"manifests":[{"mediaType":"c","digest":"{{{D}}}","size":1,"platform":{"os":null,"architecture":"amd64"}}]}""")]
    [InlineData($$$"""{"manifests":[{"mediaType":"c","digest":"{{{D}}}","size":1,"platform":"linux/amd64"}]}""")]
    public void What_is_no_index_is_refused(string json) => AssertRefused(json, OciJson.ReadIndex);

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"os":"linux","rootfs":{"type":"layers","diff_ids":[]}}""")]
    [InlineData("""{"architecture":"amd64","os":"linux"}""")]
    [InlineData("""{"architecture":"amd64","os":"linux","rootfs":{"type":"layers"}}""")]
    [InlineData("""{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[null]}}""")]
    [InlineData("""{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["x"]}}""")]
    [InlineData("""{"architecture":"amd64","os":"linux","os":"windows","rootfs":{"type":"layers","diff_ids":[]}}""")]
    public void What_is_no_config_is_refused(string json) => AssertRefused(json, OciJson.ReadConfig);

    // CVE-2021-41190: one reader takes such a document for an index, another for a manifest.
    [Fact]
    public void A_document_that_is_both_manifest_and_index_is_refused()
    {
        const string Both = $$$"""{"schemaVersion":2,"config":{{{Config}}},"layers":[{{{Config}}}],"manifests":[{{{Config}}}]}""";

        AssertRefused(Both, OciJson.ReadManifest);
        AssertRefused(Both, OciJson.ReadIndex);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(200_000)]
    public void Nesting_without_end_is_refused(int depth)
    {
        var open = string.Concat(Enumerable.Repeat("""{"a":""", depth));

        AssertRefused(open, OciJson.ReadIndex);
        AssertRefused($$$"""{"manifests":[],"x":{{{open}}}1{{{new string('}', depth + 1)}}}""", OciJson.ReadIndex);
        AssertRefused($$$"""{"manifests":{{{new string('[', depth)}}}{{{new string(']', depth)}}} }""", OciJson.ReadIndex);
    }

    [Fact]
    public void Any_change_of_any_byte_is_read_or_refused_and_nothing_else() =>
        Gen.Select(Gen.OneOf(GoodManifest, GoodIndex, GoodConfig), Gen.Select(Gen.Int[0, 400], Gen.Byte).Array[1, 3]).Sample(
            (json, changes) =>
            {
                var bytes = Encoding.UTF8.GetBytes(json);
                foreach (var (position, value) in changes)
                {
                    bytes[position % bytes.Length] = value;
                }

                AssertReadOrRefused(bytes);
            }, iter: 4000);

    [Fact]
    public void Any_value_in_any_place_is_read_or_refused_and_nothing_else()
    {
        foreach (var good in new[] { GoodManifest, GoodIndex, GoodConfig })
        {
            foreach (var place in Regex.EnumerateMatches(good, """[{\[:,]"""))
            {
                foreach (var value in Strangers)
                {
                    var rest = good[(place.Index + 1)..];
                    var end = Regex.EnumerateMatches(rest, """[,\]}]""");
                    AssertReadOrRefused(Encoding.UTF8.GetBytes($"{good[..(place.Index + 1)]}{value},{rest}"));
                    AssertReadOrRefused(Encoding.UTF8.GetBytes(
                        end.MoveNext() ? good[..(place.Index + 1)] + value + rest[end.Current.Index..] : value));
                }
            }
        }
    }

    [Fact]
    public void Any_truncation_is_refused()
    {
        for (var length = 0; length < GoodManifest.Length; length++)
        {
            AssertRefused(GoodManifest[..length], OciJson.ReadManifest);
        }
    }

    // Tagging in a layout writes back what was read.
    [Theory]
    [InlineData("\"\\ud800\"")]
    [InlineData("{\"\\udc00\":1}")]
    [InlineData("\"\\u0000\"")]
    [InlineData("1e999")]
    [InlineData("123456789012345678901234567890")]
    [InlineData("null")]
    [InlineData("[[],{},[null,true]]")]
    public void What_could_be_read_can_be_written_back(string value)
    {
        var json = $$"""{"schemaVersion":2,"manifests":[],"x":{{value}} }""";
        ImageIndex? index = null;
        try
        {
            index = OciJson.ReadIndex(Encoding.UTF8.GetBytes(json), "the place");
        }
        catch (HyperkubeException e)
        {
            Assert.Equal(ErrorKind.BadContent, e.Kind);
        }

        if (index is not null)
        {
            Assert.NotEmpty(OciJson.Write(index));
        }
    }

    [Fact]
    public void What_else_a_foreign_index_said_is_written_back()
    {
        const string Foreign =
            $$$"""{"schemaVersion":2,"manifests":[{"mediaType":"c","digest":"{{{D}}}","size":1,"urls":"""
            + """["https://example.com/a?b=1\u0026c"],"x":null}],"y":{"z":[1.50,true]}}""";

        Assert.Equal(Foreign, Encoding.UTF8.GetString(OciJson.Write(OciJson.ReadIndex(Encoding.UTF8.GetBytes(Foreign), "here"))));
    }

    // Windows images say os.version, some arm images os.features; to lose them is to break the image.
    [Fact]
    public void What_else_a_foreign_platform_said_is_written_back()
    {
        const string Foreign =
            $$$"""{"schemaVersion":2,"manifests":[{"mediaType":"c","digest":"{{{D}}}","size":1,"platform":"""
            + """{"architecture":"amd64","os":"windows","os.version":"10.0.20348.1"}}]}""";

        Assert.Contains(
            "\"os.version\":\"10.0.20348.1\"",
            Encoding.UTF8.GetString(OciJson.Write(OciJson.ReadIndex(Encoding.UTF8.GetBytes(Foreign), "here"))),
            StringComparison.Ordinal);
    }

    private delegate T Reader<out T>(ReadOnlySpan<byte> json, string where);

    private static void AssertRefused<T>(string json, Reader<T> read)
    {
        var error = Assert.Throws<HyperkubeException>(() => read(Encoding.UTF8.GetBytes(json), "the place"));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.StartsWith("the place: ", error.Message, StringComparison.Ordinal);
    }

    private static void AssertReadOrRefused(byte[] json)
    {
        foreach (var read in new Reader<object>[] { OciJson.ReadManifest, OciJson.ReadIndex, OciJson.ReadConfig })
        {
            try
            {
                read(json, "the place");
            }
            catch (HyperkubeException e)
            {
                Assert.Equal(ErrorKind.BadContent, e.Kind);
            }
        }
    }
}
