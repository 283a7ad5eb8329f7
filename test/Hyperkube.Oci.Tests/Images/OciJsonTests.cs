using System.Text;
using CsCheck;
using Hyperkube.Oci.Images;

namespace Hyperkube.Oci.Tests.Images;

public sealed class OciJsonTests
{
    private const string A = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    private const string B = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    private static readonly Descriptor Layer = new(MediaTypes.GzipLayer, Digest.Parse(B), 2)
    {
        Annotations = Annotations.Of([new("z", "1"), new("a", "2")]),
    };

    private static readonly ImageManifest Manifest = new()
    {
        MediaType = MediaTypes.Manifest,
        Config = new Descriptor(MediaTypes.Config, Digest.Parse(A), 1),
        Layers = [Layer],
        Annotations = Annotations.Of([new("org.opencontainers.image.version", "v1.34.2+vendor")]),
    };

    private static readonly ImageIndex Index = new()
    {
        MediaType = MediaTypes.Index,
        Manifests =
        [
            new Descriptor(MediaTypes.Manifest, Digest.Parse(A), 3) { Platform = new Platform("linux", "arm", "v7") },
            new Descriptor(MediaTypes.Manifest, Digest.Parse(B), 4) { Platform = new Platform("linux", "amd64"), ArtifactType = "x/y" },
        ],
    };

    private static readonly ImageConfig Config = new()
    {
        Created = "1970-01-01T00:00:00Z",
        Architecture = "amd64",
        Os = "linux",
        Container = new ContainerConfig { User = "65532:65532", Entrypoint = ["/sleep"], Labels = Annotations.Of([new("k", "v")]) },
        RootFileSystem = new RootFileSystem("layers", [Digest.Parse(A)]),
        History = [new HistoryEntry { Created = "1970-01-01T00:00:00Z", CreatedBy = "hyperkube" }],
    };

    // Golden: digests depend on every one of these bytes. The lines are joined; A and B stand for two digests.
    [Fact]
    public void A_manifest_has_these_bytes() =>
        AssertBytes(
            """
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
            "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"A","size":1},
            "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"B","size":2,"annotations":{"a":"2","z":"1"}}],
            "annotations":{"org.opencontainers.image.version":"v1.34.2+vendor"}}
            """,
            OciJson.Write(Manifest));

    [Fact]
    public void An_index_has_these_bytes() =>
        AssertBytes(
            """
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[
            {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"A","size":3,
            "platform":{"architecture":"arm","os":"linux","variant":"v7"}},
            {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"B","size":4,
            "platform":{"architecture":"amd64","os":"linux"},"artifactType":"x/y"}]}
            """,
            OciJson.Write(Index));

    [Fact]
    public void A_config_has_these_bytes() =>
        AssertBytes(
            """
            {"created":"1970-01-01T00:00:00Z","architecture":"amd64","os":"linux",
            "config":{"User":"65532:65532","Entrypoint":["/sleep"],"Labels":{"k":"v"}},
            "rootfs":{"type":"layers","diff_ids":["A"]},
            "history":[{"created":"1970-01-01T00:00:00Z","created_by":"hyperkube"}]}
            """,
            OciJson.Write(Config));

