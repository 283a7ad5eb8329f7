using System.Text.Json;
using Hyperkube.Testing;

namespace Hyperkube.Cli.Tests.Commands;

/// <summary>Releases of a signed upstream: what is wrong with one stays with that one, and what is late is waited for.</summary>
public sealed class SignedReleaseTests : IAsyncLifetime
{
    private const string Half = "v1.35.0";

    private readonly Shell _shell = new();
    private readonly TestRegistry _registry = new();
    private readonly SkippingTime _time = new();
    private readonly SignedRelease _release;
    private readonly ReleaseSite _site;

    public SignedReleaseTests()
    {
        _release = new SignedRelease(_shell["signed"]);
        foreach (var version in (string[])["v1.34.1", Half, "v1.35.1"])
        {
            _release.Write(version);
        }

        File.WriteAllText(
            _shell["signed/release-notes-index.json"],
            JsonSerializer.Serialize(((string[])["v1.34.1", Half, "v1.35.1"]).ToDictionary(v => v, _ => "https://example.com")));
        _site = ReleaseSite.Start(_shell["signed"]);
        _shell.Time = _time;
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _site.DisposeAsync();
        await _registry.DisposeAsync();
        await _release.DisposeAsync();
        _shell.Dispose();
    }

    [Fact]
    public async Task A_broken_signature_is_that_releases_failure_and_ends_with_its_repair()
    {
        var (mine, other) = (PathOf(Half, "kubelet.sig"), PathOf("v1.35.1", "kubelet.sig"));
        var good = await File.ReadAllTextAsync(mine, Ct);
        File.Copy(other, mine, overwrite: true);

        var failed = (await RunAsync()).With(4);

        Assert.Equal("v1.35.1=published v1.35.0=failed v1.34.1=published", Actions(failed));
        var hint = failed.Json[1].GetProperty("error").GetProperty("hint").GetString()!;
        Assert.Null(_registry.Tag("hyperkube", Half));
        await File.WriteAllTextAsync(_shell["holds"], hint[hint.IndexOf(Half, StringComparison.Ordinal)..], Ct);
        Assert.Equal("v1.35.1=present v1.35.0=held v1.34.1=present", Actions((await RunAsync("--holds", _shell["holds"])).With(0)));
        await File.WriteAllTextAsync(mine, good, Ct);
        Assert.Equal("v1.35.1=present v1.35.0=published v1.34.1=present", Actions((await RunAsync("--holds", _shell["holds"])).With(0)));
    }

    // The list of the release decides too: a hold ends with its repair alone.
    [Theory]
    [InlineData("kubernetes-release.spdx")]
    [InlineData("kubernetes-release.spdx.sha256")]
    [InlineData("kubernetes-release.spdx.sig")]
    public async Task A_hold_ends_when_the_list_of_the_release_is_repaired(string file)
    {
        var path = _shell[$"signed/{Half}/{file}"];
        var good = await File.ReadAllBytesAsync(path, Ct);
        File.Copy(_shell[$"signed/v1.35.1/{file}"], path, overwrite: true);
        if (file.EndsWith(".spdx", StringComparison.Ordinal))
        {
            await File.AppendAllTextAsync(path, "Broken: yes\n", Ct);
        }

        var failed = (await RunAsync()).With(4);
        var hint = failed.Json[1].GetProperty("error").GetProperty("hint").GetString()!;
        await File.WriteAllTextAsync(_shell["holds"], hint[hint.IndexOf(Half, StringComparison.Ordinal)..], Ct);
        Assert.Equal("v1.35.1=present v1.35.0=held v1.34.1=present", Actions((await RunAsync("--holds", _shell["holds"])).With(0)));
        await File.WriteAllBytesAsync(path, good, Ct);

        Assert.Equal("v1.35.1=present v1.35.0=published v1.34.1=present", Actions((await RunAsync("--holds", _shell["holds"])).With(0)));
    }

    // Binaries first, signatures and list later: for some hours that is how it looks when nothing is wrong.
    [Theory]
    [InlineData("bin/linux/amd64/kubelet.sig", 5, 0, "pending")]
    [InlineData("bin/linux/arm64/kubectl.cert", 5, 0, "pending")]
    [InlineData("kubernetes-release.spdx.sha256", 5, 0, "pending")]
    [InlineData("kubernetes-release.spdx.sig", 5, 0, "pending")]
    [InlineData("bin/linux/amd64/kubelet.sig", 7, 4, "failed")]
    [InlineData("bin/linux/amd64/kubelet.sig", null, 4, "failed")] // A source without times: nobody knows.
    [InlineData("bin/linux/amd64/kubelet.sig", -48, 4, "failed")] // Of the day after tomorrow.
    [InlineData("kubernetes-release.spdx.sha256", 7, 0, "published")] // It is not to come: the source alone says the version.
    public async Task What_is_not_there_yet_is_pending_for_some_hours(string late, int? hours, int code, string action)
    {
        var path = _shell[$"signed/{Half}/{late}"];
        File.Move(path, _shell["late"]);
        var written = TimeProvider.System.GetUtcNow() - TimeSpan.FromHours(hours ?? 0);
        _site.Intercept = r => hours is not null && r.Path.StartsWith(Half, StringComparison.Ordinal) && File.Exists(_shell[$"signed/{r.Path}"])
            ? SiteAnswer.Part(File.ReadAllBytes(_shell[$"signed/{r.Path}"]), r.Header("Range")).With("Last-Modified", $"{written:R}")
            : null;

        var ended = (await RunAsync()).With(code);

        Assert.Equal($"v1.35.1=published v1.35.0={action} v1.34.1=published", Actions(ended));
        if (action == "pending")
        {
            Assert.Equal(0, _site.BytesFor("v1.35.0/bin/linux/amd64/kubelet")); // Nothing large before all is there.
            File.Move(_shell["late"], path);
            Assert.Equal("v1.35.1=present v1.35.0=published v1.34.1=present", Actions((await RunAsync()).With(0)));
        }
    }

    // Carried by hand: the files, and a list of what they are.
    [Fact]
    public async Task A_fenced_site_publishes_what_was_fetched_outside()
    {
        (await _shell.RunAsync(["fetch", Half, "--source", $"{_site.Url}", "--to", _shell["media"], "--verify", "signature", .. _release.BuildWords])).With(0);
        await File.WriteAllTextAsync(_shell["media/versions"], $"{Half}\n", Ct);
        await _site.DisposeAsync();

        var ended = (await _shell.RunAsync(
            "release", $"{_registry.Url.Authority}/hyperkube", "--source", _shell["media"], "--versions", _shell["media/versions"], "--minimum", "v1.30.0",
            "--trusted-root", _release.TrustedRoot, "--rekor-url", "http://127.0.0.1:1", "--cache", _shell["inside"], "--format", "json")).With(0);

        Assert.Equal("v1.35.0=published", Actions(ended));
        (await _shell.RunAsync("verify", $"{_registry.Url.Authority}/hyperkube:{Half}", "--trusted-root", _release.TrustedRoot)).With(0);
    }

    private string PathOf(string version, string file) => _shell[$"signed/{version}/bin/linux/amd64/{file}"];

    private Task<Ended> RunAsync(params string[] words) => _shell.RunAsync(
        [
            "release", $"{_registry.Url.Authority}/hyperkube", "--source", $"{_site.Url}", "--minimum", "v1.30.0", "--format", "json",
            .. _release.BuildWords, .. words,
        ]);

    private static string Actions(Ended ended) =>
        string.Join(' ', ended.Json.EnumerateArray().Select(e => $"{e.GetProperty("version")}={e.GetProperty("action")}"));
}
