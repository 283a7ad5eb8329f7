using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Peers;

/// <summary>A real browser without a window, driven by its own protocol.</summary>
/// <remarks>Source: https://chromedevtools.github.io/devtools-protocol/</remarks>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TempDirectory _profile = new();
    private readonly ClientWebSocket _socket = new();
    private readonly RunningProgram _program;
    private readonly List<string> _complaints = [];
    private int _number;

    private Browser() => _program = RunningProgram.Start(
        "chromium",
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", $"--user-data-dir={_profile["profile"]}",
            "about:blank",
        ],
        new Dictionary<string, string> { ["HOME"] = _profile.Path });

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>What it has found wrong with the page: errors of scripts, what the page's own policy forbids.</summary>
    internal IReadOnlyList<string> Complaints => _complaints;

    internal static async Task<Browser> OpenAsync(string file, bool withScripts = true)
    {
        Machine.Needs("chromium");
        Browser browser = new();
        try
        {
            await browser.ConnectAsync();
            await browser.CallAsync("Log.enable", "{}");
            await browser.CallAsync("Runtime.enable", "{}");
            await browser.CallAsync("Emulation.setScriptExecutionDisabled", JsonSerializer.Serialize(new { value = !withScripts }));
            await browser.CallAsync("Page.navigate", JsonSerializer.Serialize(new { url = $"file://{file}" }));
            await browser.UntilAsync("document.readyState === 'complete' && location.protocol === 'file:'");
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    /// <summary>What a line of script evaluates to, as text.</summary>
    internal async Task<string> EvaluateAsync(string expression)
    {
        var answer = await CallAsync("Runtime.evaluate", JsonSerializer.Serialize(new { expression, returnByValue = true, awaitPromise = true, userGesture = true }));
        Assert.False(answer.TryGetProperty("exceptionDetails", out var failure), failure.ToString());
        return answer.GetProperty("result").TryGetProperty("value", out var value) ? value.ToString() : "";
    }

    /// <summary>Clicks in the middle of an element, as a hand does.</summary>
    internal async Task ClickAsync(string selector)
    {
        var at = await EvaluateAsync($$"""
            (() => { const e = document.querySelector({{JsonSerializer.Serialize(selector)}}); e.scrollIntoView({block: "center"});
            const b = e.getBoundingClientRect(); return (b.x + b.width / 2) + " " + (b.y + b.height / 2); })()
            """);
        var (x, y) = (double.Parse(at.Split(' ')[0], CultureInfo.InvariantCulture), double.Parse(at.Split(' ')[1], CultureInfo.InvariantCulture));
        foreach (var type in (string[])["mousePressed", "mouseReleased"])
        {
            await CallAsync("Input.dispatchMouseEvent", JsonSerializer.Serialize(new { type, x, y, button = "left", clickCount = 1 }));
        }
    }

    /// <summary>Types where the cursor is.</summary>
    internal Task TypeAsync(string text) => CallAsync("Input.insertText", JsonSerializer.Serialize(new { text }));

    internal Task ResizeAsync(int width, int height) => CallAsync(
        "Emulation.setDeviceMetricsOverride", JsonSerializer.Serialize(new { width, height, deviceScaleFactor = 1, mobile = width < 600 }));

    internal async Task UntilAsync(string expression)
    {
        for (var left = Patience; await EvaluateAsync(expression) != "True"; left -= TimeSpan.FromMilliseconds(50))
        {
            Assert.True(left > TimeSpan.Zero, $"never: {expression}");
            await Task.Delay(50, Ct);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        if (!_program.HasEnded)
        {
            _ = await _program.EndAsync("TERM");
        }

        _program.Dispose();
        _profile.Dispose();
    }

    // It writes where it listens into its profile.
    private async Task ConnectAsync()
    {
        var file = _profile["profile/DevToolsActivePort"];
        for (var left = Patience; !File.Exists(file) || (await File.ReadAllLinesAsync(file, Ct)).Length < 2; left -= TimeSpan.FromMilliseconds(50))
        {
            Assert.True(left > TimeSpan.Zero && !_program.HasEnded, "the browser does not start");
            await Task.Delay(50, Ct);
        }

        var port = (await File.ReadAllLinesAsync(file, Ct))[0];
        using HttpClient http = new(new SocketsHttpHandler());
        using var pages = JsonDocument.Parse(await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/json/list"), Ct));
        var page = pages.RootElement.EnumerateArray().First(p => p.GetProperty("type").GetString() == "page");
        await _socket.ConnectAsync(new Uri(page.GetProperty("webSocketDebuggerUrl").GetString()!), Ct);
    }

    private async Task<JsonElement> CallAsync(string method, string parameters)
    {
        var id = ++_number;
        await _socket.SendAsync(
            Encoding.UTF8.GetBytes($$"""{"id":{{id}},"method":"{{method}}","params":{{parameters}}}"""), WebSocketMessageType.Text, endOfMessage: true, Ct);
        while (true)
        {
            var message = await ReceiveAsync();
            if (message.TryGetProperty("id", out var answered) && answered.GetInt32() == id)
            {
                Assert.True(message.TryGetProperty("result", out var result), message.ToString());
                return result;
            }

            if (message.TryGetProperty("method", out var name) && name.GetString() is "Log.entryAdded" or "Runtime.exceptionThrown")
            {
                _complaints.Add(message.GetProperty("params").ToString());
            }
        }
    }

    private async Task<JsonElement> ReceiveAsync()
    {
        using CancellationTokenSource deadline = new(Patience);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, Ct);
        using MemoryStream message = new();
        var buffer = new byte[64 << 10];
        while (true)
        {
            var part = await _socket.ReceiveAsync(buffer.AsMemory(), either.Token);
            await message.WriteAsync(buffer.AsMemory(0, part.Count), either.Token);
            if (part.EndOfMessage)
            {
                using var json = JsonDocument.Parse(message.ToArray());
                return json.RootElement.Clone();
            }
        }
    }
}
