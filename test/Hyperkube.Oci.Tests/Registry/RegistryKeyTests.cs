using Hyperkube.Oci.Registry.Credentials;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class RegistryKeyTests
{
    [Theory]
    [InlineData("registry.example.com", "registry.example.com", true)]
    [InlineData("https://registry.example.com", "registry.example.com", true)]
    [InlineData("http://registry.example.com", "registry.example.com", true)]
    [InlineData("https://registry.example.com/", "registry.example.com", true)]
    [InlineData("https://registry.example.com/v1/", "registry.example.com", true)]
    [InlineData("https://registry.example.com/v2/", "registry.example.com", true)]
    [InlineData("https://registry.example.com/v2", "registry.example.com", true)]
    [InlineData("registry.example.com/v1/", "registry.example.com", true)]
    [InlineData("registry.example.com/", "registry.example.com", true)]
    [InlineData("REGISTRY.example.com", "registry.example.com", true)]
    [InlineData("https://registry.example.com/some/page", "registry.example.com", true)]
    [InlineData("https://user:secret@registry.example.com/v1/", "registry.example.com", true)]
    [InlineData("registry.example.com:5000", "registry.example.com:5000", true)]
    [InlineData("https://registry.example.com:5000/v1/", "registry.example.com:5000", true)]
    [InlineData("https://[::1]:5000/v2/", "[::1]:5000", true)]
    [InlineData("[::1]:5000", "[::1]:5000", true)]
    [InlineData("registry.example.com:5000", "registry.example.com", false)]
    [InlineData("registry.example.com", "registry.example.com:5000", false)]
    [InlineData("example.com", "registry.example.com", false)]
    [InlineData("registry.example.com.evil.net", "registry.example.com", false)]
    [InlineData("https://registry.example.com.evil.net/v1/", "registry.example.com", false)]
    [InlineData("https://evil.net/registry.example.com", "registry.example.com", false)]
    [InlineData("ftp://registry.example.com", "registry.example.com", false)]
    [InlineData("", "registry.example.com", false)]
    [InlineData("https://", "registry.example.com", false)]
    [InlineData("https://index.docker.io/v1/", "docker.io", true)]
    [InlineData("index.docker.io/v1/", "docker.io", true)]
    [InlineData("index.docker.io", "docker.io", true)]
    [InlineData("docker.io", "docker.io", true)]
    [InlineData("https://docker.io", "docker.io", true)]
    [InlineData("registry-1.docker.io", "docker.io", true)]
    [InlineData("https://registry-1.docker.io/v2/", "docker.io", true)]
    [InlineData("docker.io", "registry-1.docker.io", true)]
    [InlineData("https://index.docker.io/v1/", "registry.example.com", false)]
    [InlineData("https://evil.docker.io/v1/", "docker.io", false)]
    [InlineData("registry.example.com/ns", "registry.example.com", true)]
    [InlineData("registry.example.com/ns/repo", "registry.example.com", true)]
    [InlineData("registry.example.com/ns/repo/", "registry.example.com", true)]
    [InlineData("registry.example.com/n", "registry.example.com", false)]
    [InlineData("registry.example.com/ns/rep", "registry.example.com", false)]
    [InlineData("registry.example.com/ns/repo/more", "registry.example.com", false)]
    [InlineData("registry.example.com/NS", "registry.example.com", false)]
    [InlineData("docker.io/ns", "docker.io", true)]
    [InlineData("index.docker.io/ns", "docker.io", true)]
    [InlineData("*.example.com", "registry.example.com", true)]
    [InlineData("https://*.example.com/v1/", "registry.example.com", true)]
    [InlineData("*.example.com", "a.registry.example.com", false)]
    [InlineData("*", "localhost", true)]
    public void A_key_is_meant_for(string key, string host, bool isMeant) =>
        Assert.Equal(isMeant, RegistryKey.Matching([key], host, "ns/repo").Any());

    [Fact]
    public void The_longest_prefix_comes_first_and_hosts_in_other_spellings_last()
    {
        string[] keys =
        [
            "*.example.com", "https://r.example.com/other", "https://r.example.com/v1/", "r.example.com", "r.example.com/a",
            "r.example.com/a/b", "r.example.com/a/b/c", "r.example.com/a/bc", "elsewhere.example.com",
        ];

        Assert.Equal(
            [
                "r.example.com/a/b/c", "r.example.com/a/b", "r.example.com/a", "r.example.com", "https://r.example.com/v1/",
                "https://r.example.com/other", "*.example.com",
            ],
            RegistryKey.Matching(keys, "r.example.com", "a/b/c").ToArray());
    }

    // Docker Desktop keeps tokens of its own under the first two.
    [Fact]
    public void Docker_Hubs_own_key_comes_before_its_neighbours()
    {
        string[] keys =
            ["https://index.docker.io/v1/access-token", "https://index.docker.io/v1/refresh-token", "https://index.docker.io/v1/"];

        Assert.Equal("https://index.docker.io/v1/", RegistryKey.Matching(keys, "docker.io", "library/nginx").First());
    }

    [Fact]
    public void Where_whole_hosts_are_wanted_prefixes_and_patterns_do_not_count() =>
        Assert.Equal(
            "r.example.com",
            Assert.Single(RegistryKey.Matching(["r.example.com/a", "*.example.com", "r.example.com"], "r.example.com", repository: null)));

    [Theory]
    [InlineData("docker.io", "https://index.docker.io/v1/")]
    [InlineData("index.docker.io", "https://index.docker.io/v1/")]
    [InlineData("registry.example.com:5000", "registry.example.com:5000")]
    public void Helpers_are_asked_as_docker_asks_them(string host, string expected) => Assert.Equal(expected, RegistryKey.ServerUrl(host));
}
