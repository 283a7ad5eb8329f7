using Hyperkube.Oci.Registry;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

/// <summary>Hosts on this machine of which nobody has said whether they talk TLS.</summary>
public sealed class SchemeChoiceTests : RemoteTest
{
    [Theory]
    [InlineData("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")] // Go.
    [InlineData("HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
        + "<title>400 The plain HTTP request was sent to HTTPS port</title>")] // nginx.
    [InlineData("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
        + "You're speaking plain HTTP to an SSL-enabled server port.")] // Apache.
    [InlineData("HTTP/1.1 400 \r\nConnection: close\r\n\r\nThis combination of host and port requires TLS.")] // Tomcat.
    [InlineData("")] // Hangs up.
    public async Task A_server_that_says_so_is_asked_by_TLS(string says)
    {
        using TestAuthority authority = new();
        var secure = Start(authority);
        secure.ToPlainHttp = says;
        var index = AddIndex(secure, "v1");

        Assert.Equal(index, await Plain(secure, trusted: true).FetchRootAsync("v1", Ct));
    }

    [Fact]
    public async Task A_server_that_says_so_to_HEAD_is_asked_by_TLS()
    {
        using TestAuthority authority = new();
        var secure = Start(authority);
        var index = AddIndex(secure, "v1");

        Assert.Equal(index, await Plain(secure, trusted: true).ResolveAsync("v1", Ct));
    }

    [Fact]
    public async Task A_certificate_that_is_not_trusted_is_what_is_told_of()
    {
        using TestAuthority authority = new();
        var secure = Start(authority);
        AddIndex(secure, "v1");

        var failure = await FailureAsync(async () => await Plain(secure, trusted: false).FetchRootAsync("v1", Ct));

        Assert.Contains("is not trusted", failure.Message, StringComparison.Ordinal);
        Assert.Contains("--ca FILE", failure.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    public async Task A_refusal_in_other_words_stands(string method)
    {
        Registry.Intercept = _ => SiteAnswer.Text("<html>no</html>", 400).With("Content-Type", "text/html");

        var failure = await FailureAsync(async () => await (method == "GET"
            ? Repository.FetchRootAsync("v1", Ct) : Repository.ResolveAsync("v1", Ct)));

        Assert.Equal(ErrorKind.AccessDenied, failure.Kind);
        Assert.Contains(": 400 ", failure.Message, StringComparison.Ordinal);
        Assert.InRange(Registry.Calls.Count, 1, 3);
    }

    private RemoteRepository Plain(TestRegistry registry, bool trusted) => Client.Repository(
        Repo,
        [
            new RegistryHost
            {
                Root = new UriBuilder(registry.Root) { Scheme = "http" }.Uri,
                Tls = trusted ? new HostTls { SkipVerify = true } : HostTls.System,
            },
        ]);
}
