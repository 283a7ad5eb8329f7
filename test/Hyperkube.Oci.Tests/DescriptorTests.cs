namespace Hyperkube.Oci.Tests;

public sealed class DescriptorTests
{
    [Fact]
    public void Of_names_the_bytes_and_counts_them() =>
        Assert.Equal(
            new Descriptor("text/plain", Digest.Of("kubelet"u8), 7),
            Descriptor.Of("text/plain", "kubelet"u8));

    [Fact]
    public void An_annotation_that_is_not_there_is_null()
    {
        var plain = Descriptor.Of(MediaTypes.Bytes, []);
        var annotated = plain with { Annotations = Annotations.Of([new("a", "1")]) };

        Assert.Equal((null, null, "1"), (plain.Annotation("a"), annotated.Annotation("b"), annotated.Annotation("a")));
    }

    [Fact]
    public void Annotations_stand_in_the_order_of_their_keys_bytes() =>
        Assert.Equal(
            "B a a.b a_b ä",
            string.Join(' ', Annotations.Of("ä a_b a B a.b".Split(' ').Select(key => KeyValuePair.Create(key, ""))).Keys));

    [Theory]
    [InlineData(MediaTypes.Index, true, false)]
    [InlineData(MediaTypes.DockerIndex, true, false)]
    [InlineData(MediaTypes.Manifest, false, true)]
    [InlineData(MediaTypes.DockerManifest, false, true)]
    [InlineData(MediaTypes.Config, false, false)]
    [InlineData(MediaTypes.GzipLayer, false, false)]
    [InlineData("", false, false)]
    [InlineData("APPLICATION/VND.OCI.IMAGE.INDEX.V1+JSON", false, false)]
    public void A_media_type_names_an_index_a_manifest_or_neither(string mediaType, bool isIndex, bool isManifest) =>
        Assert.Equal((isIndex, isManifest), (MediaTypes.IsIndex(mediaType), MediaTypes.IsManifest(mediaType)));
}
