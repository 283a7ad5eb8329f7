using CsCheck;
using Hyperkube.Oci.Registry.Credentials;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class ImagePatternTests
{
    // The examples of kubelet's documentation, what its words imply, and its own test's table.
    [Theory]
    [InlineData("123456789.dkr.ecr.us-east-1.amazonaws.com", "123456789.dkr.ecr.us-east-1.amazonaws.com/app", true)]
    [InlineData("*.dkr.ecr.*.amazonaws.com", "123456789.dkr.ecr.us-east-1.amazonaws.com/app", true)]
    [InlineData("*.azurecr.io", "mine.azurecr.io/app", true)]
    [InlineData("gcr.io", "gcr.io/project/app", true)]
    [InlineData("*.*.registry.io", "a.b.registry.io/app", true)]
    [InlineData("registry.io:8080/path", "registry.io:8080/path/app", true)]
    [InlineData("*.k8s.io", "registry.k8s.io/app", true)]
    [InlineData("k8s.*.io", "k8s.any.io/app", true)]
    [InlineData("k8s.*", "k8s.io/app", true)]
    [InlineData("app*.k8s.io", "app1.k8s.io/app", true)]
    [InlineData("*.io", "registry.k8s.io/app", false)]
    [InlineData("*.kubernetes.io", "prefix.kubernetes.io", true)]
    [InlineData("prefix.*.io", "prefix.kubernetes.io", true)]
    [InlineData("prefix.kubernetes.*", "prefix.kubernetes.io", true)]
    [InlineData("*-good.kubernetes.io", "prefix-good.kubernetes.io", true)]
    [InlineData("*.kubernetes.io/blah", "prefix.kubernetes.io/blah", true)]
    [InlineData("prefix.*.io/foo", "prefix.kubernetes.io/foo/bar", true)]
    [InlineData("*.kubernetes.io:1111/blah", "prefix.kubernetes.io:1111/blah", true)]
    [InlineData("prefix.*.io:1111/foo", "prefix.kubernetes.io:1111/foo/bar", true)]
    [InlineData("*.kubernetes.io", "kubernetes.io", false)]
    [InlineData("*.*.kubernetes.io", "prefix.kubernetes.io", false)]
    [InlineData("*.*.kubernetes.io", "kubernetes.io", false)]
    [InlineData("kubernetes.io", "kubernetes.com", false)]
    [InlineData("k*.io", "quay.io", false)]
    [InlineData("*.kubernetes.io:1234/blah", "prefix.kubernetes.io:1111/blah", false)]
    [InlineData("prefix.*.io/foo", "prefix.kubernetes.io:1111/foo/bar", false)]
    [InlineData("gcr.io/foo", "gcr.io/foobar", true)] // Not at slashes: so it is with the kubelet.
    [InlineData("gcr.io/foo/", "gcr.io/foobar", false)]
    [InlineData("registry.io:8080", "registry.io/app", false)]
    [InlineData("gcr.io/*", "gcr.io/app", false)]
    [InlineData("registry.io:*", "registry.io:8080/app", false)]
    [InlineData("registry[0-9].io", "registry7.io/app", true)]
    [InlineData("registry[^0-9].io", "registry7.io/app", false)]
    [InlineData("registry[0-9.io", "registry7.io/app", false)]
    [InlineData("a*b*c.io", "axxbyybzzc.io/app", true)]
    [InlineData("a*b*c.io", "axxbyybzz.io/app", false)]
    [InlineData("[::1]:5000", "[::1]:5000/app", true)]
    [InlineData("[::1]", "[::1]:5000/app", false)]
    [InlineData("https://gcr.io", "gcr.io/app", false)]
    [InlineData("", "gcr.io/app", false)]
    public void A_pattern_is_meant_for(string pattern, string image, bool isMeant) =>
        Assert.Equal(isMeant, ImagePattern.TryParse(pattern)?.Matches(image) ?? false);

    [Theory]
    [InlineData("reg istry.io")]
    [InlineData("registry.io:port")]
    [InlineData("registry\n.io")]
    [InlineData("[::1")]
    [InlineData("registry\\.io")]
    public void What_Go_takes_for_no_URL_is_no_pattern(string text) => Assert.Null(ImagePattern.TryParse(text));

    [Fact]
    public void Every_host_without_stars_is_meant_for_itself_and_nothing_throws() =>
        Gen.Select(Gen.String[Gen.Char["ab*[]^-.:/@?#%1\u00e9"], 0, 24], Gen.String[Gen.Char["ab.:/1-"], 1, 24]).Sample((pattern, image) =>
        {
            _ = ImagePattern.TryParse(pattern)?.Matches(image);
            return ImagePattern.TryParse(image) is not { } itself || itself.Matches(image);
        });

    [Fact]
    public void Many_stars_take_no_time() =>
        Assert.False(ImagePattern.TryParse(string.Concat(Enumerable.Repeat("*a", 200)) + "b")!.Matches(new string('a', 5000)));
}
