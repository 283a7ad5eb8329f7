using Hyperkube.Oci;

namespace Hyperkube.Cli.Tests.Commands;

/// <summary>Where an image goes.</summary>
public sealed class BuildOutputsTests : IDisposable
{
    private readonly Shell _shell = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _shell.Dispose();

    [Fact]
    public async Task Every_output_holds_the_same_image()
    {
        string[] outputs = [$"oci:{_shell["one"]}", $"oci:{_shell["two"]}:x", $"oci-archive:{_shell["three.tar"]}"];

        var digest = await _shell.DigestAsync([.. outputs.SelectMany(o => new[] { "-o", o })]);

        foreach (var output in outputs)
        {
            Assert.Equal(digest, (await InspectAsync(output)).GetProperty("digest").GetString());
        }
    }

    [Fact]
    public async Task An_archive_alone_leaves_no_layout_behind()
    {
        (await _shell.BuildAsync("-o", $"oci-archive:{_shell["image.tar"]}")).With(0);

        Assert.DoesNotContain(_shell.Files, f => !f.StartsWith("tree/", StringComparison.Ordinal) && f != "image.tar");
    }

    [Fact]
    public async Task A_Docker_archive_takes_this_hosts_platform_and_keeps_its_manifest()
    {
        var built = (await _shell.BuildAsync("-o", $"docker-archive:{_shell["image.tar"]}", "--format", "json")).With(0).Json;

        var shown = await InspectAsync($"docker-archive:{_shell["image.tar"]}");

        var expected = built.GetProperty("platforms").EnumerateArray().Single(p => $"{p.GetProperty("platform")}" == $"{Platform.Host}");
        Assert.Equal(expected.GetProperty("digest").GetString(), shown.GetProperty("digest").GetString());
        Assert.Equal($"{Platform.Host}", OnlyPlatform(shown));
    }

    [Fact]
    public async Task A_Docker_archive_of_a_foreign_platform_takes_that()
    {
        var foreign = Platform.Host.Architecture == "arm64" ? "linux/amd64" : "linux/arm64";

        (await _shell.BuildAsync("-o", $"docker-archive:{_shell["image.tar"]}", "--platform", foreign)).With(0);

        var shown = await InspectAsync($"docker-archive:{_shell["image.tar"]}");
        Assert.Equal(foreign, OnlyPlatform(shown));
    }

