using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Http;

public sealed class HttpConnectionsTests : IDisposable
{
    private const string ServerUse = "1.3.6.1.5.5.7.3.1";
    private const string ClientUse = "1.3.6.1.5.5.7.3.2";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly TempDirectory _directory = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string AuthorityPath => _directory["ca.pem"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_server_of_the_given_authority_is_trusted()
    {
        using var authority = Authority("ours");

        Assert.Equal(HttpStatusCode.OK, await GetAsync(authority, Issue(authority)));
    }

    [Fact]
    public async Task A_server_of_another_authority_is_not()
    {
        using var authority = Authority("ours");
        using var other = Authority("ours");

        await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(authority, Issue(other)));
    }

    [Fact]
    public async Task A_server_of_another_name_is_not()
    {
        using var authority = Authority("ours");

        await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(authority, Issue(authority, name: "other.example.com")));
    }

    [Fact]
    public async Task A_server_whose_time_has_passed_is_not()
    {
        using var authority = Authority("ours");

        await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(authority, Issue(authority, expired: true)));
    }

    // An authority for a site issues to every laptop as well.
    [Fact]
    public async Task A_certificate_for_clients_makes_no_server()
    {
        using var authority = Authority("ours");

        await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(authority, Issue(authority, use: ClientUse)));
    }

    [Fact]
    public async Task Without_the_authority_nothing_of_it_is_trusted()
    {
        using var authority = Authority("ours");

        await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(null, Issue(authority)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("not a certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public async Task A_file_without_certificates_is_refused_and_named(string? content)
    {
        if (content is not null)
        {
            await File.WriteAllTextAsync(AuthorityPath, content, Ct);
        }

        var error = Assert.Throws<HyperkubeException>(() => HttpConnections.Create(new EnvironmentProxy(_ => null), HostTls.Trusting(AuthorityPath)));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Contains(AuthorityPath, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redirects_are_left_to_the_caller()
    {
        await using TinyServer server = new(
            _ => "HTTP/1.1 302 Found\r\nLocation: http://evil.example.com/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        using var http = HttpConnections.Create(new EnvironmentProxy(_ => null), HostTls.System);
        using HttpRequestMessage request = new(HttpMethod.Get, $"http://127.0.0.1:{server.Port}/");

        using var response = await http.SendAsync(request, Ct);

        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_server_that_wants_a_certificate_is_shown_ours(bool keyIsApart)
    {
        using var authority = Authority("ours");
        using var mine = Issue(authority, name: "node-1", use: ClientUse);
        var (certificate, key) = (mine.ExportCertificatePem(), mine.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        await File.WriteAllTextAsync(_directory["node.cert"], keyIsApart ? certificate : $"{certificate}\n{key}\n", Ct);
        await File.WriteAllTextAsync(_directory["node.key"], key, Ct);

        Assert.Equal(
            HttpStatusCode.OK,
            await ShowAsync(authority, [(_directory["node.cert"], keyIsApart ? _directory["node.key"] : null)]));
    }

    [Fact]
    public async Task A_server_that_wants_a_certificate_gives_nothing_without_one()
    {
        using var authority = Authority("ours");

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => ShowAsync(authority, []));
    }

    [Fact]
    public async Task A_certificate_to_show_without_its_key_is_refused_and_named()
    {
        using var authority = Authority("ours");
        using var mine = Issue(authority, use: ClientUse);
        await File.WriteAllTextAsync(_directory["node.cert"], mine.ExportCertificatePem(), Ct);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => ShowAsync(authority, [(_directory["node.cert"], null)]));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Contains("expected a certificate and its key", error.Message, StringComparison.Ordinal);
    }

    private async Task<HttpStatusCode> ShowAsync(X509Certificate2 authority, (string Certificate, string? Key)[] shown)
    {
        await File.WriteAllTextAsync(AuthorityPath, authority.ExportCertificatePem(), Ct);
        using var server = Issue(authority);
        await using TinyServer listening = new(_ => Ok, server, clientAuthority: authority);
        using var http = HttpConnections.Create(
            new EnvironmentProxy(_ => null), HostTls.Trusting(AuthorityPath) with { ClientCertificates = [.. shown] });
        using HttpRequestMessage request = new(HttpMethod.Get, $"https://localhost:{listening.Port}/");
        using var response = await http.SendAsync(request, Ct);
        return response.StatusCode;
    }

    private static X509Certificate2 Authority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        return request.CreateSelfSigned(Now.AddDays(-10), Now.AddDays(10));
    }

    private static X509Certificate2 Issue(
        X509Certificate2 authority, string name = "localhost", bool expired = false, string use = ServerUse)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(use)], critical: true));
        using var certificate = request.Create(
            authority, Now.AddDays(-2), Now.AddDays(expired ? -1 : 2), RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }

    private async Task<HttpStatusCode> GetAsync(X509Certificate2? trusted, X509Certificate2 server)
    {
        if (trusted is not null)
        {
            await File.WriteAllTextAsync(AuthorityPath, trusted.ExportCertificatePem(), Ct);
        }

        using (server)
        {
            await using TinyServer listening = new(_ => Ok, server);
            using var http = HttpConnections.Create(new EnvironmentProxy(_ => null), HostTls.Trusting(trusted is null ? null : AuthorityPath));
            using HttpRequestMessage request = new(HttpMethod.Get, $"https://localhost:{listening.Port}/");
            using var response = await http.SendAsync(request, Ct);
            return response.StatusCode;
        }
    }
}
