using Hyperkube.Testing;

namespace Hyperkube.Cli.Tests.Commands;

/// <summary><c>hyperkube copy</c> between layouts and archives; registries are in the end-to-end tests.</summary>
public sealed class CopyCommandTests : IAsyncLifetime
{
    private readonly Shell _shell = new();
    private string _digest = "";

    private string Built => $"oci:{_shell["built"]}:{Shell.Version}";

    public async ValueTask InitializeAsync() => _digest = await _shell.DigestAsync("-o", Built);

    public ValueTask DisposeAsync()
    {
        _shell.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("oci:{0}")]
    [InlineData("oci-archive:{0}")]
    public async Task The_digest_stays_whatever_the_way(string form)
    {
        var there = string.Format(null, form, _shell["there"]);

        var ended = (await _shell.RunAsync("copy", Built, there, "--format", "json")).With(0);
        (await _shell.RunAsync("copy", there, $"oci:{_shell["back"]}")).With(0);

        var image = ended.Json.GetProperty("images")[0];
        Assert.Equal(_digest, image.GetProperty("digest").GetString());
        Assert.Equal($"{there}:{Shell.Version}", image.GetProperty("destination").GetString());
        Assert.Equal(_digest, await DigestOfAsync($"oci:{_shell["back"]}:{Shell.Version}"));
    }

    [Fact]
    public async Task A_second_copy_finds_everything_present()
    {
        (await _shell.RunAsync("copy", Built, $"oci:{_shell["there"]}")).With(0);

        var again = (await _shell.RunAsync("copy", Built, $"oci:{_shell["there"]}", "--format", "json")).With(0);

        Assert.Equal("present", again.Json.GetProperty("images")[0].GetProperty("action").GetString());
    }

    [Fact]
    public async Task A_source_without_tag_means_all_its_tags()
    {
        (await _shell.RunAsync("copy", Built, $"oci:{_shell["built"]}:other")).With(0);

        var ended = (await _shell.RunAsync("copy", $"oci:{_shell["built"]}", $"oci:{_shell["there"]}", "--format", "json")).With(0);

        Assert.Equal(2, ended.Json.GetProperty("images").GetArrayLength());
        Assert.Equal(_digest, await DigestOfAsync($"oci:{_shell["there"]}:other"));
    }

    [Fact]
    public async Task One_platform_makes_a_new_index_of_one_image()
    {
        var ended = (await _shell.RunAsync("copy", Built, $"oci:{_shell["there"]}", "--platform", "linux/arm64", "--format", "json")).With(0);

        Assert.False(_digest == ended.Json.GetProperty("images")[0].GetProperty("digest").GetString());
        var seen = (await _shell.RunAsync("inspect", $"oci:{_shell["there"]}", "--format", "json")).With(0).Json.GetProperty("platforms");
        Assert.Equal("linux/arm64", Assert.Single(seen.EnumerateArray()).GetProperty("platform").GetString());
    }

