using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hyperkube.Testing;

/// <summary>HTTP/1.1 on loopback, with bodies in both directions and connections that stay; what is answered is somebody else's.</summary>
public abstract class LoopbackServer : IAsyncDisposable
{
    private const int MaxHeaderBytes = 64 * 1024;
    private const byte TlsHandshake = 0x16;

    private readonly TcpListener _listener = new(IPAddress.Loopback, port: 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<Served> _served = [];
    private readonly X509Certificate2? _certificate;
    private readonly Task _accepting;
    private int _calls = -1;

    /// <param name="certificate">With its key, for TLS; null for plain HTTP.</param>
    /// <param name="path">Below what it serves.</param>
    protected LoopbackServer(X509Certificate2? certificate, string path = "")
    {
        _certificate = certificate;
        _listener.Start();
        Url = new Uri($"{(certificate is null ? "http" : "https")}://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/{path}");
        _accepting = AcceptAsync();
    }

    /// <summary>The root of what it serves.</summary>
    public Uri Url { get; }

    /// <summary>What was asked and answered so far, in the order in which answers began.</summary>
    public IReadOnlyList<ServedCall> Traffic => [.. _served.Select(s => new ServedCall(s.Call, s.Status, s.BodyBytes))];

    /// <summary>What was asked so far.</summary>
    public IReadOnlyList<RegistryCall> Calls => [.. _served.Select(s => s.Call)];

    /// <summary>How much of a request's body is read before the connection is cut; null for all of it.</summary>
    public Func<RegistryCall, long?> CutUpload { get; set; } = _ => null;

    /// <summary>Answers before the body is read, where it does not answer null; the body is then read and thrown away, unless
    /// the client had asked or <see cref="HangsUpEarly"/>.</summary>
    public Func<RegistryCall, SiteAnswer?> AnswerEarly { get; set; } = _ => null;

    /// <summary>Whether the connection is closed after an early answer, with the body unread.</summary>
    public bool HangsUpEarly { get; set; }

    /// <summary>What it says, where it has a certificate, to those who talk plain HTTP; Go's words unless told.</summary>
    public string ToPlainHttp { get; set; } =
        "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

    /// <summary>Whether <c>Expect: 100-continue</c> is heeded.</summary>
    public bool HeedsExpect { get; set; } = true;

    public async ValueTask DisposeAsync()
    {
        if (!_accepting.IsCompleted)
        {
            await _stop.CancelAsync();
            _listener.Dispose();
            await _accepting;
            _stop.Dispose();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>The answer to a call whose body is there.</summary>
    protected abstract SiteAnswer Answer(RegistryCall asked);

    /// <summary>A call whose body broke off.</summary>
    protected abstract void TakePart(RegistryCall asked);

    private async Task AcceptAsync()
    {
        List<Task> connections = [];
        try
        {
            while (true)
            {
                connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // The test is over.
        }

        await Task.WhenAll(connections);
    }

    private async Task ServeAsync(TcpClient client)
    {
        await Task.Yield();
        using (client)
        {
            client.NoDelay = true;
            try
            {
                Stream network = client.GetStream();
                var first = new byte[1];
                await client.Client.ReceiveAsync(first, SocketFlags.Peek, _stop.Token);
                if (first[0] == TlsHandshake != _certificate is not null)
                {
                    await network.WriteAsync(Encoding.Latin1.GetBytes(_certificate is null ? "" : ToPlainHttp), _stop.Token);
                    return;
                }

                if (_certificate is not null)
                {
                    SslStream tls = new(network);
                    await tls.AuthenticateAsServerAsync(
                        new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _stop.Token);
                    network = tls;
                }

                // Only what is read is buffered: such a stream refuses to be written while there is more to read.
                await using BufferedStream buffered = new(network, 64 * 1024);
                while (await ReadHeadAsync(buffered) is { } call && await ServeAsync(buffered, network, call))
                {
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException
                or System.Security.Authentication.AuthenticationException or ObjectDisposedException)
            {
                // The client went away, or the test is over.
            }
        }
    }

    // True when the connection can take another call.
    private async Task<bool> ServeAsync(BufferedStream incoming, Stream outgoing, RegistryCall call)
    {
        var early = AnswerEarly(call);
        var length = call.Header("Content-Length") is { } said ? long.Parse(said, CultureInfo.InvariantCulture) : 0;
        var asks = HeedsExpect && call.Header("Expect") == "100-continue";
        if (early is not null && (asks || HangsUpEarly))
        {
            await AnswerAsync(outgoing, call, early);
            return false;
        }

        if (asks)
        {
            await outgoing.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), _stop.Token);
            await outgoing.FlushAsync(_stop.Token);
        }

        var cut = CutUpload(call);
        call.Body = await ReadBodyAsync(incoming, Math.Min(length, cut ?? long.MaxValue));
        if (cut < length || call.Body.Length < length)
        {
            TakePart(call);
            _served.Enqueue(new Served(call, status: 0));
            return false;
        }

        return await AnswerAsync(outgoing, call, early ?? Answer(call));
    }

    private async Task<byte[]> ReadBodyAsync(Stream stream, long length)
    {
        var body = new byte[length];
        var count = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, _stop.Token);
        return count == length ? body : body[..count];
    }

    private async Task<RegistryCall?> ReadHeadAsync(BufferedStream stream)
    {
        var buffer = new byte[MaxHeaderBytes];
        for (var length = 0; length < buffer.Length;)
        {
            var count = await stream.ReadAsync(buffer.AsMemory(length, 1), _stop.Token);
            if (count == 0)
            {
                return null;
            }

            length += count;
            if (buffer.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
            {
                var lines = Encoding.Latin1.GetString(buffer, 0, length).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
                var words = lines[0].Split(' ');
                var target = words[1].Split('?', 2);
                var headers = lines.Skip(1).Select(l => l.Split(':', 2))
                    .GroupBy(h => h[0], h => h[1].Trim(), StringComparer.OrdinalIgnoreCase)
                    .ToImmutableDictionary(g => g.Key, g => string.Join(", ", g), StringComparer.OrdinalIgnoreCase);
                return new RegistryCall(words[0], target[0], target.Length > 1 ? target[1] : "", headers)
                {
                    Number = Interlocked.Increment(ref _calls),
                };
            }
        }

        return null;
    }

    private async Task<bool> AnswerAsync(Stream stream, RegistryCall call, SiteAnswer answer)
    {
        Served served = new(call, answer.Status);
        _served.Enqueue(served);
        if (answer.Silent)
        {
            await Task.Delay(Timeout.Infinite, _stop.Token);
        }

        var isBodiless = call.Method == "HEAD" || answer.Status is 204 or 304;
        var closes = !isBodiless
            && (answer.UntilClose || answer.Endless || answer.Stalls || (answer.CutAfter ?? answer.SaidLength) is not null);
        StringBuilder head = new();
        head.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {answer.Status} {(HttpStatusCode)answer.Status}\r\n");
        foreach (var (name, values) in answer.Headers)
        {
            foreach (var value in values.Split('\n'))
            {
                head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
            }
        }

        if (answer.Status != 204 && !answer.UntilClose && !(answer.Endless && answer.SaidLength is null))
        {
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {answer.SaidLength ?? answer.Body.Length}\r\n");
        }

        head.Append(closes ? "Connection: close\r\n\r\n" : "\r\n");
        await stream.WriteAsync(Encoding.Latin1.GetBytes(head.ToString()), _stop.Token);
        if (!isBodiless)
        {
            await SendBodyAsync(stream, answer, served);
        }

        await stream.FlushAsync(_stop.Token);
        return !closes;
    }

    // Bytes are counted before they are sent, so that a client that has them all finds them counted.
    private async Task SendBodyAsync(Stream stream, SiteAnswer answer, Served served)
    {
        var body = answer.Body[..Math.Min(answer.CutAfter ?? int.MaxValue, answer.Body.Length)];
        var step = answer.Drip is null ? 64 * 1024 : 1;
        for (var at = 0; at < body.Length; at += step)
        {
            served.BodyBytes = Math.Min(at + step, body.Length);
            await stream.WriteAsync(body[at..Math.Min(at + step, body.Length)], _stop.Token);
            if (answer.Drip is { } pause)
            {
                await stream.FlushAsync(_stop.Token);
                await Task.Delay(pause, _stop.Token);
            }
        }

        await stream.FlushAsync(_stop.Token);
        var zeros = new byte[64 * 1024];
        while (answer.Endless)
        {
            served.BodyBytes += zeros.Length;
            await stream.WriteAsync(zeros, _stop.Token);
        }

        if (answer.Stalls)
        {
            await Task.Delay(Timeout.Infinite, _stop.Token);
        }
    }

    private sealed class Served(RegistryCall call, int status)
    {
        private long _bodyBytes;

        internal RegistryCall Call => call;

        internal int Status => status;

        internal long BodyBytes
        {
            get => Interlocked.Read(ref _bodyBytes);
            set => Interlocked.Exchange(ref _bodyBytes, value);
        }
    }
}
