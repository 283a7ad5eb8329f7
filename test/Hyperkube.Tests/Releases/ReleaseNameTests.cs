using Hyperkube.Releases;

namespace Hyperkube.Tests.Releases;

public sealed class ReleaseNameTests
{
    [Theory]
    [InlineData("v1.34.2", "v1.34.2")]
    [InlineData("1.34.2", "v1.34.2")]
    [InlineData("v1.37.0-alpha.1", "v1.37.0-alpha.1")]
    public void A_version_stands_for_itself(string text, string version)
    {
        var name = ReleaseName.Parse(text, null);

        Assert.Equal(version, name.Version?.ToString());
        Assert.Equal(version, name.ToString());
        Assert.Null(name.Marker);
    }

    [Theory]
    [InlineData("stable")]
    [InlineData("stable-1")]
    [InlineData("stable-1.34")]
    public void A_marker_stands_for_a_version_that_a_source_knows(string text)
    {
        var name = ReleaseName.Parse(text, null);

        Assert.Null(name.Version);
        Assert.Equal(text, name.Marker);
        Assert.Equal(text, name.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("latest")]
    [InlineData("Stable")]
    [InlineData("stable-")]
    [InlineData("stable-v1.34")]
    [InlineData("stable-1.34.2")]
    [InlineData("stable-1.34-1")]
    [InlineData("stable-1.034")]
    [InlineData("stable-1.")]
    [InlineData("stable-.34")]
    [InlineData("stable-1.x")]
    [InlineData("stable-../1")]
    [InlineData("stable.txt")]
    [InlineData("stable\n")]
    [InlineData("stable ")]
    [InlineData("v1.34")]
    [InlineData("../stable")]
    public void Anything_else_is_refused_and_quoted(string text)
    {
        Assert.False(ReleaseName.TryParse(text, null, out _));
        Assert.Contains($"'{text}'", Assert.Throws<FormatException>(() => ReleaseName.Parse(text, null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_no_release() => Assert.False(ReleaseName.TryParse(null, null, out _));
}
