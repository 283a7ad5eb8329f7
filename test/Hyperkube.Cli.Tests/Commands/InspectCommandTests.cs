using System.Text.Json;
using Hyperkube.Oci;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layout;

namespace Hyperkube.Cli.Tests.Commands;

public sealed class InspectCommandTests : IDisposable
{
    private readonly Shell _shell = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Layout => $"oci:{_shell["layout"]}";

    public void Dispose() => _shell.Dispose();

    [Fact]
    public async Task The_JSON_result_has_platforms_binaries_evidence_and_layers()
    {
        var digest = await _shell.DigestAsync("-o", Layout);

        var json = (await _shell.RunAsync("inspect", Layout, "--format", "json")).With(0).Json;

        Assert.Equal("reference digest mediaType version created platforms referrers", Names(json));
        Assert.Equal(
            $"{Layout} {digest} v1.36.4", $"{json.GetProperty("reference")} {json.GetProperty("digest")} {json.GetProperty("version")}");
        foreach (var platform in json.GetProperty("platforms").EnumerateArray())
        {
            Assert.Equal("platform digest size user entrypoint binaries evidence layers", Names(platform));
            Assert.Equal("65532:65532", platform.GetProperty("user").GetString());
            Assert.Equal(3, platform.GetProperty("layers").GetArrayLength());
            Assert.Equal(0, platform.GetProperty("evidence").GetArrayLength());
            foreach (var binary in platform.GetProperty("binaries").EnumerateArray())
            {
                Assert.Equal("name path sha256 size layer claimed", Names(binary));
                var path = _shell.PathOf($"{platform.GetProperty("platform")}", $"{binary.GetProperty("name")}");
                Assert.Equal(Digest.Of(await File.ReadAllBytesAsync(path, Ct)).Hex, binary.GetProperty("sha256").GetString());
                Assert.True(binary.GetProperty("claimed").GetBoolean());
            }
        }
    }

    [Fact]
    public async Task The_text_result_shows_the_same()
    {
        var digest = await _shell.DigestAsync("-o", Layout);

        var text = (await _shell.RunAsync("inspect", $"{Layout}:v1.36.4")).With(0).Out;

        Assert.StartsWith($"{Layout}:v1.36.4  {digest}\n  version v1.36.4, created 1970-01-01T00:00:00Z\n", text, StringComparison.Ordinal);
        Assert.Contains("\n    runs /sleep as 65532:65532\n", text, StringComparison.Ordinal);
        Assert.Contains("\n    /kubelet     sha256:", text, StringComparison.Ordinal);
        Assert.Contains("no evidence", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("oci-archive:{0}")]
    [InlineData("oci-archive:{0}:v1.36.4")]
    [InlineData("docker-archive:{0}")]
    [InlineData("docker-archive:{0}:hyperkube:v1.36.4")]
    public async Task Archives_are_shown_too(string form)
    {
        var path = _shell["image.tar"];
        var reference = form.Replace("{0}", path, StringComparison.Ordinal);
        (await _shell.BuildAsync("-o", $"{form.Split(':')[0]}:{path}")).With(0);

        var json = (await _shell.RunAsync("inspect", reference, "--format", "json")).With(0).Json;

        Assert.Equal("v1.36.4", json.GetProperty("version").GetString());
    }

    [Theory]
    [InlineData("oci:{0}/none")]
    [InlineData("oci:{0}/layout:none")]
    [InlineData("oci-archive:{0}/none.tar")]
    [InlineData("oci-archive:{0}/image.tar:none")]
    [InlineData("docker-archive:{0}/docker.tar:hyperkube:none")]
    [InlineData("docker-archive:{0}/docker.tar:other:v1.36.4")]
    public async Task What_is_not_there_is_3(string form)
    {
        var directory = _shell[""].TrimEnd('/');
        (await _shell.BuildAsync(
            "-o", Layout, "-o", $"oci-archive:{directory}/image.tar", "-o", $"docker-archive:{directory}/docker.tar")).With(0);

        (await _shell.RunAsync("inspect", form.Replace("{0}", directory, StringComparison.Ordinal))).With(3);
    }

    [Fact]
    public async Task Several_images_and_no_tag_is_2_and_names_the_tags()
    {
        (await _shell.BuildAsync("-o", $"{Layout}:a", "-o", $"{Layout}:b")).With(0);

        var ended = (await _shell.RunAsync("inspect", Layout)).With(2);

        Assert.EndsWith("a, b", ended.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("no archive at all")]
    public async Task What_is_no_archive_is_4(string content)
    {
        await File.WriteAllTextAsync(_shell["image.tar"], content, Ct);

        (await _shell.RunAsync("inspect", $"oci-archive:{_shell["image.tar"]}")).With(4);
    }

    [Fact]
    public async Task A_damaged_document_is_4()
    {
        var digest = await _shell.DigestAsync("-o", Layout);
        var blob = _shell[$"layout/blobs/sha256/{digest["sha256:".Length..]}"];
        var content = await File.ReadAllBytesAsync(blob, Ct);
        content[^2] ^= 1;
        await File.WriteAllBytesAsync(blob, content, Ct);

        var ended = (await _shell.RunAsync("inspect", Layout, "--format", "json")).With(4);

        Assert.Equal("bad-digest", ended.Json.GetProperty("error").GetProperty("kind").GetString());
    }

    [Fact]
    public async Task A_registry_that_does_not_answer_is_6_and_the_hint_says_how_to_find_out()
    {
        var ended = (await _shell.RunAsync("inspect", "docker://127.0.0.1:1/hyperkube:v1.36.4", "--hosts-dir", "none")).With(6);

        Assert.Contains("GET http://127.0.0.1:1/v2/hyperkube/manifests/v1.36.4: Connection refused", ended.Message, StringComparison.Ordinal);
        Assert.Contains("hyperkube explain", ended.Hint, StringComparison.Ordinal);
    }

    // An image of a stranger must not move the cursor, ring or recolour.
    [Fact]
    public async Task What_an_image_says_of_itself_cannot_drive_the_terminal()
    {
        var layout = await ImageLayout.OpenOrCreateAsync(_shell["layout"], Ct);
        var json = OciJson.Write(new ImageIndex
        {
            MediaType = MediaTypes.Index,
            Manifests = [],
            Annotations = Annotations.Of([new(Annotations.Version, "v1.36.4\u001b[2J\u0007"), new(Annotations.Created, "now\rhidden")]),
        });
        var index = Descriptor.Of(MediaTypes.Index, json);
        await layout.PutAsync(index, (_, _) => ValueTask.FromResult<Stream>(new MemoryStream(json)), Ct);
        await layout.TagAsync(index, "x", move: true, Ct);

        var text = (await _shell.RunAsync("inspect", Layout)).With(0).Out;

        Assert.DoesNotContain(text, c => char.IsControl(c) && c != '\n');
    }

    private static string Names(JsonElement element) => string.Join(' ', element.EnumerateObject().Select(p => p.Name));
}
