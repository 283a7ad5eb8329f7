using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hyperkube.E2E.Peers;

/// <summary>A host on loopback that answers from a table and tells everybody's requests to one record.</summary>
/// <remarks>Over plain HTTP it answers a TLS greeting as servers do: in plain text.</remarks>
internal sealed class RecordedHost : IAsyncDisposable
{
    private const byte TlsHandshake = 0x16;

    private readonly TcpListener _listener = new(IPAddress.Loopback, port: 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly string _name;
    private readonly X509Certificate2? _certificate;
    private readonly Func<string, RecordedAnswer> _answer;
    private readonly Action<string> _record;
    private readonly Task _serving;

    /// <summary>Starts it.</summary>
    /// <param name="name">How the record calls it.</param>
    /// <param name="certificate">Null for plain HTTP.</param>
    /// <param name="answer">By the path, without the query.</param>
    /// <param name="record">Is told each request as one line.</param>
    internal RecordedHost(string name, X509Certificate2? certificate, Func<string, RecordedAnswer> answer, Action<string> record)
    {
        (_name, _certificate, _answer, _record) = (name, certificate, answer, record);
        _listener.Start();
        Authority = $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
        _serving = ServeAsync();
    }

    internal string Authority { get; }

    internal bool HasTls => _certificate is not null;

    /// <summary>How a record's line is written.</summary>
    internal static string Line(string method, string url, IEnumerable<string> marks, bool showsCertificate) =>
        $"{method} {url}{string.Concat(marks.Select(m => $" x-mark={m}"))}{(showsCertificate ? " certificate" : "")}";

    /// <summary>How a TLS greeting is written that nobody there understands.</summary>
    internal static string Greeting(string host) => $"TLS {host}";

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _serving;
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        List<Task> connections = [];
        try
        {
            while (true)
            {
                connections.Add(AnswerAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }

        await Task.WhenAll(connections);
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var first = new byte[1];
                _ = await client.Client.ReceiveAsync(first, SocketFlags.Peek, _stop.Token);
                if (first[0] == TlsHandshake && _certificate is null)
                {
                    _record(Greeting(_name));
                    await client.Client.SendAsync("HTTP/1.0 400 Bad Request\r\n\r\n"u8.ToArray(), _stop.Token);
                    return;
                }

                await using Stream plain = client.GetStream();
                if (_certificate is null)
                {
                    await AnswerAsync(plain, showsCertificate: false);
                    return;
                }

                await using SslStream tls = new(plain);
#pragma warning disable CA5359 // Whoever shows a certificate, or none, is recorded and let in.
                await tls.AuthenticateAsServerAsync(
                    new SslServerAuthenticationOptions
                    {
                        ServerCertificate = _certificate,
                        ClientCertificateRequired = true,
                        RemoteCertificateValidationCallback = (_, _, _, _) => true,
                    }, _stop.Token);
#pragma warning restore CA5359
                await AnswerAsync(tls, tls.RemoteCertificate is not null);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or AuthenticationException)
            {
                // The client went away, or the test is over.
            }
        }
    }

    private async Task AnswerAsync(Stream stream, bool showsCertificate)
    {
        using StreamReader reader = new(stream, Encoding.ASCII, leaveOpen: true);
        if ((await reader.ReadLineAsync(_stop.Token))?.Split(' ') is not [var method, var target, _])
        {
            return;
        }

        List<string> marks = [];
        while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 } header)
        {
            if (header.StartsWith("x-mark:", StringComparison.OrdinalIgnoreCase))
            {
                marks.Add(header["x-mark:".Length..].Trim());
            }
        }

        _record(Line(method, $"{(HasTls ? "https" : "http")}://{_name}{target}", marks, showsCertificate));
        var answer = _answer(target.Split('?')[0]);
        var head = $"HTTP/1.1 {answer.Status} X\r\nContent-Length: {answer.Body.Length}\r\nContent-Type: {answer.MediaType}\r\n"
            + (answer.Digest is null ? "" : $"Docker-Content-Digest: {answer.Digest}\r\n") + "Connection: close\r\n\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head), _stop.Token);
        await stream.WriteAsync(method == "HEAD" ? ReadOnlyMemory<byte>.Empty : answer.Body, _stop.Token);
        await stream.FlushAsync(_stop.Token);
    }
}

/// <summary>An answer of a recorded host.</summary>
internal sealed record RecordedAnswer(int Status, ReadOnlyMemory<byte> Body, string MediaType, string? Digest)
{
    internal static RecordedAnswer Nothing(int status) => new(status, ReadOnlyMemory<byte>.Empty, "text/plain", Digest: null);
}