    // As Go's encoding/json writes it: https://pkg.go.dev/encoding/json#Marshal and HTMLEscape.
    [Theory]
    [InlineData("v1+x", "v1+x")]
    [InlineData("<a&b>", @"\u003ca\u0026b\u003e")]
    [InlineData("'/`=%", "'/`=%")]
    [InlineData("\"\\", @"\""\\")]
    [InlineData("\n\r\t", @"\n\r\t")]
    [InlineData("\b\f", @"\b\f")]
    [InlineData("\u0001\u001f", @"\u0001\u001f")]
    [InlineData("äöü€漢", "äöü€漢")]
    [InlineData("\u2028\u2029", @"\u2028\u2029")]
    [InlineData("\u007f", "\u007f")]
    [InlineData("\u00a0", "\u00a0")]
    [InlineData("😀", "😀")]
    public void Text_is_escaped_as_Go_escapes_it(string text, string escaped) =>
        Assert.Equal(
            $$$"""{"schemaVersion":2,"manifests":[],"annotations":{"k":"{{{escaped}}}"}}""",
            Encoding.UTF8.GetString(OciJson.Write(new ImageIndex { Manifests = [], Annotations = Annotations.Of([new("k", text)]) })));

    // Go writes the replacement character for what is no text.
    [Theory]
    [InlineData("\ud800")]
    [InlineData("a\udc00b")]
    [InlineData("\udc00\ud800<")]
    public void Half_a_character_is_replaced(string text)
    {
        var written = OciJson.Write(new ImageIndex { Manifests = [], Annotations = Annotations.Of([new("k", text)]) });

        Assert.Contains("\ufffd", OciJson.ReadIndex(written, "here").Annotations!["k"], StringComparison.Ordinal);
    }

    [Fact]
    public void Any_text_survives_writing_and_reading() =>
        Gen.Select(Gen.String, Gen.String).Where((key, value) => IsUnicode(key) && IsUnicode(value)).Sample((key, value) =>
        {
            var written = OciJson.Write(new ImageIndex { Manifests = [], Annotations = Annotations.Of([new(key, value)]) });

            Assert.DoesNotContain(written, b => b is (byte)'<' or (byte)'>' or (byte)'&');
            Assert.Equal(KeyValuePair.Create(key, value), Assert.Single(OciJson.ReadIndex(written, "here").Annotations!));
        });

    [Fact]
    public void What_was_written_reads_back_and_writes_the_same()
    {
        Assert.Equal(OciJson.Write(Manifest), OciJson.Write(OciJson.ReadManifest(OciJson.Write(Manifest), "here")));
        Assert.Equal(OciJson.Write(Index), OciJson.Write(OciJson.ReadIndex(OciJson.Write(Index), "here")));
        Assert.Equal(OciJson.Write(Config), OciJson.Write(OciJson.ReadConfig(OciJson.Write(Config), "here")));
    }

    [Fact]
    public void The_order_in_which_annotations_were_added_leaves_no_trace() =>
        Gen.Dictionary(Gen.String[Gen.Char["abAB._-"], 1, 4], Gen.Const("v"))[0, 8].Sample(pairs => Assert.Equal(
            OciJson.Write(Manifest with { Annotations = Annotations.Of(pairs) }),
            OciJson.Write(Manifest with { Annotations = Annotations.Of(pairs.Reverse()) })));

    [Fact]
    public void Children_are_what_must_be_there_first_in_order()
    {
        Assert.Equal(
            [Digest.Parse(A), Digest.Parse(B)],
            OciJson.Children(Descriptor.Of(MediaTypes.Manifest, []), OciJson.Write(Manifest)).Select(child => child.Digest));
        Assert.Equal(
            [Digest.Parse(A), Digest.Parse(B)],
            OciJson.Children(Descriptor.Of(MediaTypes.DockerIndex, []), OciJson.Write(Index)).Select(child => child.Digest));
        Assert.Empty(OciJson.Children(Descriptor.Of(MediaTypes.Config, []), OciJson.Write(Config)));
    }

    [Fact]
    public void A_subject_is_no_child() =>
        Assert.Empty(OciJson.Children(
            Descriptor.Of(MediaTypes.Index, []), OciJson.Write(Index with { Manifests = [], Subject = Index.Manifests[0] })));

    private static bool IsUnicode(string text) => text == Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private static void AssertBytes(string expected, byte[] actual) =>
        Assert.Equal(
            expected.ReplaceLineEndings("")
                .Replace("\"A\"", $"\"{A}\"", StringComparison.Ordinal).Replace("\"B\"", $"\"{B}\"", StringComparison.Ordinal),
            Encoding.UTF8.GetString(actual));
}
