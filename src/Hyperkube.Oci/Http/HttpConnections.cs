using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hyperkube.Oci.Registry;

namespace Hyperkube.Oci.Http;

/// <summary>How this process reaches others over HTTP.</summary>
public static class HttpConnections
{
    /// <summary>A host that does not answer a dial in 10 s is down: fenced sites wait for nothing else as often.</summary>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    /// <summary>A host that has been asked whether it takes a body gets it after this long anyway. Farther than that, a question is of
    /// no use; nearer, it costs a silent host 300 ms once.</summary>
    internal static readonly TimeSpan ExpectTimeout = TimeSpan.FromMilliseconds(300);

    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1"; // id-kp-serverAuth

    /// <summary>Makes the handler; the caller disposes the invoker. Redirects are left to the caller, because whether one
    /// may be followed, and with which credentials, is a question of trust.</summary>
    /// <param name="proxy">Which proxy, if any.</param>
    /// <param name="tls">How the far side is checked.</param>
    /// <param name="dialTimeout">How long a dial may take; null for the usual.</param>
    /// <exception cref="HyperkubeException">A file of <paramref name="tls"/> holds no certificate.</exception>
    public static HttpMessageInvoker Create(IWebProxy proxy, HostTls tls, TimeSpan? dialTimeout = null)
    {
        ArgumentNullException.ThrowIfNull(tls);
        SocketsHttpHandler handler = new()
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None, // Digests are of what was sent.
            ConnectTimeout = dialTimeout ?? ConnectTimeout,
            Expect100ContinueTimeout = ExpectTimeout,
            EnableMultipleHttp2Connections = true,
            MaxResponseHeadersLength = 64,
            Proxy = proxy,
            UseCookies = false,
            ActivityHeadersPropagator = null,

            // HTTP/2 has its own way to refuse a body.
            PlaintextStreamFilter = (connection, _) => ValueTask.FromResult(
                connection.NegotiatedHttpVersion.Major > 1 ? connection.PlaintextStream : new RefusableStream(connection.PlaintextStream)),
        };
        X509Certificate2Collection authorities = [.. tls.Authorities.SelectMany(file => Read(file, "a PEM file of certificates"))];
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            (errors == SslPolicyErrors.None
            || tls.SkipVerify
            || (errors == SslPolicyErrors.RemoteCertificateChainErrors && certificate is X509Certificate2 leaf
                && authorities.Count > 0 && IsIssuedBy(authorities, leaf, chain)))
            ? true : throw Untrusted(certificate, chain, errors);
        if (tls.ClientCertificates.Length > 0)
        {
            handler.SslOptions.ClientCertificates =
                [.. tls.ClientCertificates.Select(c => (X509Certificate)ReadClient(c.Certificate, c.Key))];
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

    // .NET's own message names neither the certificate nor who issued it.
    private static UntrustedCertificateException Untrusted(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 leaf)
        {
            return new UntrustedCertificateException("the host showed no certificate");
        }

        var reason = errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch)
            ? $"is for {string.Join(", ", Names(leaf))}, not for this host"
            : $"is not trusted ({string.Join(", ", chain?.ChainStatus.Select(s => s.Status).Distinct() ?? [])})";
        return new UntrustedCertificateException(
            $"the certificate of {leaf.Subject}, issued by {leaf.Issuer}, valid to {leaf.NotAfter.ToUniversalTime():yyyy-MM-dd}, {reason}");
    }

    private static IEnumerable<string> Names(X509Certificate2 leaf)
    {
        var names = leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(n => n.EnumerateDnsNames().Concat(n.EnumerateIPAddresses().Select(a => a.ToString())));
        return names.DefaultIfEmpty("nobody");
    }

    private static X509Certificate2Collection Read(string path, string expected)
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
            throw new HyperkubeException(ErrorKind.Usage, $"{path}: {e.Message.TrimEnd('.')}; expected {expected}", e);
        }
    }

    private static X509Certificate2 ReadClient(string certificate, string? key)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(certificate, key);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new HyperkubeException(ErrorKind.Usage,
                $"{certificate}: {e.Message.TrimEnd('.')}; expected a certificate and its key, in PEM", e);
        }
    }
}

/// <summary>The far side's certificate is not to be trusted; the message says whose it is and who issued it.</summary>
internal sealed class UntrustedCertificateException(string message) : AuthenticationException(message);
