using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hyperkube.Oci.Tests.Fixtures;

/// <summary>Answers each request on loopback with what it is told to, and closes the connection.</summary>
internal sealed class TinyServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _serving;

    /// <param name="answer">From the head of a request to the bytes of the answer.</param>
    /// <param name="certificate">With its key, for TLS; null for plain HTTP.</param>
    /// <param name="clientAuthority">Who must have issued the client's certificate; null when none is wanted.</param>
    public TinyServer(
        Func<string, string> answer, X509Certificate2? certificate = null, X509Certificate2? clientAuthority = null)
    {
        _listener.Start();
        _serving = ServeAsync(answer, certificate, clientAuthority);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _serving;
    }

    private async Task ServeAsync(Func<string, string> answer, X509Certificate2? certificate, X509Certificate2? clientAuthority)
    {
        while (true)
        {
            try
            {
                using var client = await _listener.AcceptTcpClientAsync();
                await using var stream = await OpenAsync(client, certificate, clientAuthority);
                await stream.WriteAsync(Encoding.ASCII.GetBytes(answer(await HeadAsync(stream))));
            }
            catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
            {
                // A client that does not like what it sees hangs up.
            }
            catch (Exception e) when (e is SocketException or InvalidOperationException) // Disposed of.
            {
                return;
            }
        }
    }

    private static async Task<Stream> OpenAsync(TcpClient client, X509Certificate2? certificate, X509Certificate2? clientAuthority)
    {
        if (certificate is null)
        {
            return client.GetStream();
        }

        SslStream secure = new(client.GetStream());
        await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificate = certificate,
            ClientCertificateRequired = clientAuthority is not null,
            RemoteCertificateValidationCallback = (_, shown, _, _) =>
                clientAuthority is null || (shown is not null && shown.Issuer == clientAuthority.Subject),
        });
        return secure;
    }

    private static async Task<string> HeadAsync(Stream stream)
    {
        StringBuilder head = new();
        var buffer = new byte[4096];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            var count = await stream.ReadAsync(buffer);
            if (count == 0)
            {
                break;
            }

            head.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }

        return head.ToString();
    }
}
