using System.Net;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Tests.Fixtures;

namespace Hyperkube.Oci.Tests.Http;

public sealed class EnvironmentProxyTests
{
    private static readonly Uri Http = new("http://registry.example.com/v2/");
    private static readonly Uri Https = new("https://registry.example.com/v2/");

    [Fact]
    public void Without_variables_there_is_no_proxy()
    {
        var proxy = Proxy();

        Assert.Null(proxy.GetProxy(Https));
        Assert.True(proxy.IsBypassed(Https));
    }

    [Fact]
    public void Each_scheme_has_its_own_proxy()
    {
        var proxy = Proxy(("HTTP_PROXY", "http://plain:3128"), ("HTTPS_PROXY", "http://secure:3128"));

        Assert.Equal((new Uri("http://plain:3128"), new Uri("http://secure:3128")), (proxy.GetProxy(Http), proxy.GetProxy(Https)));
        Assert.Equal((false, false), (proxy.IsBypassed(Http), proxy.IsBypassed(Https)));
    }

    [Fact]
    public void The_one_for_all_serves_where_there_is_no_other()
    {
        var proxy = Proxy(("ALL_PROXY", "socks5://all:1080"), ("HTTPS_PROXY", "http://secure:3128"));

        Assert.Equal((new Uri("socks5://all:1080"), new Uri("http://secure:3128")), (proxy.GetProxy(Http), proxy.GetProxy(Https)));
    }

    [Fact]
    public void Lower_case_comes_first()
    {
        var proxy = Proxy(("HTTPS_PROXY", "http://upper:1"), ("https_proxy", "http://lower:1"), ("NO_PROXY", "*"), ("no_proxy", "other"));

        Assert.Equal(new Uri("http://lower:1"), proxy.GetProxy(Https));
        Assert.False(proxy.IsBypassed(Https));
    }

    [Theory]
    [InlineData("https_proxy")]
    [InlineData("HTTPS_PROXY")]
    public void An_empty_variable_is_as_good_as_none(string name) =>
        Assert.Equal(new Uri("http://all:1"), Proxy((name, ""), ("ALL_PROXY", "http://all:1")).GetProxy(Https));

    [Theory]
    [InlineData("proxy.example.com:3128", "http://proxy.example.com:3128/")]
    [InlineData("proxy.example.com", "http://proxy.example.com/")]
    [InlineData("10.0.0.1:3128", "http://10.0.0.1:3128/")]
    [InlineData("https://proxy.example.com:3129", "https://proxy.example.com:3129/")]
    [InlineData("socks5://10.0.0.1", "socks5://10.0.0.1/")]
    public void A_proxy_may_leave_out_its_scheme(string value, string expected) =>
        Assert.Equal(new Uri(expected), Proxy(("HTTPS_PROXY", value)).GetProxy(Https));

