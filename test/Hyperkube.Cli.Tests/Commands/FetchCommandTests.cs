using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.Cli.Tests.Commands;

public sealed class FetchCommandTests : IAsyncDisposable
{
    private readonly Shell _shell = new();
    private readonly ReleaseSite _site;

    public FetchCommandTests() => _site = ReleaseSite.Start(_shell.Tree);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Kubelet => ReleaseTree.PathOf(_shell["to"], Shell.Version, new Platform("linux", "amd64"), "kubelet");

    public async ValueTask DisposeAsync()
    {
        await _site.DisposeAsync();
        _shell.Dispose();
    }

    [Fact]
    public async Task Every_file_arrives_with_its_checksums_and_can_run()
    {
        var json = (await FetchAsync("--format", "json")).With(0).Json;

        Assert.Equal("version directory files", string.Join(' ', json.EnumerateObject().Select(p => p.Name)));
        Assert.Equal(_shell["to"], json.GetProperty("directory").GetString());
        Assert.Equal(4, json.GetProperty("files").GetArrayLength());
        foreach (var file in json.GetProperty("files").EnumerateArray())
        {
            Assert.Equal("platform name path sha256 size verified action versionProof", string.Join(' ', file.EnumerateObject().Select(p => p.Name)));
            Assert.Equal("fetched", file.GetProperty("action").GetString());
            var path = file.GetProperty("path").GetString()!;
            Assert.Equal("755", Convert.ToString((int)File.GetUnixFileMode(path), 8));
            Assert.Equal(Digest.Of(await File.ReadAllBytesAsync(path, Ct)).Hex, await File.ReadAllTextAsync($"{path}.sha256", Ct));
        }

        Assert.Equal(
            _shell.Files.Where(f => f.StartsWith("tree/", StringComparison.Ordinal)).Select(f => f["tree/".Length..]).ToList(),
            _shell.Files.Where(f => f.StartsWith("to/", StringComparison.Ordinal)).Select(f => f["to/".Length..]).ToList(),
            StringComparer.Ordinal);
    }

    [Fact]
    public async Task What_was_fetched_builds_the_same_image_as_the_site()
    {
        (await FetchAsync()).With(0);

        var fromSite = (await BuildAsync(_site.Url.ToString(), "one")).GetProperty("digest").GetString();
        var fromDirectory = (await BuildAsync(_shell["to"], "two")).GetProperty("digest").GetString();

        Assert.Equal(fromSite, fromDirectory);
    }

