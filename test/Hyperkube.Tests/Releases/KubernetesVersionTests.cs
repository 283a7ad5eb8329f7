using CsCheck;
using Hyperkube.Releases;

namespace Hyperkube.Tests.Releases;

public sealed class KubernetesVersionTests
{
    // Each is older than the next. Source: https://semver.org/spec/v2.0.0.html#spec-item-11
    private static readonly string[] Ascending =
    [
        "v0.9.9", "v1.0.0-0", "v1.0.0-9", "v1.0.0-10", "v1.0.0-alpha", "v1.0.0-alpha.1", "v1.0.0-alpha.1.0", "v1.0.0-alpha.beta",
        "v1.0.0-beta", "v1.0.0-beta.2", "v1.0.0-beta.11", "v1.0.0-rc.1", "v1.0.0", "v1.0.1", "v1.2.0", "v1.10.0", "v1.30.1-rc.0", "v1.30.1",
        "v1.30.2", "v1.30.10", "v1.30.14", "v2.0.0-zstd", "v2.0.0",
    ];

    private static readonly Gen<string> Identifier =
        Gen.OneOf(Gen.Int[0, 999_999_999].Select(n => $"{n}"), Gen.Char["abcxyzABC-"].Array[1, 12].Select(c => new string(c)));

    private static readonly Gen<KubernetesVersion> Versions =
        from major in Gen.Int[0, 999_999_999]
        from minor in Gen.Int[0, 999_999_999]
        from patch in Gen.Int[0, 999_999_999]
        from preRelease in Gen.OneOf(Gen.Const((string?)null), Identifier.Array[1, 4].Select(i => (string?)string.Join('.', i)))
        select new KubernetesVersion(major, minor, patch, preRelease);

    [Fact]
    public void What_is_printed_reads_back_the_same() =>
        Versions.Sample(version => KubernetesVersion.Parse(version.ToString()) == version);

    [Fact]
    public void The_v_in_front_may_be_left_out() =>
        Versions.Sample(version => KubernetesVersion.Parse(version.ToString()[1..]) == version);

    [Fact]
    public void Versions_are_ordered_as_Semantic_Versioning_orders()
    {
        var versions = Ascending.Select(KubernetesVersion.Parse).ToList();

        Assert.All(versions.SelectMany((a, i) => versions.Select((b, j) => (a, b, i, j))), pair =>
            Assert.Equal(pair.i.CompareTo(pair.j), Math.Sign(pair.a.CompareTo(pair.b))));
    }

    [Fact]
    public void The_order_agrees_with_equality_and_does_not_depend_on_the_side() =>
        Gen.Select(Versions, Versions).Sample((a, b) =>
            Math.Sign(a.CompareTo(b)) == -Math.Sign(b.CompareTo(a)) && (a.CompareTo(b) == 0) == (a == b));

    [Fact]
    public void A_version_is_no_prefix_of_another()
    {
        Assert.NotEqual(KubernetesVersion.Parse("v1.30.1"), KubernetesVersion.Parse("v1.30.10"));
        Assert.True(KubernetesVersion.Parse("v1.30.10").CompareTo(KubernetesVersion.Parse("v1.30.9")) > 0);
    }

    [Fact]
    public void Any_version_comes_after_none() => Assert.True(KubernetesVersion.Parse("v0.0.0").CompareTo(null) > 0);

    [Theory]
    [InlineData("")]
    [InlineData("v")]
    [InlineData("v1.34")]
    [InlineData("v1.34.2.1")]
    [InlineData("vv1.34.2")]
    [InlineData("V1.34.2")]
    [InlineData("v1.34.2\n")]
    [InlineData(" v1.34.2")]
    [InlineData("v01.34.2")]
    [InlineData("v1.034.2")]
    [InlineData("v1.34.02")]
    [InlineData("v1.34.-2")]
    [InlineData("v1.34.+2")]
    [InlineData("v1..2")]
    [InlineData("v1.34.2-")]
    [InlineData("v1.34.2-rc..1")]
    [InlineData("v1.34.2-rc.01")]
    [InlineData("v1.34.2-rc/../..")]
    [InlineData("v1.34.2-r c")]
    [InlineData("v1.34.2+build")]
    [InlineData("v1.34.2-rc.1+build")]
    [InlineData("v1.34.2-\u00e9")]
    [InlineData("v1.34.\u0662")]
    [InlineData("v1.34.1000000000")]
    [InlineData("v1.34.99999999999999999999")]
    [InlineData("v1.34.2-99999999999999999999")]
    [InlineData("../v1.34.2")]
    [InlineData("v1.34.2/../../x")]
    [InlineData("v1.34.2\0")]
    [InlineData("stable")]
    public void Anything_else_is_refused_and_quoted(string text)
    {
        Assert.False(KubernetesVersion.TryParse(text, null, out _));
        Assert.Contains($"'{text}'", Assert.Throws<FormatException>(() => KubernetesVersion.Parse(text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_no_version() => Assert.False(KubernetesVersion.TryParse(null, null, out _));
}
