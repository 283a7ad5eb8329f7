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