    [Fact]
    public async Task A_Docker_archive_of_several_foreign_platforms_is_refused_before_anything_is_read()
    {
        var ended = await _shell.RunAsync(
            "build", Shell.Version, "--source", "/dev/null/none", "--platform", "linux/ppc64le,linux/s390x",
            "-o", $"docker-archive:{_shell["image.tar"]}");

        Assert.Contains("takes one platform", ended.With(2).Message, StringComparison.Ordinal);
        Assert.Contains("--platform", ended.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_registry_is_pushed_to_by_tag()
    {
        var ended = (await _shell.BuildAsync("-o", $"registry.example/hyperkube@sha256:{new string('0', 64)}")).With(2);

        Assert.Contains("a digest; expected HOST/REPO:TAG", ended.Message, StringComparison.Ordinal);
        Assert.Contains("--digest-file", ended.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_layout_is_written_by_tag()
    {
        var ended = (await _shell.BuildAsync("-o", $"oci:{_shell["layout"]}@sha256:{new string('0', 64)}")).With(2);

        Assert.Contains("a digest; expected oci:DIR:TAG", ended.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tag_that_stands_for_other_content_is_4_and_stays()
    {
        var first = await _shell.DigestAsync("-o", $"oci:{_shell["layout"]}:x");

        var ended = (await _shell.BuildAsync("-o", $"oci:{_shell["layout"]}:x", "--binary", "kubelet", "--format", "json")).With(4);

        Assert.Equal("tag-conflict", ended.Json.GetProperty("error").GetProperty("kind").GetString());
        Assert.Contains("--move-tag", ended.Hint, StringComparison.Ordinal);
        Assert.Equal(first, (await InspectAsync($"oci:{_shell["layout"]}:x")).GetProperty("digest").GetString());
    }

    [Fact]
    public async Task Move_tag_moves_it()
    {
        await _shell.DigestAsync("-o", $"oci:{_shell["layout"]}:x");

        var second = await _shell.DigestAsync("-o", $"oci:{_shell["layout"]}:x", "--binary", "kubelet", "--move-tag");

        Assert.Equal(second, (await InspectAsync($"oci:{_shell["layout"]}:x")).GetProperty("digest").GetString());
    }

    [Theory]
    [InlineData("gzip", "v1.36.4")]
    [InlineData("gzip:9", "v1.36.4")]
    [InlineData("zstd", "v1.36.4-zstd")]
    [InlineData("zstd:19", "v1.36.4-zstd")]
    public async Task The_tag_says_when_the_compression_is_zstd(string compression, string tag)
    {
        var ended = (await _shell.BuildAsync("-o", $"oci:{_shell["layout"]}", "--compression", compression, "--format", "json")).With(0);

        Assert.Equal($"oci:{_shell["layout"]}:{tag}", Assert.Single(ended.Json.GetProperty("outputs").EnumerateArray()).GetString());
        await InspectAsync($"oci:{_shell["layout"]}:{tag}");
    }

    [Fact]
    public async Task Both_compressions_live_side_by_side()
    {
        (await _shell.BuildAsync("-o", $"oci:{_shell["layout"]}")).With(0);
        (await _shell.BuildAsync("-o", $"oci:{_shell["layout"]}", "--compression", "zstd")).With(0);

        var gzip = await InspectAsync($"oci:{_shell["layout"]}:v1.36.4");
        var zstd = await InspectAsync($"oci:{_shell["layout"]}:v1.36.4-zstd");
        Assert.Contains("tar+gzip", gzip.ToString(), StringComparison.Ordinal);
        Assert.Contains("tar+zstd", zstd.ToString(), StringComparison.Ordinal);
    }

    // As a CI system does with one runner and several versions.
    [Fact]
    public async Task Builds_at_the_same_time_share_a_cache_and_a_layout()
    {
        await using var site = Testing.ReleaseSite.Start(_shell.Tree);
        string[] words = ["build", Shell.Version, "--source", site.Url.ToString(), "--format", "json", "-o"];

        for (var round = 0; round < 5; round++)
        {
            if (Directory.Exists(_shell["cache"]))
            {
                Directory.Delete(_shell["cache"], recursive: true);
            }

            var ended = await Task.WhenAll(Enumerable.Range(0, 4).Select(
                i => Task.Run(() => _shell.RunAsync([.. words, $"oci:{_shell["layout"]}:{round}-{i}"]))));

            Assert.Single(ended.Select(e => e.With(0).Json.GetProperty("digest").GetString()).Distinct(StringComparer.Ordinal));
        }

        await using var tags = File.OpenRead(_shell["layout/index.json"]);
        using var index = await System.Text.Json.JsonDocument.ParseAsync(tags, cancellationToken: Ct);
        Assert.Equal(20, index.RootElement.GetProperty("manifests").GetArrayLength());
    }

    [Fact]
    public async Task The_digest_file_holds_the_digest()
    {
        var digest = await _shell.DigestAsync("-o", $"oci:{_shell["layout"]}", "--digest-file", _shell["digest"]);

        Assert.Equal($"{digest}\n", await File.ReadAllTextAsync(_shell["digest"], Ct));
    }

    [Theory]
    [InlineData("a,b")]
    [InlineData("a b")]
    [InlineData("a;b")]
    [InlineData("\u00e4")]
    public async Task A_path_may_hold_what_paths_hold(string name)
    {
        (await _shell.BuildAsync("-o", $"oci:{_shell[name]}")).With(0);

        Assert.True(File.Exists(Path.Combine(_shell[name], "index.json")));
    }

    [Fact]
    public async Task A_name_given_with_tag_is_the_one_an_engine_sees()
    {
        const string Name = "registry.example/hyperkube:mine";
        (await _shell.BuildAsync("-o", $"docker-archive:{_shell["image.tar"]}", "--tag", Name)).With(0);

        await using var tar = File.OpenRead(_shell["image.tar"]);
        await using System.Formats.Tar.TarReader reader = new(tar);
        while (await reader.GetNextEntryAsync(copyData: true, Ct) is { } entry)
        {
            if (entry.Name == "manifest.json")
            {
                using StreamReader text = new(entry.DataStream!);
                Assert.Contains($"\"RepoTags\":[\"{Name}\"]", await text.ReadToEndAsync(Ct), StringComparison.Ordinal);
                return;
            }
        }

        Assert.Fail("no manifest.json in the archive");
    }

    private static string? OnlyPlatform(System.Text.Json.JsonElement shown) =>
        Assert.Single(shown.GetProperty("platforms").EnumerateArray()).GetProperty("platform").GetString();

    private async Task<System.Text.Json.JsonElement> InspectAsync(string reference) =>
        (await _shell.RunAsync("inspect", reference, "--format", "json")).With(0).Json;
}