    [Fact]
    public async Task A_second_time_all_is_present_and_no_file_is_downloaded()
    {
        (await FetchAsync()).With(0);
        var before = _site.Requests.Count;

        var ended = (await FetchAsync("--format", "json")).With(0);

        Assert.All(ended.Json.GetProperty("files").EnumerateArray(), f => Assert.Equal("present", f.GetProperty("action").GetString()));
        Assert.All(_site.Requests.Skip(before), r => Assert.Contains(".sha", r.Request.Path, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("damaged")]
    [InlineData("")]
    [InlineData(null)]
    public async Task A_file_that_is_damaged_or_gone_is_healed(string? content)
    {
        (await FetchAsync()).With(0);
        Directory.Delete(_shell["cache"], recursive: true);
        File.Delete(Kubelet);
        if (content is not null)
        {
            await File.WriteAllTextAsync(Kubelet, content, Ct);
        }

        var ended = (await FetchAsync("--format", "json")).With(0);

        Assert.Equal(
            "fetched present present present",
            string.Join(' ', ended.Json.GetProperty("files").EnumerateArray().Select(f => f.GetProperty("action"))));
        Assert.Equal(await File.ReadAllTextAsync($"{Kubelet}.sha256", Ct), Digest.Of(await File.ReadAllBytesAsync(Kubelet, Ct)).Hex);
    }

    [Fact]
    public async Task A_damaged_checksum_file_is_healed_too()
    {
        (await FetchAsync()).With(0);
        await File.WriteAllTextAsync($"{Kubelet}.sha512", "damaged", Ct);

        (await FetchAsync()).With(0);

        await BuildAsync(_shell["to"], "layout");
    }

    [Fact]
    public async Task A_directory_can_be_fetched_from_another()
    {
        var ended = (await _shell.RunAsync("fetch", Shell.Version, "--source", _shell.Tree, "--to", _shell["to"])).With(0);

        Assert.Contains($"hyperkube build v1.36.4 --source {_shell["to"]}", ended.Out, StringComparison.Ordinal);
        Assert.True(File.Exists(Kubelet));
    }

    [Fact]
    public async Task A_directory_can_be_fetched_into_itself() =>
        (await _shell.RunAsync("fetch", Shell.Version, "--source", _shell.Tree, "--to", _shell.Tree)).With(0);

    [Fact]
    public async Task A_marker_is_fetched_as_the_version_that_it_stands_for()
    {
        await File.WriteAllTextAsync(_shell["tree/stable.txt"], "v1.36.4\n", Ct);

        (await _shell.RunAsync("fetch", "stable", "--source", _site.Url.ToString(), "--to", _shell["to"])).With(0);

        Assert.True(File.Exists(Kubelet));
    }

    [Fact]
    public async Task A_release_that_is_not_there_yet_is_3_with_the_hint_to_retry()
    {
        var ended = (await _shell.RunAsync("fetch", "v1.99.0", "--source", _site.Url.ToString(), "--to", _shell["to"])).With(3);

        Assert.Contains("try again later", ended.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_bytes_are_4_and_leave_nothing_in_the_directory()
    {
        _site.Intercept = request =>
            request.Path.EndsWith("/kubectl", StringComparison.Ordinal) ? SiteAnswer.Text("<html>") : null;

        (await FetchAsync("--jobs", "1")).With(4);

        Assert.DoesNotContain(
            _shell.Files, f => f.StartsWith("to/", StringComparison.Ordinal) && f.Contains("kubectl", StringComparison.Ordinal));
    }

    // Upstream publishes kubectl for these too, but neither can what it publishes be checked nor an image be built of it.
    [Theory]
    [InlineData("linux/riscv64")]
    [InlineData("darwin/arm64")]
    [InlineData("windows/amd64")]
    [InlineData("linux/arm64/v8")]
    public async Task A_platform_that_cannot_be_checked_is_refused_before_anything_is_asked(string platform)
    {
        (await FetchAsync("--platform", platform)).With(2);

        Assert.Empty(_site.Requests);
    }

    [Fact]
    public async Task A_redirect_to_an_unknown_host_is_2_and_names_the_flag_that_allows_it()
    {
        await using var other = ReleaseSite.Start(_shell.Tree);
        _site.Intercept = request => SiteAnswer.Redirect($"http://localhost:{other.Url.Port}/release/{request.Path}");

        var refused = (await FetchAsync()).With(2);
        Assert.Contains("--allow-redirect localhost", refused.Hint, StringComparison.Ordinal);

        (await FetchAsync("--allow-redirect", "localhost")).With(0);
    }

    [Fact]
    public async Task Credentials_in_the_URL_are_2_and_never_shown()
    {
        var ended = (await _shell.RunAsync(
            "fetch", Shell.Version, "--source", "https://ann:hunter2@mirror.example/release", "--to", _shell["to"], "-v",
            "--format", "json")).With(2);

        Assert.DoesNotContain("hunter2", ended.Out + ended.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ftp://mirror.example/release")]
    [InlineData("file:///media/usb")]
    [InlineData("https://")]
    [InlineData("://")]
    public async Task A_URL_that_is_none_of_a_site_is_2(string source) =>
        (await _shell.RunAsync("fetch", Shell.Version, "--source", source, "--to", _shell["to"])).With(2);

    [Fact]
    public async Task A_site_with_a_certificate_of_ones_own_authority_needs_the_flag()
    {
        using TestAuthority authority = new();
        await File.WriteAllTextAsync(_shell["ca.pem"], authority.Pem, Ct);
        await using var secure = ReleaseSite.Start(_shell.Tree, authority.Certificate);
        string[] words = ["fetch", Shell.Version, "--source", secure.Url.ToString(), "--to", _shell["to"]];

        var refused = (await _shell.RunAsync(words)).With(6);
        Assert.Contains("--ca FILE", refused.Hint, StringComparison.Ordinal);

        (await _shell.RunAsync([.. words, "--ca", _shell["ca.pem"]])).With(0);
    }

    [Fact]
    public async Task A_login_comes_from_the_file_that_NETRC_names()
    {
        await File.WriteAllTextAsync(_shell["netrc"], "machine 127.0.0.1 login ann password one", Ct);

        (await FetchAsync()).With(0);

        Assert.All(_site.Requests, r => Assert.Equal("Basic YW5uOm9uZQ==", r.Request.Header("Authorization")));
    }

    private Task<Ended> FetchAsync(params IReadOnlyList<string> words) =>
        _shell.RunAsync(["fetch", Shell.Version, "--source", _site.Url.ToString(), "--to", _shell["to"], .. words]);

    private async Task<System.Text.Json.JsonElement> BuildAsync(string source, string layout) =>
        (await _shell.RunAsync("build", Shell.Version, "--source", source, "-o", $"oci:{_shell[layout]}", "--format", "json")).With(0).Json;
}
