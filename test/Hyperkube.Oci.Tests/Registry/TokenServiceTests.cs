using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class TokenServiceTests : RemoteTest
{
    private static readonly byte[] Content = Sample.Bytes(5000);

    private readonly TestRegistry _other;

    public TokenServiceTests()
    {
        Login = new Credential.Login("bob", "s3cret");
        _other = Start();
    }

    private static string Basic => $"Basic {Convert.ToBase64String("bob:s3cret"u8)}";

    private IReadOnlyList<RegistryCall> TokenCalls => [.. Registry.Calls.Where(c => c.IsToken)];

    [Fact]
    public async Task A_token_service_that_refuses_is_told_of_with_where_the_login_came_from()
    {
        Registry.Issuer = new TokenIssuer { Login = "bob:other" };

        var failure = await FailureAsync(() => ReadAsync(Repository, AddBlob(Content)));

        Assert.Equal(ErrorKind.AccessDenied, failure.Kind);
        Assert.Contains(
            "the token service refused (test): 401 Unauthorized: incorrect username or password",
            failure.Message,
            StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_service_that_stumbles_is_asked_again()
    {
        Registry.Issuer = new TokenIssuer();
        var asked = 0;
        Registry.Intercept = call => call.IsToken && asked++ < 2 ? SiteAnswer.Of(503) : null;

        Assert.Equal(Content, await ReadAsync(Repository, AddBlob(Content)));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("")]
    [InlineData("[1]")]
    [InlineData("{\"token\":\"\"}")]
    [InlineData("{\"token\":\"a\\r\\nX-Evil: 1\"}")]
    [InlineData("{\"token\":\"a b\"}")]
    [InlineData("{\"token\":5}")]
    [InlineData("{\"token\":\"t\",\"expires_in\":99999999999999999999}")]
    public async Task An_answer_without_a_usable_token_is_a_failure_of_the_service(string answer)
    {
        Registry.Issuer = new TokenIssuer();
        Registry.Intercept = call => call.IsToken ? SiteAnswer.Text(answer) : null;

        Assert.Equal(ErrorKind.Unavailable, (await FailureAsync(() => ReadAsync(Repository, AddBlob(Content)))).Kind);
        Assert.All(Registry.Calls, c => Assert.Null(c.Header("X-Evil")));
    }

    [Fact]
    public async Task A_token_answer_without_end_is_left()
    {
        Registry.Issuer = new TokenIssuer();
        Registry.Intercept = call => call.IsToken ? new SiteAnswer { Body = "{\"token\":\""u8.ToArray(), Endless = true } : null;

        var failure = await FailureAsync(() => ReadAsync(Repository, AddBlob(Content)));

        Assert.Equal(ErrorKind.BadContent, failure.Kind);
    }

    [Fact]
    public async Task A_token_service_that_never_answers_is_given_up()
    {
        Options = Options with { AnswerTimeout = TimeSpan.FromMilliseconds(200) };
        Registry.Issuer = new TokenIssuer();
        Registry.Intercept = call => call.IsToken ? new SiteAnswer { Silent = true } : null;

        Assert.Equal(ErrorKind.Unavailable, (await FailureAsync(() => ReadAsync(Repository, AddBlob(Content)))).Kind);
    }

    [Fact]
    public async Task A_redirect_of_the_token_service_is_not_followed_with_a_login()
    {
        Registry.Issuer = new TokenIssuer();
        Registry.Intercept = call => call.IsToken ? SiteAnswer.Redirect(new Uri(_other.Url, "/token").AbsoluteUri) : null;

        await FailureAsync(() => ReadAsync(Repository, AddBlob(Content)));

        Assert.Empty(_other.Calls);
    }

    [Theory]
    [InlineData("http://example.com/token")] // Without TLS.
    [InlineData("https://registry.example.com.evil.net/token")] // Of another domain.
    [InlineData("https://bob@example.com/token")]
    [InlineData("file:///etc/passwd")]
    [InlineData("/token")]
    public async Task A_token_service_that_is_not_to_be_trusted_is_not_given_the_login(string realm)
    {
        Registry.Intercept = _ => SiteAnswer.Of(401).With("WWW-Authenticate", $"Bearer realm=\"{realm}\",service=\"x\"");

        var failure = await FailureAsync(() => ReadAsync(Repository, AddBlob(Content)));

        Assert.Equal(ErrorKind.AccessDenied, failure.Kind);
        Assert.Single(Registry.Calls);
    }

    [Fact]
    public async Task A_token_service_of_another_port_of_the_same_host_is_given_the_login()
    {
        _other.Issuer = new TokenIssuer { Login = "bob:s3cret" };
        (Registry.Issuer, Registry.Realm) = (_other.Issuer, new Uri(_other.Url, "/token"));

        Assert.Equal(Content, await ReadAsync(Repository, AddBlob(Content)));
        Assert.Equal(Basic, Assert.Single(_other.Calls).Header("Authorization"));
    }

    [Fact]
    public async Task The_query_of_a_realm_is_kept()
    {
        Registry.Issuer = new TokenIssuer();
        Registry.Realm = new Uri(Registry.Url, "/token?account=a%26b");

        await ReadAsync(Repository, AddBlob(Content));

        Assert.StartsWith("account=a%26b&service=test&scope=", TokenCalls[0].Query, StringComparison.Ordinal);
    }
}
