using Hyperkube.Oci;
using Hyperkube.Publishing;
using Hyperkube.Testing;
using YamlDotNet.RepresentationModel;

namespace Hyperkube.Tests.Publishing;

public sealed class ImageVectorTests
{
    private static readonly Platform[] Both = [Platform.Parse("linux/amd64"), Platform.Parse("linux/arm64")];

    // Read by Gardener: every word of it is a promise.
    [Fact]
    public void Each_version_has_its_image_pinned_by_digest_oldest_first() =>
        Assert.Equal(
            $"""
            images:
            - name: hyperkube
              repository: "registry.fenced.example:5000/k8s/hyperkube"
              tag: "v1.34.2@{Digest.Of("a"u8)}"
              version: "v1.34.2"
              targetVersion: "1.34.2"
              architectures: [amd64]
            - name: hyperkube
              repository: "registry.fenced.example:5000/k8s/hyperkube"
              tag: "v1.34.10@{Digest.Of("b"u8)}"
              version: "v1.34.10"
              targetVersion: "1.34.10"
              architectures: [amd64, arm64]

            """,
            ImageVector.Text([Entry("v1.34.10", "b", Both), Entry("v1.34.2", "a", Both[..1])]));

    // Gardener's own types and rules.
    // Source: https://github.com/gardener/gardener/blob/v1.48.0/pkg/utils/imagevector/types.go,
    // https://github.com/gardener/gardener/blob/v1.48.0/pkg/utils/imagevector/imagevector_validation.go
    [Fact]
    public void Every_entry_is_one_that_Gardener_documents()
    {
        YamlStream yaml = [];
        yaml.Load(new StringReader(ImageVector.Text([Entry("v1.34.10", "b", Both), Entry("v1.34.2-zstd", "a", Both[..1])])));

        var root = Assert.IsType<YamlMappingNode>(Assert.Single(yaml.Documents).RootNode);
        Assert.Equal("images", Assert.Single(root.Children).Key.ToString());
        foreach (var entry in Assert.IsType<YamlSequenceNode>(root["images"]).Children.Cast<YamlMappingNode>())
        {
            Assert.All(
                entry.Children.Keys.Select(k => k.ToString()),
                k => Assert.Contains(k, (string[])["name", "runtimeVersion", "targetVersion", "architectures", "repository", "tag", "version"]));
            Assert.All((string[])["name", "repository", "tag", "version"], k => Assert.NotEmpty(Assert.IsType<YamlScalarNode>(entry[k]).Value!));
            Assert.Matches("^v[0-9.]+(-zstd)?@sha256:[0-9a-f]{64}$", entry["tag"].ToString());
            Assert.Matches("^[0-9]+\\.[0-9]+\\.[0-9]+$", entry["targetVersion"].ToString()); // A constraint of semver that one version meets.
            Assert.All(Assert.IsType<YamlSequenceNode>(entry["architectures"]), a => Assert.Contains(a.ToString(), (string[])["amd64", "arm64"]));
        }
    }

    [Fact]
    public void The_last_of_several_images_of_a_version_counts()
    {
        var text = ImageVector.Text([Entry("v1.34.2", "a", Both), Entry("v1.34.2", "b", Both)]);

        Assert.Contains(Digest.Of("b"u8).ToString(), text, StringComparison.Ordinal);
        Assert.DoesNotContain(Digest.Of("a"u8).ToString(), text, StringComparison.Ordinal);
    }

    [Fact]
    public void No_images_are_an_empty_list() => Assert.Equal("images: []\n", ImageVector.Text([]));

    [Theory]
    [InlineData("v1.34.2", "v1.34.2")]
    [InlineData("1.34.2", "v1.34.2")]
    [InlineData("v1.35.0-rc.1", null)] // Gardener leaves out what comes after the dash, and would take it for the release.
    [InlineData("v1.34.2-zstd", "v1.34.2")] // Another compression is no candidate.
    [InlineData("latest", null)]
    [InlineData("v1.34", null)]
    public void A_tag_that_is_a_release_is_a_version(string tag, string? version) =>
        Assert.Equal(version, ImageVector.VersionOf(Image(tag))?.ToString());

    [Fact]
    public async Task The_file_appears_whole()
    {
        using TempDirectory directory = new();

        await ImageVector.WriteAsync(directory["vector.yaml"], [Entry("v1.34.2", "a", Both)], TestContext.Current.CancellationToken);

        Assert.Equal(["vector.yaml"], directory.Files());
    }

    private static ImageVectorEntry Entry(string tag, string content, Platform[] platforms) =>
        new(ImageVector.VersionOf(Image(tag))!, Image(tag), Digest.Of(System.Text.Encoding.UTF8.GetBytes(content)), platforms);

    private static RegistryReference Image(string tag) => new("registry.fenced.example:5000", "k8s/hyperkube", tag, null);
}
