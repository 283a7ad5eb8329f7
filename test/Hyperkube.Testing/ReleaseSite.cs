using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hyperkube.Testing;

/// <summary>A download site on loopback: serves a directory as dl.k8s.io serves a release, with closed ranges and
/// without ETag, and misbehaves as a test tells it to.</summary>
public sealed class ReleaseSite : IAsyncDisposable
{
    private const int MaxHeaderBytes = 16 * 1024;

    private readonly TcpListener _listener = new(IPAddress.Loopback, port: 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<Served> _served = [];
    private readonly string _directory;
    private readonly X509Certificate2? _certificate;
    private readonly Task _accepting;

    private ReleaseSite(string directory, X509Certificate2? certificate)
    {
        _directory = Path.GetFullPath(directory);
        _certificate = certificate;
        _listener.Start();
        var port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        Url = new Uri($"{(certificate is null ? "http" : "https")}://127.0.0.1:{port}/release");
        _accepting = AcceptAsync();
    }

    /// <summary>The root of the releases.</summary>
    public Uri Url { get; }

    /// <summary>What was asked and answered so far, in the order in which answers began. A client that has an
    /// answer, or waits for one that does not come, finds its request here.</summary>
    public IReadOnlyList<ServedRequest> Requests => [.. _served.Select(s => new ServedRequest(s.Request, s.Status, s.BodyBytes))];

    /// <summary>Answers instead of the directory where it does not answer null. The path is below <see cref="Url"/>,
    /// without a slash in front.</summary>
    public Func<SiteRequest, SiteAnswer?> Intercept { get; set; } = _ => null;

    public static ReleaseSite Start(string directory, X509Certificate2? certificate = null) => new(directory, certificate);

    /// <summary>Body bytes sent for paths that end so.</summary>
    public long BytesFor(string pathEnd) =>
        Requests.Where(s => s.Request.Path.EndsWith(pathEnd, StringComparison.Ordinal)).Sum(s => s.BodyBytes);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stop.Dispose();
    }

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
        using (client)
        {
            client.NoDelay = true;
            try
            {
                Stream stream = client.GetStream();
                if (_certificate is not null)
                {
                    SslStream tls = new(stream);
                    await tls.AuthenticateAsServerAsync(
                        new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _stop.Token);
                    stream = tls;
                }

                await using (stream)
                {
                    while (await ReadRequestAsync(stream) is { } request)
                    {
                        var answer = Intercept(request) ?? FromDirectory(request);
                        if (!await AnswerAsync(stream, request, answer))
                        {
                            return;
                        }
                    }
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException
                or System.Security.Authentication.AuthenticationException or ObjectDisposedException)
            {
                // The client went away, or the test is over.
            }
        }
    }

    private async Task<SiteRequest?> ReadRequestAsync(Stream stream)
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
                var lines = Encoding.ASCII.GetString(buffer, 0, length).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
                var words = lines[0].Split(' ');
                var path = words[1];
                var root = Url.AbsolutePath + "/";
                return new SiteRequest(
                    words[0],
                    path.StartsWith(root, StringComparison.Ordinal) ? path[root.Length..] : path,
                    lines.Skip(1).Select(l => l.Split(": ", 2)).ToImmutableDictionary(h => h[0], h => h[1], StringComparer.OrdinalIgnoreCase));
            }
        }

        return null;
    }

    private SiteAnswer FromDirectory(SiteRequest request)
    {
        var path = Path.GetFullPath(Path.Combine(_directory, request.Path));
        if (!path.StartsWith(_directory + "/", StringComparison.Ordinal) || !File.Exists(path))
        {
            return SiteAnswer.Text("Not Found", 404);
        }

        var content = File.ReadAllBytes(path);
        if (request.Header("Range") is not { } range)
        {
            return new SiteAnswer { Body = content };
        }

        var ends = range["bytes=".Length..].Split('-');
        var from = long.Parse(ends[0], CultureInfo.InvariantCulture);
        var to = Math.Min(long.Parse(ends[1], CultureInfo.InvariantCulture), content.Length - 1); // Open ranges are refused by some: closed ones only.
        return from >= content.Length
            ? new SiteAnswer { Status = 416, Headers = Header("Content-Range", $"bytes */{content.Length}") }
            : new SiteAnswer
            {
                Status = 206,
                Headers = Header("Content-Range", $"bytes {from}-{to}/{content.Length}"),
                Body = content.AsMemory((int)from, (int)(to - from + 1)),
            };
    }

    private static ImmutableDictionary<string, string> Header(string name, string value) =>
        ImmutableDictionary<string, string>.Empty.Add(name, value);

    // True when the connection can take another request.
    private async Task<bool> AnswerAsync(Stream stream, SiteRequest request, SiteAnswer answer)
    {
        Served served = new(request, answer.Status);
        _served.Enqueue(served);
        if (answer.Silent)
        {
            await Task.Delay(Timeout.Infinite, _stop.Token);
        }

        StringBuilder head = new();
        head.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {answer.Status} {(HttpStatusCode)answer.Status}\r\n");
        foreach (var (name, value) in answer.Headers)
        {
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }

        var closes = answer.UntilClose || answer.Endless || answer.CutAfter is not null || answer.SaidLength is not null;
        if (!answer.UntilClose && !(answer.Endless && answer.SaidLength is null))
        {
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {answer.SaidLength ?? answer.Body.Length}\r\n");
        }

        head.Append(closes ? "Connection: close\r\n\r\n" : "\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head.ToString()), _stop.Token);
        await SendBodyAsync(stream, answer, served);
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
                await Task.Delay(pause, _stop.Token);
            }
        }

        var zeros = new byte[64 * 1024];
        while (answer.Endless)
        {
            served.BodyBytes += zeros.Length;
            await stream.WriteAsync(zeros, _stop.Token);
        }

        await stream.FlushAsync(_stop.Token);
    }

    private sealed class Served(SiteRequest request, int status)
    {
        private long _bodyBytes;

        internal SiteRequest Request => request;

        internal int Status => status;

        internal long BodyBytes
        {
            get => Interlocked.Read(ref _bodyBytes);
            set => Interlocked.Exchange(ref _bodyBytes, value);
        }
    }
}
