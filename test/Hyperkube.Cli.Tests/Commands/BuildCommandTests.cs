using System.Text.Json;
using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.Cli.Tests.Commands;

/// <summary>What goes into an image, and which words say so.</summary>
public sealed class BuildCommandTests : IDisposable
{
    private readonly Shell _shell = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Layout => $"oci:{_shell["layout"]}";

    public void Dispose() => _shell.Dispose();

    [Fact]
    public async Task The_JSON_result_has_the_promised_fields()
    {
        var json = (await _shell.BuildAsync("--format", "json", "-o", Layout)).With(0).Json;

        Assert.Equal("version digest size platforms outputs", Names(json));
        Assert.Equal("v1.36.4", json.GetProperty("version").GetString());
        Assert.True(Digest.TryParse(json.GetProperty("digest").GetString(), null, out _));
        Assert.Equal($"{Layout}:v1.36.4", Assert.Single(json.GetProperty("outputs").EnumerateArray()).GetString());
        Assert.Equal(2, json.GetProperty("platforms").GetArrayLength());
        foreach (var platform in json.GetProperty("platforms").EnumerateArray())
        {
            Assert.Equal("platform digest size binaries", Names(platform));
            var binaries = platform.GetProperty("binaries").EnumerateArray().ToList();
            Assert.Equal("kubelet kubectl", string.Join(' ', binaries.Select(b => b.GetProperty("name"))));
            foreach (var binary in binaries)
            {
                Assert.Equal("name sha256 size verified versionProof", Names(binary));
                Assert.Equal("checksum", binary.GetProperty("verified").GetString());
                var path = _shell.PathOf($"{platform.GetProperty("platform")}", $"{binary.GetProperty("name")}");
                Assert.Equal(Digest.Of(await File.ReadAllBytesAsync(path, Ct)).Hex, binary.GetProperty("sha256").GetString());
            }
        }
    }

