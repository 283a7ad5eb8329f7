using Hyperkube.Oci.Http;
using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class LoginTests : RemoteTest
{
    private static readonly byte[] Content = Sample.Bytes(5000);

    public LoginTests() => Login = new Credential.Login("bob", "s3cret");

    private static string Basic => $"Basic {Convert.ToBase64String("bob:s3cret"u8)}";

    private IReadOnlyList<RegistryCall> TokenCalls => [.. Registry.Calls.Where(c => c.IsToken)];

    [Fact]
    public async Task Nothing_is_shown_to_a_registry_that_asks_for_nothing()
    {
        await ReadAsync(Repository, AddBlob(Content));

        Assert.Null(Assert.Single(Registry.Calls).Header("Authorization"));
    }

    [Fact]
    public async Task A_login_is_shown_when_asked_for_and_from_then_on()
    {
        Registry.Login = "bob:s3cret";
        var blob = AddBlob(Content);

        await ReadAsync(Repository, blob);
        await ReadAsync(Repository, blob);

        Assert.Equal($"|{Basic}|{Basic}", string.Join('|', Registry.Calls.Select(c => c.Header("Authorization"))));
    }

    [Fact]
    public async Task A_login_that_is_refused_is_shown_once()
    {
        Registry.Login = "bob:other";

        var failure = await FailureAsync(() => ReadAsync(Repository, AddBlob(Content)));

        Assert.Equal(ErrorKind.AccessDenied, failure.Kind);
        Assert.Contains("hyperkube explain", failure.Hint, StringComparison.Ordinal);
        Assert.Equal(2, Registry.Calls.Count);
    }

    [Fact]
    public async Task Without_a_login_the_refusal_stands()
    {
        (Login, Registry.Login) = (null, "bob:s3cret");

        Assert.Equal(ErrorKind.AccessDenied, (await FailureAsync(() => ReadAsync(Repository, AddBlob(Content)))).Kind);
        Assert.Single(Registry.Calls);
    }

    [Fact]
    public async Task A_token_is_got_with_the_login_and_used_until_it_is_refused()
    {
        Registry.Issuer = new TokenIssuer { Login = "bob:s3cret" };
        var blob = AddBlob(Content);

        await ReadAsync(Repository, blob);
        await ReadAsync(Repository, blob);
        Assert.Equal(1, Registry.Issuer.Issued);
        Registry.Issuer.RevokeAll();
        await ReadAsync(Repository, blob);

        Assert.Equal(2, TokenCalls.Count);
        Assert.All(TokenCalls, c => Assert.Equal(
            (Basic, "test", $"repository:{Repo}:pull", "bob"),
            (c.Header("Authorization"), c.Parameter("service"), c.Parameter("scope"), c.Parameter("account"))));
    }

    [Fact]
    public async Task Docker_Hub_gives_a_token_to_anybody()
    {
        (Login, Registry.Issuer) = (null, new TokenIssuer());

        Assert.Equal(Content, await ReadAsync(Repository, AddBlob(Content)));
        Assert.Null(TokenCalls[0].Header("Authorization"));
    }

    [Fact]
    public async Task A_token_may_be_called_access_token_as_ACR_does()
    {
        Registry.Issuer = new TokenIssuer { Member = "access_token" };

        Assert.Equal(Content, await ReadAsync(Repository, AddBlob(Content)));
    }

    [Fact]
    public async Task An_identity_token_is_exchanged_by_POST()
    {
        Login = new Credential.IdentityToken("refresh+/=");
        Registry.Issuer = new TokenIssuer { IdentityToken = "refresh+/=", Member = "access_token" };

        Assert.Equal(Content, await ReadAsync(Repository, AddBlob(Content)));

        var call = Assert.Single(TokenCalls);
        Assert.Equal(
            ("POST", "refresh_token", "test", $"repository:{Repo}:pull", ""),
            (call.Method, call.Field("grant_type"), call.Field("service"), call.Field("scope"), call.Query));
        Assert.Null(call.Header("Authorization"));
    }

    [Fact]
    public async Task A_registry_token_is_sent_as_it_is()
    {
        Login = new Credential.RegistryToken("given");
        Registry.Issuer = new TokenIssuer();

        await FailureAsync(() => ReadAsync(Repository, AddBlob(Content)));

        Assert.Equal("|Bearer given", string.Join('|', Registry.Calls.Select(c => c.Header("Authorization"))));
    }

    [Fact]
    public async Task Tokens_are_kept_apart_by_scope()
    {
        Registry.Issuer = new TokenIssuer();
        Registry.AddBlob("team/b", Content);

        await ReadAsync(Repository, AddBlob(Content));
        await PutAsync(Repository, Content);
        await ReadAsync(Client.Repository("team/b", [HostOf(Registry)]), Sample.Describe(Content));
        await PutAsync(Repository, Content);

        Assert.Equal(
            $"repository:{Repo}:pull repository:{Repo}:pull,push repository:team/b:pull",
            string.Join(' ', TokenCalls.Select(c => c.Parameter("scope"))));
    }

    [Fact]
    public async Task A_mount_asks_for_the_right_to_read_its_source_in_the_same_token()
    {
        Registry.Issuer = new TokenIssuer();
        Registry.AddBlob("base", Content);

        await PutAsync(Client.Repository(Repo, [HostOf(Registry)], ["base"]), Content);

        Assert.Equal(
            $"repository:{Repo}:pull,push repository:base:pull", string.Join(' ', Assert.Single(TokenCalls).Parameters("scope")));
    }

    [Fact]
    public async Task A_mount_whose_source_may_not_be_read_is_followed_by_a_usual_upload()
    {
        Registry.Issuer = new TokenIssuer { Denies = scope => scope == "repository:base:pull" };

        await PutAsync(Client.Repository(Repo, [HostOf(Registry)], ["base"]), Content);

        Assert.True(Registry.Has(Repo, Sample.Describe(Content).Digest.ToString()));
    }

    [Fact]
    public async Task Who_needs_the_same_token_waits_for_the_one_that_is_coming()
    {
        Registry.Issuer = new TokenIssuer();
        var blob = AddBlob(Content);
        var repository = Repository;

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ReadAsync(repository, blob)));

        Assert.Equal(1, Registry.Issuer.Issued);
    }

    [Theory]
    [InlineData(300, 294, 1)]
    [InlineData(300, 296, 2)] // Clocks differ: it ends 5 s early.
    [InlineData(null, 54, 1)] // A minute, if nothing is said.
    [InlineData(null, 56, 2)]
    [InlineData(-5, 54, 1)]
    [InlineData(4, 1, 1)]
    [InlineData(4, 3, 2)]
    public async Task A_token_is_used_for_as_long_as_it_holds(int? lifetime, int later, int tokens)
    {
        MovableTime time = new();
        Options = Options with { Retry = Options.Retry with { Time = time } };
        Registry.Issuer = new TokenIssuer { ExpiresIn = lifetime };
        var blob = AddBlob(Content);

        await ReadAsync(Repository, blob);
        time.Passed = TimeSpan.FromSeconds(later);
        await ReadAsync(Repository, blob);

        Assert.Equal(tokens, Registry.Issuer.Issued);
    }

    [Fact]
    public async Task A_token_is_preferred_where_a_login_would_do_as_Harbor_offers_both()
    {
        Registry.Issuer = new TokenIssuer { Login = "bob:s3cret" };
        Registry.Alter = (_, answer) => answer.Headers.GetValueOrDefault("WWW-Authenticate") is { } bearer
            ? answer.With("WWW-Authenticate", $"Basic realm=\"harbor\"\n{bearer}") : answer;

        Assert.Equal(Content, await ReadAsync(Repository, AddBlob(Content)));
        Assert.Equal(1, Registry.Issuer.Issued);
    }

    [Theory]
    [InlineData("login", null)]
    [InlineData("token", null)]
    [InlineData("login", "https://registry.example.com/token")] // The token that it is exchanged for is as good as the login.
    [InlineData("identity", "https://registry.example.com/token")]
    public async Task Logins_are_not_sent_over_plain_HTTP_to_other_machines(string credential, string? realm)
    {
        Login = credential switch
        {
            "token" => new Credential.RegistryToken("given"),
            "identity" => new Credential.IdentityToken("refresh"),
            _ => Login,
        };
        RegistryHost host = new() { Root = new Uri("http://registry.example.com/v2") };
        using var http = HttpConnections.Create(Options.Proxy, HostTls.System);
        Authenticator authenticator = new(host, http, Options with { PlainHttp = true });
        Challenge challenge = new(realm is null ? null : new Uri(realm), "x", null);

        var failure = await FailureAsync(
            async () => await authenticator.MeetAsync(challenge, null, [new TokenScope(Repo, "pull")], Ct));

        Assert.Equal(ErrorKind.AccessDenied, failure.Kind);
        Assert.Contains("plain HTTP", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_anybody_gets_is_sent_over_plain_HTTP()
    {
        using TestAuthority authority = new();
        var service = Start(authority);
        (Login, service.Issuer) = (null, new TokenIssuer());
        using var http = HttpConnections.Create(Options.Proxy, new HostTls { SkipVerify = true });
        Authenticator authenticator = new(new RegistryHost { Root = new Uri("http://10.255.255.1/v2") }, http, Options);

        var header = await authenticator.MeetAsync(
            new Challenge(new Uri(service.Url, "/token"), "x", null), null, [new TokenScope(Repo, "pull")], Ct);

        Assert.Equal("Bearer token-1", header?.ToString());
    }

    private sealed class MovableTime : TimeProvider
    {
        internal TimeSpan Passed { get; set; }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Passed;
    }
}