    [Fact]
    public async Task A_sparse_copy_keeps_the_digest_and_leaves_platforms_out()
    {
        var ended = (await _shell.RunAsync(
            "copy", Built, $"oci:{_shell["there"]}", "--platform", "linux/arm64", "--sparse", "--format", "json")).With(0);

        Assert.Equal(_digest, ended.Json.GetProperty("images")[0].GetProperty("digest").GetString());
        Assert.Contains("is missing", (await _shell.RunAsync("inspect", $"oci:{_shell["there"]}")).With(3).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_platform_that_is_not_there_is_3_and_says_which_are() =>
        Assert.Contains(
            "has no linux/s390x; it has linux/amd64, linux/arm64",
            (await _shell.RunAsync("copy", Built, $"oci:{_shell["there"]}", "--platform", "linux/s390x")).With(3).Message,
            StringComparison.Ordinal);

    [Fact]
    public async Task A_docker_archive_takes_one_platform_and_keeps_its_digest()
    {
        (await _shell.RunAsync(
            "copy", Built, $"docker-archive:{_shell["image.tar"]}:local/image:v1", "--platform", "linux/amd64")).With(0);

        var seen = (await _shell.RunAsync("inspect", $"docker-archive:{_shell["image.tar"]}:local/image:v1", "--format", "json")).With(0);
        var there = (await _shell.RunAsync("inspect", Built, "--format", "json")).With(0).Json.GetProperty("platforms")[0];
        Assert.Equal(there.GetProperty("digest").GetString(), seen.Json.GetProperty("digest").GetString());
    }

    [Fact]
    public async Task A_tag_that_stands_for_other_content_is_4_unless_told()
    {
        var there = $"oci:{_shell["there"]}:{Shell.Version}";
        (await _shell.RunAsync("copy", Built, there, "--platform", "linux/arm64")).With(0);

        var refused = (await _shell.RunAsync("copy", Built, there)).With(4);
        (await _shell.RunAsync("copy", Built, there, "--move-tag")).With(0);

        Assert.Contains("--move-tag", refused.Hint, StringComparison.Ordinal);
        Assert.Equal(_digest, await DigestOfAsync(there));
    }

    [Fact]
    public async Task A_list_of_sources_may_hold_comments_and_its_errors_name_the_line()
    {
        await File.WriteAllTextAsync(_shell["good"], $"# what we use\n\n{Built}\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(_shell["bad"], $"{Built}\nNO SUCH THING\n", TestContext.Current.CancellationToken);

        (await _shell.RunAsync("copy", "--images", _shell["good"], $"oci:{_shell["there"]}", "--digest-file", _shell["digests"])).With(0);
        var bad = (await _shell.RunAsync("copy", "--images", _shell["bad"], $"oci:{_shell["there"]}")).With(2);

        Assert.Equal($"{_digest}\n", await File.ReadAllTextAsync(_shell["digests"], TestContext.Current.CancellationToken));
        Assert.Contains($"{_shell["bad"]}:2: ", bad.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_vector_names_what_was_copied_by_digest()
    {
        await using TestRegistry registry = new();
        var there = $"{registry.Url.Authority}/k8s/hyperkube";

        (await _shell.RunAsync("copy", Built, there, "--image-vector", _shell["vector.yaml"])).With(0);
        (await _shell.RunAsync(
            "copy", Built, $"{there}:amd64", "--platform", "linux/amd64", "--image-vector", _shell["none.yaml"])).With(0);
        (await _shell.RunAsync(
            "copy", Built, $"{there}-amd64:v1.36.4", "--platform", "linux/amd64", "--image-vector", _shell["one.yaml"])).With(0);

        Assert.Equal(
            $"""
            images:
            - name: hyperkube
              repository: "{there}"
              tag: "{Shell.Version}@{_digest}"
              version: "{Shell.Version}"
              targetVersion: "{Shell.Version[1..]}"
              architectures: [amd64, arm64]

            """,
            await ReadAsync("vector.yaml"));
        Assert.Equal("images: []\n", await ReadAsync("none.yaml"));
        Assert.Contains("architectures: [amd64]\n", await ReadAsync("one.yaml"), StringComparison.Ordinal);
    }

    // docker-registry would take an image of one platform without an index too.
    [Fact]
    public async Task An_image_vector_knows_what_an_image_without_index_runs_on()
    {
        await using TestRegistry registry = new();
        (await _shell.RunAsync("copy", Built, $"docker-archive:{_shell["image.tar"]}:local/image:v1.36.4", "--platform", "linux/arm64"))
            .With(0);

        (await _shell.RunAsync("copy", $"docker-archive:{_shell["image.tar"]}:local/image:v1.36.4",
            $"{registry.Url.Authority}/hyperkube", "--image-vector", _shell["vector.yaml"])).With(0);

        Assert.Contains("architectures: [arm64]\n", await ReadAsync("vector.yaml"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_of_a_layout_can_be_named_by_its_digest()
    {
        (await _shell.RunAsync("copy", Built, $"oci:{_shell["there"]}:other", "--platform", "linux/arm64")).With(0);
        (await _shell.RunAsync("copy", Built, $"oci:{_shell["there"]}:v1")).With(0);

        Assert.Equal(_digest, await DigestOfAsync($"oci:{_shell["there"]}@{_digest}"));
        (await _shell.RunAsync("copy", $"oci:{_shell["there"]}@{_digest}", $"oci:{_shell["back"]}:v1")).With(0);
        Assert.Equal(_digest, await DigestOfAsync($"oci:{_shell["back"]}:v1"));
        (await _shell.RunAsync("copy", Built, $"oci:{_shell["back"]}@{_digest}")).With(2);
        (await _shell.RunAsync("inspect", $"oci:{_shell["there"]}@sha256:{new string('a', 64)}")).With(3);
    }

    [Theory]
    [InlineData(2, "expected a registry", "oci:one", "oci:two", "--image-vector", "x")]
    [InlineData(2, "expected a source and a destination", "oci:one")]
    [InlineData(2, "is not an image reference", "oci:one", "NOT A PLACE")]
    [InlineData(2, "--sparse and --new-index: expected one of them", "oci:one", "oci:two", "--sparse", "--new-index")]
    [InlineData(3, "no image layout", "oci:one", "oci:two")]
    public async Task Bad_calls_say_what_was_expected(int code, string expected, params string[] words) =>
        Assert.Contains(expected, (await _shell.RunAsync(["copy", .. words])).With(code).Message, StringComparison.Ordinal);

    private Task<string> ReadAsync(string file) => File.ReadAllTextAsync(_shell[file], TestContext.Current.CancellationToken);

    private async Task<string> DigestOfAsync(string reference) =>
        (await _shell.RunAsync("inspect", reference, "--format", "json")).With(0).Json.GetProperty("digest").GetString()!;
}