    [Fact]
    public async Task The_text_result_says_what_was_built_and_where_it_is()
    {
        var ended = (await _shell.BuildAsync("-o", Layout)).With(0);

        var digest = await _shell.DigestAsync("-o", Layout);
        Assert.StartsWith($"v1.36.4  {digest}  ", ended.Out, StringComparison.Ordinal);
        Assert.Contains("\n  linux/amd64   sha256:", ended.Out, StringComparison.Ordinal);
        Assert.Contains("\n    kubelet     sha256:", ended.Out, StringComparison.Ordinal);
        Assert.Contains(", verified by checksum\n", ended.Out, StringComparison.Ordinal);
        Assert.EndsWith($"\nwritten to {Layout}:v1.36.4\n", ended.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_call_gives_the_same_digest_and_no_conflict() =>
        Assert.Equal(await _shell.DigestAsync("-o", Layout), await _shell.DigestAsync("-o", Layout));

    [Theory]
    [InlineData("--platform linux/arm64 --platform linux/amd64")]
    [InlineData("--platform linux/arm64,linux/amd64")]
    [InlineData("--platform linux/aarch64,linux/x86_64")]
    [InlineData("--platform linux/amd64,linux/x86_64,linux/arm64,linux/amd64")]
    [InlineData("--binary kubectl --binary kubelet")]
    [InlineData("--binary kubectl,kubelet,kubectl")]
    [InlineData("--jobs 1")]
    [InlineData("--jobs 5 --binary kubectl,kubelet --platform linux/arm64,linux/amd64")]
    [InlineData("--compression gzip:6")]
    [InlineData("--verify checksum")]
    public async Task Words_that_say_the_same_give_the_same_digest(string words)
    {
        var expected = await _shell.DigestAsync("-o", Layout);

        Assert.Equal(expected, await _shell.DigestAsync([.. words.Split(' '), "-o", $"oci:{_shell["other"]}"]));
    }

    [Theory]
    [InlineData("--platform linux/arm64")]
    [InlineData("--binary kubelet")]
    [InlineData("--compression gzip:9")]
    [InlineData("--compression zstd")]
    public async Task Words_that_say_something_else_give_another_digest(string words)
    {
        var expected = await _shell.DigestAsync("-o", Layout);

        Assert.NotEqual(
            Digest.Parse(expected), Digest.Parse(await _shell.DigestAsync([.. words.Split(' '), "-o", $"oci:{_shell["other"]}"])));
    }

    [Fact]
    public async Task A_site_gives_the_digest_that_a_directory_gives()
    {
        await using var site = ReleaseSite.Start(_shell.Tree);

        var ended = await _shell.RunAsync("build", "1.36.4", "--source", site.Url.ToString(), "-o", Layout, "--format", "json");

        Assert.Equal(await _shell.DigestAsync("-o", $"oci:{_shell["other"]}"), ended.With(0).Json.GetProperty("digest").GetString());
    }

    [Fact]
    public async Task A_marker_is_built_as_the_version_that_it_stands_for()
    {
        await File.WriteAllTextAsync(_shell["tree/stable-1.36.txt"], "v1.36.4", Ct);

        var ended = (await _shell.RunAsync("build", "stable-1.36", "--source", _shell.Tree, "-o", Layout, "--format", "json")).With(0);

        Assert.Equal("v1.36.4", ended.Json.GetProperty("version").GetString());
    }

    [Theory]
    [InlineData("linux/riscv64")]
    [InlineData("windows/amd64")]
    [InlineData("linux/arm/v7")]
    public async Task A_platform_without_an_image_is_refused_before_anything_is_asked(string platform)
    {
        await using var site = ReleaseSite.Start(_shell.Tree);

        var ended = (await _shell.RunAsync("build", Shell.Version, "--source", site.Url.ToString(), "--platform", platform)).With(2);

        Assert.Contains($"--platform {platform}", ended.Message, StringComparison.Ordinal);
        Assert.Empty(site.Requests);
    }

    [Fact]
    public async Task Sleep_is_no_binary()
    {
        var ended = (await _shell.BuildAsync("--binary", "sleep")).With(2);

        Assert.Contains("the image's own entrypoint", ended.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_variable_KUBERNETES_VERSION_names_the_release_and_the_output_says_so()
    {
        _shell.Variables["KUBERNETES_VERSION"] = " 1.36.4\n";

        var ended = (await _shell.RunAsync("build", "--source", _shell.Tree, "-o", Layout)).With(0);

        Assert.StartsWith("v1.36.4 (from the variable KUBERNETES_VERSION)  sha256:", ended.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_line_wins_over_the_variable()
    {
        _shell.Variables["KUBERNETES_VERSION"] = "v1.99.0";

        (await _shell.BuildAsync("-o", Layout)).With(0);
    }

    [Theory]
    [InlineData("latest")]
    [InlineData("v1.36")]
    [InlineData(" ")]
    public async Task A_variable_that_is_no_release_is_a_bad_call(string value)
    {
        _shell.Variables["KUBERNETES_VERSION"] = value;

        var ended = (await _shell.RunAsync("build", "--source", _shell.Tree)).With(2);

        Assert.Contains("the variable KUBERNETES_VERSION", ended.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SOURCE_DATE_EPOCH_dates_the_image()
    {
        _shell.Variables["SOURCE_DATE_EPOCH"] = "1750000000";

        (await _shell.BuildAsync("-o", Layout)).With(0);

        var shown = (await _shell.RunAsync("inspect", Layout, "--format", "json")).With(0).Json;
        Assert.Equal("2025-06-15T15:06:40Z", shown.GetProperty("created").GetString());
    }

    [Theory]
    [InlineData("yesterday")]
    [InlineData("-1")]
    [InlineData("1750000000.5")]
    [InlineData(" 1750000000")]
    [InlineData("253402300800")]
    [InlineData("99999999999999999999")]
    public async Task A_SOURCE_DATE_EPOCH_that_is_no_time_is_a_bad_call(string value)
    {
        _shell.Variables["SOURCE_DATE_EPOCH"] = value;

        var ended = (await _shell.BuildAsync("-o", Layout)).With(2);

        Assert.Contains($"SOURCE_DATE_EPOCH: '{value}'", ended.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tampered_binary_is_4_and_nothing_is_tagged()
    {
        var path = _shell.PathOf("linux/arm64", "kubectl");
        var content = await File.ReadAllBytesAsync(path, Ct);
        content[^2] ^= 1;
        await File.WriteAllBytesAsync(path, content, Ct);

        var ended = (await _shell.BuildAsync("-o", Layout, "--format", "json")).With(4);

        Assert.Equal("bad-digest", ended.Json.GetProperty("error").GetProperty("kind").GetString());
        Assert.Contains("v1.36.4/bin/linux/arm64/kubectl", ended.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_shell["layout/index.json"]));
    }

    // Nobody's login is needed to read a directory.
    [Fact]
    public async Task A_login_file_that_only_other_programs_understand_does_not_matter_for_a_directory()
    {
        await File.WriteAllTextAsync(_shell["netrc"], "machine ftp.example port 21 login ann password one", Ct);

        (await _shell.BuildAsync("-o", Layout)).With(0);
    }

    private static string Names(JsonElement element) => string.Join(' ', element.EnumerateObject().Select(p => p.Name));
}
