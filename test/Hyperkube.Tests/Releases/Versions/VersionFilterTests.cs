using Hyperkube.Releases;
using Hyperkube.Releases.Versions;

namespace Hyperkube.Tests.Releases.Versions;

public sealed class VersionFilterTests
{
    private static readonly KubernetesVersion[] Some =
        [.. new[] { "v1.30.14", "v1.30.1", "v1.9.11", "v1.31.0-rc.1", "v1.30.9", "v1.31.0", "v1.30.14", "v1.30.1-alpha.10", "v1.30.1-alpha.9" }
            .Select(KubernetesVersion.Parse)];

    [Theory]
    [InlineData(null, false, "v1.31.0 v1.30.14 v1.30.9 v1.30.1 v1.9.11")]
    [InlineData("v1.30.1", false, "v1.31.0 v1.30.14 v1.30.9 v1.30.1")]
    [InlineData("v1.30.2", false, "v1.31.0 v1.30.14 v1.30.9")]
    [InlineData("v1.31.0", true, "v1.31.0")]
    [InlineData("v1.31.0-alpha.1", true, "v1.31.0 v1.31.0-rc.1")]
    [InlineData("v1.30.1-alpha.9", true, "v1.31.0 v1.31.0-rc.1 v1.30.14 v1.30.9 v1.30.1 v1.30.1-alpha.10 v1.30.1-alpha.9")]
    [InlineData("v1.32.0", false, "")]
    public void Those_that_count_come_newest_first_as_semantic_versions_order(string? minimum, bool preReleases, string expected) =>
        Assert.Equal(
            expected,
            string.Join(' ', new VersionFilter(minimum is null ? null : KubernetesVersion.Parse(minimum), preReleases).Of(Some)));
}
