using System.Net;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Registry;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class TargetPolicyTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("https://8.8.8.8/v2", "https://9.9.9.9/blob")]
    [InlineData("https://10.0.0.1/v2", "https://10.0.0.2/blob")] // A fenced network: all of it is private.
    [InlineData("https://10.0.0.1/v2", "https://9.9.9.9/blob")]
    [InlineData("http://127.0.0.1:5000/v2", "http://127.0.0.1:5001/blob")]
    [InlineData("http://127.0.0.1:5000/v2", "https://9.9.9.9/blob")]
    public async Task May_lead_there(string from, string to) =>
        await new TargetPolicy(Options()).CheckAsync("a redirect to", new Uri(from), new Uri(to), Ct);

    [Theory]
    [InlineData("https://8.8.8.8/v2", "http://9.9.9.9/blob")]
    [InlineData("https://8.8.8.8/v2", "http://8.8.8.8/blob")]
    [InlineData("https://8.8.8.8/v2", "http://127.0.0.1/blob")]
    [InlineData("https://8.8.8.8/v2", "https://169.254.169.254/latest/meta-data")]
    [InlineData("https://8.8.8.8/v2", "https://2852039166/latest/meta-data")] // The same, in decimal.
    [InlineData("https://8.8.8.8/v2", "https://10.0.0.1/")]
    [InlineData("https://8.8.8.8/v2", "https://172.16.5.5/")]
    [InlineData("https://8.8.8.8/v2", "https://192.168.1.1/")]
    [InlineData("https://8.8.8.8/v2", "https://100.64.0.1/")]
    [InlineData("https://8.8.8.8/v2", "https://127.0.0.1:8443/")]
    [InlineData("https://8.8.8.8/v2", "https://localhost/")]
    [InlineData("https://8.8.8.8/v2", "https://0.0.0.0/")]
    [InlineData("https://8.8.8.8/v2", "https://[::1]/")]
    [InlineData("https://8.8.8.8/v2", "https://[fd00::1]/")]
    [InlineData("https://8.8.8.8/v2", "https://[fe80::1]/")]
    [InlineData("https://8.8.8.8/v2", "https://[::ffff:169.254.169.254]/")]
    [InlineData("http://127.0.0.1:5000/v2", "http://9.9.9.9/blob")]
    [InlineData("http://127.0.0.1:5000/v2", "http://169.254.169.254/")]
    [InlineData("https://8.8.8.8/v2", "ftp://9.9.9.9/blob")]
    [InlineData("https://8.8.8.8/v2", "file:///etc/passwd")]
    public async Task May_not_lead_there(string from, string to)
    {
        var failure = await Assert.ThrowsAsync<HyperkubeException>(
            async () => await new TargetPolicy(Options()).CheckAsync("a redirect to", new Uri(from), new Uri(to), Ct));

        Assert.Equal(ErrorKind.AccessDenied, failure.Kind);
    }

    [Fact]
    public async Task A_host_behind_a_proxy_may_not_lead_to_what_is_reached_without_it()
    {
        EnvironmentProxy proxy = new(name => name switch
        {
            "HTTPS_PROXY" => "http://10.0.0.9:3128",
            "NO_PROXY" => "169.254.169.254,10.0.0.0/8",
            _ => null,
        });

        await Assert.ThrowsAsync<HyperkubeException>(async () => await new TargetPolicy(Options(proxy)).CheckAsync(
            "a redirect to", new Uri("https://registry.example.com/v2"), new Uri("https://169.254.169.254/latest"), Ct));
    }

    [Fact]
    public async Task Plain_HTTP_stays_plain_where_the_user_said_so() =>
        await new TargetPolicy(Options() with { PlainHttp = true }).CheckAsync(
            "a redirect to", new Uri("http://10.0.0.1/v2"), new Uri("http://10.0.0.2/blob"), Ct);

    [Theory]
    [InlineData("https://registry.example.com", "https://registry.example.com/token", true)]
    [InlineData("https://registry.example.com", "https://auth.example.com/token", true)]
    [InlineData("https://registry.gitlab.com", "https://gitlab.com/jwt/auth", true)]
    [InlineData("https://registry-1.docker.io", "https://auth.docker.io/token", true)]
    [InlineData("https://harbor.corp", "https://token.harbor.corp/service", true)]
    [InlineData("https://registry.example.com", "https://AUTH.EXAMPLE.COM/token", true)]
    [InlineData("https://registry.example.com", "https://registry.example.com.evil.net/token", false)]
    [InlineData("https://registry.example.com", "https://evilexample.com/token", false)]
    [InlineData("https://registry.example.com", "https://example.com.evil.net/token", false)]
    [InlineData("https://registry.example.com", "http://registry.example.com/token", false)]
    [InlineData("https://example.com", "https://evil.com/token", false)]
    [InlineData("https://example.co.uk", "https://evil.co.uk/token", false)]
    [InlineData("https://alice.github.io", "https://evil.github.io/token", false)] // Neighbours, not one owner.
    [InlineData("https://alice.github.io", "https://auth.alice.github.io/token", true)]
    [InlineData("https://alice.azurecr.io", "https://alice.azurecr.io/oauth2/token", true)]
    [InlineData("https://alice.azurecr.io", "https://evil.azurecr.io/oauth2/token", false)]
    [InlineData("https://alice.AZURECR.io", "https://evil.azurecr.io/oauth2/token", false)]
    [InlineData("https://alice.jfrog.io", "https://evil.jfrog.io/v2/token", false)]
    [InlineData("https://1.dkr.ecr.eu-west-1.amazonaws.com", "https://2.dkr.ecr.eu-west-1.amazonaws.com/token", false)]
    [InlineData("https://10.0.0.1", "https://10.0.0.2/token", false)]
    [InlineData("https://10.0.0.1", "https://1.0.0.1/token", false)]
    [InlineData("https://registry", "https://evil.registry/token", false)]
    [InlineData("https://registry.example.com", "https://trusted.net/token", true)] // The user said so.
    [InlineData("https://registry.example.com", "https://sub.trusted.net/token", false)]
    public void A_login_is_shown_to_the_same_domain_only(string registry, string realm, bool isShown) =>
        Assert.Equal(
            isShown,
            new TargetPolicy(Options() with { TokenHosts = ["trusted.net"] }).MayBeShownLogin(new Uri(registry), new Uri(realm)));

    private static RegistryOptions Options(IWebProxy? proxy = null) =>
        new() { Credentials = new CredentialChainStub(), Proxy = proxy ?? new EnvironmentProxy(_ => null) };

    private sealed class CredentialChainStub : ICredentialSource
    {
        public string Name => "none";

        public ValueTask<CredentialAnswer> FindAsync(string host, string repository, CancellationToken cancellationToken) =>
            ValueTask.FromResult(new CredentialAnswer(null, "none"));
    }
}
