using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hyperkube.Oci.Http;

/// <summary>How this process reaches others over HTTP.</summary>
public static class HttpConnections
{
    /// <summary>A host that does not answer a dial in 10 s is down: fenced sites wait for nothing else as often.</summary>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1"; // id-kp-serverAuth

    /// <summary>Makes the handler; the caller disposes the invoker. Redirects are left to the caller, because whether one
    /// may be followed, and with which credentials, is a question of trust.</summary>
    /// <param name="proxy">Which proxy, if any.</param>
    /// <param name="extraAuthorities">A PEM file of certificate authorities to trust beside the system's, or null.</param>
    /// <exception cref="HyperkubeException">The file holds no certificates.</exception>
    public static HttpMessageInvoker Create(IWebProxy proxy, string? extraAuthorities)
    {
        SocketsHttpHandler handler = new()
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None, // Digests are of what was sent.
            ConnectTimeout = ConnectTimeout,
            MaxResponseHeadersLength = 64,
            Proxy = proxy,
            UseCookies = false,
            ActivityHeadersPropagator = null,
        };
        if (extraAuthorities is not null)
        {
            var authorities = Read(extraAuthorities);
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                errors == SslPolicyErrors.None
                || (errors == SslPolicyErrors.RemoteCertificateChainErrors && certificate is X509Certificate2 leaf
                    && IsIssuedBy(authorities, leaf, chain));
        }

        return new HttpMessageInvoker(handler, disposeHandler: true);
    }

    private static bool IsIssuedBy(X509Certificate2Collection authorities, X509Certificate2 leaf, X509Chain? presented)
    {
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        foreach (var element in presented?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
        {
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        }

        return chain.Build(leaf);
    }

    private static X509Certificate2Collection Read(string path)
    {
        try
        {
            X509Certificate2Collection certificates = [];
            certificates.ImportFromPemFile(path);
            return certificates.Count > 0
                ? certificates
                : throw new CryptographicException("no certificate in it");
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"--ca '{path}': {e.Message}; expected a PEM file of certificates", e);
        }
    }
}
