using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class RedirectTests : RemoteTest
{
    private static readonly byte[] Content = Sample.Bytes(5000);

    private readonly TestRegistry _store;

    public RedirectTests()
    {
        _store = Start();
        _store.Intercept = _ => new SiteAnswer { Body = Content };
        AddBlob(Content);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task Neither_login_nor_configured_headers_go_to_another_host(int status)
    {
        (Login, Registry.Login) = (new Credential.Login("bob", "s3cret"), "bob:s3cret");
        Registry.Alter = (call, answer) => answer.Status == 200
            ? SiteAnswer.Of(status).With("Location", new Uri(_store.Url, "/x?signature=1").AbsoluteUri) : answer;
        var repository = Client.Repository(Repo, [HostOf(Registry) with { Headers = [new("X-Secret", "1")] }]);

        Assert.Equal(Content, await ReadAsync(repository, Sample.Describe(Content)));

        var call = Assert.Single(_store.Calls);
        Assert.Equal(("/x", "signature=1", null, null), (call.Path, call.Query, call.Header("Authorization"), call.Header("X-Secret")));
        Assert.All(Registry.Calls, c => Assert.Equal("1", c.Header("X-Secret")));
    }

    [Fact]
    public async Task Login_and_headers_go_along_to_the_same_host()
    {
        (Login, Registry.Login) = (new Credential.Login("bob", "s3cret"), "bob:s3cret");
        Registry.Intercept = call => call.IsBlob && call.Query.Length == 0 ? SiteAnswer.Redirect($"{call.Path}?again=1") : null;
        var repository = Client.Repository(Repo, [HostOf(Registry) with { Headers = [new("X-Secret", "1")] }]);

        Assert.Equal(Content, await ReadAsync(repository, Sample.Describe(Content)));
        Assert.NotNull(Registry.Calls[^1].Header("Authorization"));
        Assert.Equal("1", Registry.Calls[^1].Header("X-Secret"));
    }

    [Fact]
    public async Task A_store_that_wants_a_login_is_not_given_one()
    {
        Login = new Credential.Login("bob", "s3cret");
        Registry.Intercept = _ => SiteAnswer.Redirect(_store.Url.AbsoluteUri);
        _store.Intercept = _ => SiteAnswer.Of(401).With("WWW-Authenticate", "Basic realm=\"give\"");

        Assert.Equal(ErrorKind.AccessDenied, (await FailureAsync(ReadAsync)).Kind);
        Assert.Null(Assert.Single(_store.Calls).Header("Authorization"));
    }

    [Fact]
    public async Task Redirects_that_go_in_circles_end()
    {
        Registry.Intercept = call => SiteAnswer.Redirect(call.Path);

        Assert.Contains("more than 5 redirects", (await FailureAsync(ReadAsync)).Message, StringComparison.Ordinal);
        Assert.Equal(6 * 5, Registry.Calls.Count);
    }

    [Theory]
    [InlineData("http://example.com/blob", ErrorKind.AccessDenied)]
    [InlineData("http://169.254.169.254/latest/meta-data", ErrorKind.AccessDenied)]
    [InlineData("file:///etc/passwd", ErrorKind.AccessDenied)]
    [InlineData("http://", ErrorKind.Unavailable)]
    [InlineData(null, ErrorKind.Unavailable)]
    public async Task A_redirect_does_not_lead_anywhere(string? location, ErrorKind kind)
    {
        Registry.Intercept = _ => location is null ? SiteAnswer.Of(302) : SiteAnswer.Redirect(location);

        Assert.Equal(kind, (await FailureAsync(ReadAsync)).Kind);
    }

    [Fact]
    public async Task A_redirect_does_not_lead_from_TLS_to_plain_HTTP()
    {
        using TestAuthority authority = new();
        using TempDirectory directory = new();
        await File.WriteAllTextAsync(directory["ca.pem"], authority.Pem, Ct);
        var secure = Start(authority);
        secure.Intercept = _ => SiteAnswer.Redirect(_store.Url.AbsoluteUri);
        var repository = Client.Repository(Repo, [HostOf(secure) with { Tls = HostTls.Trusting(directory["ca.pem"]) }]);

        var failure = await FailureAsync(() => ReadAsync(repository, Sample.Describe(Content)));

        Assert.Equal(ErrorKind.AccessDenied, failure.Kind);
        Assert.Empty(_store.Calls);
    }

    [Fact]
    public async Task A_body_is_sent_again_only_where_that_was_asked_for()
    {
        Registry.Intercept = call => call.Method == "PUT" ? SiteAnswer.Redirect(_store.Url.AbsoluteUri) : null;

        await FailureAsync(() => PutAsync(Repository, Content));
        Assert.Empty(_store.Calls);

        _store.Intercept = _ => SiteAnswer.Of(201);
        Registry.Intercept = call => call.Method == "PUT" ? SiteAnswer.Of(307).With("Location", _store.Url.AbsoluteUri) : null;

        await PutAsync(Repository, Content);
        Assert.Equal(Content, _store.Calls[0].Body.ToArray());
    }

    private Task ReadAsync() => ReadAsync(Repository, Sample.Describe(Content));
}
