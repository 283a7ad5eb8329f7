using Hyperkube.Oci.Registry;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class HostAddressTests
{
    [Theory]
    [InlineData("mirror", "https://mirror/v2")]
    [InlineData("mirror:5000", "https://mirror:5000/v2")]
    [InlineData("http://mirror:5000", "http://mirror:5000/v2")]
    [InlineData("https://mirror/", "https://mirror/v2")]
    [InlineData("https://mirror/v2", "https://mirror/v2")]
    [InlineData("https://mirror/v2/", "https://mirror/v2")]
    [InlineData("https://mirror//v2//", "https://mirror/v2")]
    [InlineData("https://mirror/hub", "https://mirror/hub/v2")]
    [InlineData("https://mirror/a/../b/./c/", "https://mirror/b/c/v2")]
    [InlineData("https://mirror/../..", "https://mirror/v2")]
    [InlineData("https://mirror/hubv2", "https://mirror/hubv2/v2")]
    [InlineData("https://mirror/v2/hub", "https://mirror/v2/hub/v2")]
    [InlineData("https://mirror/a%2fb%20c", "https://mirror/a/b%20c/v2")]
    [InlineData("https://mirror/a%25b%3Fc%23", "https://mirror/a%25b%3Fc%23/v2")]
    [InlineData("https://mirror/v2?a=b#c", "https://mirror/v2")]
    [InlineData("https://user:secret@mirror/hub", "https://mirror/hub/v2")]
    [InlineData("[::1]:5000", "https://[::1]:5000/v2")]
    [InlineData("my_mirror.example:443", "https://my_mirror.example/v2")]
    public void A_path_is_cleaned_and_ends_in_v2(string text, string expected) =>
        Assert.Equal(expected, HostAddress.TryParse(text, overridesPath: false)?.Uri.AbsoluteUri);

    [Theory]
    [InlineData("mirror", "https://mirror/")]
    [InlineData("https://mirror/", "https://mirror/")]
    [InlineData("https://mirror/hub/", "https://mirror/hub")]
    [InlineData("https://mirror/v2", "https://mirror/v2")]
    public void A_path_that_overrides_is_only_cleaned(string text, string expected) =>
        Assert.Equal(expected, HostAddress.TryParse(text, overridesPath: true)?.Uri.AbsoluteUri);

    [Theory]
    [InlineData("")]
    [InlineData("http")]
    [InlineData("http:mirror")]
    [InlineData("https:///v2")]
    [InlineData("httpbin.example")] // containerd takes it for an address too, and then finds no host in it.
    [InlineData("https://mir ror")]
    [InlineData("ftp://mirror")]
    [InlineData("https://mirror:99999")]
    [InlineData("https://mirror:port")]
    [InlineData("https://mirror/%zz")]
    [InlineData("https://mirror/%2")]
    [InlineData("https://mirror\n")]
    [InlineData("https://[::1")]
    [InlineData("https://user@")]
    public void What_is_no_host_is_none(string text) => Assert.Null(HostAddress.TryParse(text, overridesPath: false));

    [Theory]
    [InlineData("docker.io", "https://registry-1.docker.io/v2")]
    [InlineData("registry.example.com", "https://registry.example.com/v2")]
    [InlineData("registry.example.com:80", "https://registry.example.com:80/v2")]
    [InlineData("10.0.0.1:5000", "https://10.0.0.1:5000/v2")]
    [InlineData("localhost", "https://localhost/v2")]
    [InlineData("localhost:443", "https://localhost/v2")]
    [InlineData("localhost:5000", "http://localhost:5000/v2")]
    [InlineData("localhost:80", "http://localhost/v2")]
    [InlineData("127.9.9.9:5000", "http://127.9.9.9:5000/v2")]
    [InlineData("[::1]:5000", "http://[::1]:5000/v2")]
    [InlineData("[::1]", "https://[::1]/v2")]
    [InlineData("127.1:5000", "https://127.0.0.1:5000/v2")] // Not four parts: Go does not know it, .NET writes it out.
    public void A_registry_is_asked_over_TLS_unless_it_is_loopback_with_a_port(string registry, string expected) =>
        Assert.Equal(expected, HostAddress.Of(registry).Uri.AbsoluteUri);

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("a:b")]
    public void What_is_no_registry_is_refused(string registry) =>
        Assert.Equal(ErrorKind.Usage, Assert.Throws<HyperkubeException>(() => HostAddress.Of(registry)).Kind);

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("localhost:1", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("[::1]:1", true)]
    [InlineData("[::ffff:127.0.0.1]:1", true)]
    [InlineData("[::1]", false)] // With brackets and no port, containerd does not know it.
    [InlineData("LOCALHOST", false)]
    [InlineData("127.1:1", false)]
    [InlineData("128.0.0.1:1", false)]
    [InlineData("localhost.example", false)]
    public void Loopback_is_what_containerd_takes_for_it(string authority, bool expected) =>
        Assert.Equal(expected, new HostAddress("https", authority, "").IsLocalhost);
}