    [Theory]
    [InlineData("http://")]
    [InlineData("ftp://user:secret@proxy")]
    [InlineData("http://user:secret@:port")]
    public void What_is_no_proxy_is_refused_by_name_and_without_its_secret(string value)
    {
        var error = Assert.Throws<HyperkubeException>(() => Proxy(("HTTPS_PROXY", value)));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Contains("HTTPS_PROXY", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("registry.example.com", "https://registry.example.com/", true)]
    [InlineData("REGISTRY.example.COM", "https://registry.example.com/", true)]
    [InlineData("registry.example.com", "https://other.example.com/", false)]
    [InlineData("example.com", "https://registry.example.com/", true)]
    [InlineData("example.com", "https://example.com/", true)]
    [InlineData("example.com", "https://badexample.com/", false)]
    [InlineData("example.com", "https://example.com.evil.net/", false)]
    [InlineData(".example.com", "https://registry.example.com/", true)]
    [InlineData(".example.com", "https://badexample.com/", false)]
    [InlineData("*.example.com", "https://a.registry.example.com/", true)]
    [InlineData("*.example.com", "https://badexample.com/", false)]
    [InlineData("*", "https://registry.example.com/", true)]
    [InlineData("a,b registry.example.com , c", "https://registry.example.com/", true)]
    [InlineData("a, ,,b", "https://registry.example.com/", false)]
    [InlineData("registry.example.com:443", "https://registry.example.com/", true)]
    [InlineData("registry.example.com:5000", "https://registry.example.com/", false)]
    [InlineData("registry.example.com:5000", "https://registry.example.com:5000/", true)]
    [InlineData(".example.com:5000", "https://registry.example.com:5000/", true)]
    [InlineData("example.com:99999", "https://example.com/", false)]
    [InlineData("10.0.0.0/8", "https://10.1.2.3/", true)]
    [InlineData("10.0.0.0/8", "https://11.1.2.3/", false)]
    [InlineData("10.1.2.3/8", "https://10.9.9.9/", true)]
    [InlineData("10.0.0.0/8:5000", "https://10.1.2.3:5000/", true)]
    [InlineData("10.0.0.0/8:5000", "https://10.1.2.3/", false)]
    [InlineData("10.0.0.0/8", "https://registry.example.com/", false)]
    [InlineData("10.0.0.0/33", "https://10.1.2.3/", false)]
    [InlineData("10.1.2.3", "https://10.1.2.3/", true)]
    [InlineData("10.1.2.3", "https://10.1.2.30/", false)]
    [InlineData("10.1.2.3:5000", "https://10.1.2.3:5000/", true)]
    [InlineData("10.1.2.3:5000", "https://10.1.2.3/", false)]
    [InlineData("2.3", "https://10.1.2.3/", false)]
    [InlineData("fd00::/8", "https://[fd00::10]/", true)]
    [InlineData("fd00::/8", "https://[fe80::10]/", false)]
    [InlineData("fd00::10", "https://[fd00:0:0:0::10]:5000/", true)]
    [InlineData("[fd00::10]", "https://[fd00::10]/", true)]
    [InlineData("[fd00::10]:5000", "https://[fd00::10]:5000/", true)]
    public void No_proxy_covers_hosts_domains_addresses_and_ranges(string direct, string destination, bool isDirect) =>
        Assert.Equal(isDirect, Proxy(("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", direct)).IsBypassed(new Uri(destination)));

    [Fact]
    public void A_port_behind_an_IPv6_address_counts() =>
        Assert.False(
            Proxy(("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", "[fd00::10]:5000")).IsBypassed(new Uri("https://[fd00::10]/")));

    [Theory]
    [InlineData("http://localhost:5000/")]
    [InlineData("http://LOCALHOST/")]
    [InlineData("http://127.0.0.1/")]
    [InlineData("http://127.8.9.10/")]
    [InlineData("http://[::1]:5000/")]
    public void Loopback_never_goes_through_a_proxy(string destination) =>
        Assert.True(Proxy(("ALL_PROXY", "http://proxy:3128")).IsBypassed(new Uri(destination)));

    [Theory]
    [InlineData("http://user:p%40ss@proxy:3128", "user", "p@ss")]
    [InlineData("http://user@proxy:3128", "user", "")]
    [InlineData("http://us%3Aer:a:b@proxy:3128", "us:er", "a:b")]
    public void Credentials_stand_in_the_address(string address, string user, string password)
    {
        var proxy = Proxy(("HTTPS_PROXY", address));
        _ = proxy.GetProxy(Https);

        var credential = proxy.Credentials!.GetCredential(proxy.GetProxy(Https)!, "Basic")!;

        Assert.Equal((user, password), (credential.UserName, credential.Password));
    }

    // The handler looks at them once, when it is made, and asks for a proxy later.
    [Fact]
    public void Credentials_are_known_before_anybody_asks_for_a_proxy() =>
        Assert.NotNull(Proxy(("HTTPS_PROXY", "http://user:secret@proxy:3128")).Credentials);

    [Fact]
    public async Task A_proxy_that_asks_is_told_the_credentials_of_its_address()
    {
        await using TinyServer server = new(request =>
            request.Contains("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=", StringComparison.Ordinal)
                ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                : "HTTP/1.1 407 Authenticate\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        using var http = HttpConnections.Create(
            Proxy(("HTTP_PROXY", $"http://user:secret@127.0.0.1:{server.Port}")), HostTls.System);
        using HttpRequestMessage request = new(HttpMethod.Get, Http);

        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task A_proxy_that_asks_before_a_tunnel_is_told_as_well()
    {
        List<string> requests = [];
        await using TinyServer server = new(request =>
        {
            requests.Add(request);
            return requests.Count == 1
                ? "HTTP/1.1 407 Authenticate\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                : "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        });
        using var http = HttpConnections.Create(
            Proxy(("HTTPS_PROXY", $"http://user:secret@127.0.0.1:{server.Port}")), HostTls.System);
        using HttpRequestMessage request = new(HttpMethod.Get, Https);

        await Assert.ThrowsAsync<HttpRequestException>(() => http.SendAsync(request, TestContext.Current.CancellationToken));

        Assert.Equal(2, requests.Count);
        Assert.All(requests, head => Assert.StartsWith("CONNECT registry.example.com:443 ", head, StringComparison.Ordinal));
        Assert.Contains("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=", requests[1], StringComparison.Ordinal);
    }

    // One proxy's secret is none of the other's business.
    [Fact]
    public void Each_proxy_has_its_own_credentials()
    {
        var proxy = Proxy(("HTTP_PROXY", "http://a:1@plain:3128"), ("HTTPS_PROXY", "http://b:2@secure:3128"));
        var (plain, secure) = (proxy.GetProxy(Http)!, proxy.GetProxy(Https)!);

        Assert.Equal(
            ("a", "b"),
            (proxy.Credentials?.GetCredential(plain, "Basic")?.UserName, proxy.Credentials?.GetCredential(secure, "Basic")?.UserName));
    }

    [Fact]
    public void A_proxy_without_credentials_gets_none()
    {
        var proxy = Proxy(("HTTP_PROXY", "http://a:1@plain:3128"), ("HTTPS_PROXY", "http://secure:3128"));
        _ = proxy.GetProxy(Http);

        Assert.Null(proxy.Credentials?.GetCredential(proxy.GetProxy(Https)!, "Basic"));
    }

    private static EnvironmentProxy Proxy(params (string Name, string Value)[] variables) =>
        new(name => variables.Where(v => v.Name == name).Select(v => v.Value).FirstOrDefault());
}
