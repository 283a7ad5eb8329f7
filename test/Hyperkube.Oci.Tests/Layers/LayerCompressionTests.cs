using CsCheck;
using Hyperkube.Oci.Layers;

namespace Hyperkube.Oci.Tests.Layers;

public sealed class LayerCompressionTests
{
    [Theory]
    [InlineData("gzip", CompressionAlgorithm.Gzip, 6)]
    [InlineData("gzip:1", CompressionAlgorithm.Gzip, 1)]
    [InlineData("gzip:9", CompressionAlgorithm.Gzip, 9)]
    [InlineData("zstd", CompressionAlgorithm.Zstd, 3)]
    [InlineData("zstd:1", CompressionAlgorithm.Zstd, 1)]
    [InlineData("zstd:19", CompressionAlgorithm.Zstd, 19)]
    public void An_algorithm_may_name_its_level(string text, CompressionAlgorithm algorithm, int level) =>
        Assert.Equal(new LayerCompression(algorithm, level), LayerCompression.Parse(text, null));

    [Theory]
    [InlineData("")]
    [InlineData("none")]
    [InlineData("GZIP")]
    [InlineData("gzip:")]
    [InlineData("gzip:0")]
    [InlineData("gzip:10")]
    [InlineData("gzip:-1")]
    [InlineData("gzip:+1")]
    [InlineData("gzip: 1")]
    [InlineData("gzip:1:2")]
    [InlineData("gzip:99999999999")]
    [InlineData("zstd:0")]
    [InlineData("zstd:20")]
    [InlineData("zstd:٣")]
    [InlineData("gzip\n")]
    public void Anything_else_is_refused_and_quoted(string text)
    {
        var error = Assert.Throws<FormatException>(() => LayerCompression.Parse(text, null));

        Assert.Contains($"'{text}'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_text_at_all_is_no_compression() =>
        Assert.False(LayerCompression.TryParse(null, null, out _));

    [Fact]
    public void Parse_undoes_ToString() =>
        Gen.OneOf(
            Gen.Int[1, 9].Select(level => new LayerCompression(CompressionAlgorithm.Gzip, level)),
            Gen.Int[1, 19].Select(level => new LayerCompression(CompressionAlgorithm.Zstd, level)))
            .Sample(compression => LayerCompression.Parse(compression.ToString(), null) == compression);

    [Fact]
    public void The_layer_says_how_it_is_compressed() =>
        Assert.Equal(
            (MediaTypes.GzipLayer, MediaTypes.ZstdLayer), (LayerCompression.Gzip.LayerMediaType, LayerCompression.Zstd.LayerMediaType));
}
