using Hyperkube.Testing;

namespace Hyperkube.Cli.Tests.Commands;

public sealed class VersionsCommandTests : IDisposable
{
    private readonly Shell _shell = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _shell.Dispose();

    [Fact]
    public async Task Releases_are_listed_newest_first_one_a_line()
    {
        await WriteIndexAsync("v1.30.14", "v1.30.1", "v1.31.0", "v1.31.1-rc.0", "v1.29.9");

        var listed = (await RunAsync("--minimum", "1.30.1")).With(0).Out;

        Assert.Equal("v1.31.0\nv1.30.14\nv1.30.1\n", listed);
        Assert.Equal("v1.31.1-rc.0\nv1.31.0\n", (await RunAsync("--minimum", "1.31.0", "--pre-releases")).With(0).Out);
        Assert.Equal("v1.31.0\nv1.30.14\nv1.30.1\nv1.29.9\n", (await RunAsync()).With(0).Out);
    }

    // v1.30.1 is not there because v1.30.14 is; a tag with -zstd is the release in another dress, and no pre-release.
    [Fact]
    public async Task What_is_published_is_what_the_registry_says_on_all_of_its_pages()
    {
        await WriteIndexAsync("v1.30.14", "v1.30.1", "v1.30.2", "v1.31.0", "v1.31.0-rc.1");
        await using TestRegistry registry = new() { PageSize = 2 };
        byte[] manifest = [.. """{"schemaVersion":2}"""u8];
        registry.AddManifest(
            "hyperkube", manifest, "application/vnd.oci.image.index.v1+json", "a", "v1.30.14", "v1.30.2-zstd", "v1.31.0-rc.1x", "latest", "zz");

        var json = (await RunAsync("--published", $"{registry.Url.Authority}/hyperkube", "--pre-releases", "--format", "json")).With(0).Json;

        Assert.Equal(
            "v1.31.0=False v1.31.0-rc.1=False v1.30.14=True v1.30.2=True v1.30.1=False",
            string.Join(' ', json.GetProperty("versions").EnumerateArray().Select(v => $"{v.GetProperty("version")}={v.GetProperty("published")}")));
        Assert.True(registry.Calls.Count(c => c.Path.EndsWith("/tags/list", StringComparison.Ordinal)) >= 3);
        Assert.Equal("1.31", json.GetProperty("versions")[0].GetProperty("minor").GetString());
        Assert.EndsWith("/release-notes-index.json", json.GetProperty("source").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repository_that_is_not_there_yet_has_nothing()
    {
        await WriteIndexAsync("v1.31.0");
        await using TestRegistry registry = new();

        Assert.Equal(
            "v1.31.0           missing\n", (await RunAsync("--published", $"{registry.Url.Authority}/hyperkube")).With(0).Out);
    }

    [Fact]
    public async Task The_file_beside_the_Makefile_says_which_releases_are_too_old()
    {
        await WriteIndexAsync("v1.30.14", "v1.30.13");
        await File.WriteAllTextAsync(_shell["MINIMUM_KUBERNETES_VERSION"], "v1.30.14\n", Ct);

        Assert.Equal("v1.30.14\n", (await _shell.RunProcessAsync("versions", "--source", _shell.Tree)).With(0).Out);
        Assert.Equal("v1.30.14\nv1.30.13\n", (await _shell.RunProcessAsync("versions", "--source", _shell.Tree, "--minimum", "v1.0.0")).With(0).Out);
        await File.WriteAllTextAsync(_shell["MINIMUM_KUBERNETES_VERSION"], "newest\n", Ct);
        Assert.Contains(
            "the file MINIMUM_KUBERNETES_VERSION: 'newest'; expected a version",
            (await _shell.RunProcessAsync("versions", "--source", _shell.Tree)).With(2).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--versions git+/somewhere", "expected a git repository's URL")]
    [InlineData("--versions ./none", "no such file")]
    [InlineData("--minimum 1.30", "is not a version")]
    [InlineData("--published registry.example.com/hyperkube:v1", "expected a repository without tag or digest")]
    [InlineData("--published oci:x", "expected a repository without tag or digest")]
    public async Task Bad_calls_say_what_was_expected(string words, string expected) =>
        Assert.Contains(expected, (await RunAsync(words.Split(' '))).With(2).Message, StringComparison.Ordinal);

    private Task<Ended> RunAsync(params string[] words) => _shell.RunAsync(["versions", "--source", _shell.Tree, .. words]);

    private Task WriteIndexAsync(params string[] versions) => File.WriteAllTextAsync(
        _shell["tree/release-notes-index.json"], $$"""{{{string.Join(",", versions.Select(v => $"\"{v}\":\"https://example.com\""))}}}""", Ct);
}
