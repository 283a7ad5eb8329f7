using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases;

/// <summary>Sites that speak TLS, with a certificate of a test's own authority.</summary>
public sealed class SiteClientTlsTests : IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly TempDirectory _directory = new();

    public SiteClientTlsTests() => File.WriteAllText(Authorities, _authority.Pem);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Authorities => _directory["ca.pem"];

    public void Dispose()
    {
        _authority.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_site_of_a_named_authority_is_trusted()
    {
        await using var local = LocalSite.Start(_authority.Certificate);

        Assert.Equal(Digest.Of(LocalSite.Content), (await local.FetchAsync(local.Open(authorities: Authorities))).Digest);
    }

    [Fact]
    public async Task A_site_of_an_unknown_authority_is_not_and_the_hint_names_the_flag()
    {
        await using var local = LocalSite.Start(_authority.Certificate);

        var error = await local.FailAsync(local.Open());

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Contains("--ca FILE", error.Hint, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Empty(local.Site.Requests);
    }

    [Fact]
    public async Task Another_authority_does_not_help()
    {
        using TestAuthority stranger = new();
        await File.WriteAllTextAsync(_directory["stranger.pem"], stranger.Pem, Ct);
        await using var local = LocalSite.Start(_authority.Certificate);

        Assert.Equal(ErrorKind.Unavailable, (await local.FailAsync(local.Open(authorities: _directory["stranger.pem"]))).Kind);
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_refused_whoever_issued_it()
    {
        using TestAuthority elsewhere = new(onlyFor: "elsewhere.example");
        await File.WriteAllTextAsync(Authorities, elsewhere.Pem, Ct);
        await using var local = LocalSite.Start(elsewhere.Certificate);

        Assert.Equal(ErrorKind.Unavailable, (await local.FailAsync(local.Open(authorities: Authorities))).Kind);
        Assert.Empty(local.Site.Requests);
    }

    [Fact]
    public async Task A_redirect_from_https_to_http_is_refused_even_on_the_same_host()
    {
        await using var local = LocalSite.Start(_authority.Certificate);
        await using var plain = LocalSite.Start();
        local.Site.Intercept = request => SiteAnswer.Redirect($"{plain.Site.Url}/{request.Path}");

        var error = await local.FailAsync(local.Open(authorities: Authorities));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Contains("without TLS", error.Message, StringComparison.Ordinal);
        Assert.Empty(plain.Site.Requests);
    }

    [Fact]
    public async Task A_redirect_from_http_to_https_is_followed()
    {
        await using var secure = LocalSite.Start(_authority.Certificate);
        await using var local = LocalSite.Start();
        local.Site.Intercept = request => SiteAnswer.Redirect($"{secure.Site.Url}/{request.Path}");

        Assert.Equal(Digest.Of(LocalSite.Content), (await local.FetchAsync(local.Open(authorities: Authorities))).Digest);
        Assert.NotEmpty(secure.Site.Requests);
    }

    [Fact]
    public async Task A_login_does_not_follow_a_redirect_to_another_host()
    {
        await using var local = LocalSite.Start(_authority.Certificate);
        await using var other = LocalSite.Start(_authority.Certificate);
        local.Site.Intercept = request => SiteAnswer.Redirect(SiteClientRedirectTests.At("localhost", other, request.Path));
        var options = SiteClientRedirectTests.WithLogins("machine 127.0.0.1 login ann password one") with { RedirectHosts = ["localhost"] };

        await local.FetchAsync(local.Open(options, authorities: Authorities));

        Assert.All(local.Site.Requests, r => Assert.Equal("ann:one", SiteClientRedirectTests.LoginOf(r)));
        Assert.All(other.Site.Requests, r => Assert.Null(r.Request.Header("Authorization")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("no certificate")]
    [InlineData(null)]
    public async Task A_file_without_certificates_is_refused_by_its_name(string? content)
    {
        var path = _directory["empty.pem"];
        if (content is not null)
        {
            await File.WriteAllTextAsync(path, content, Ct);
        }

        await using var local = LocalSite.Start();

        var error = Assert.Throws<HyperkubeException>(() => local.Open(authorities: path));
        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }
}
