using System.Text.Json;
using Hyperkube.Oci;
using Hyperkube.Oci.Layers;
using Hyperkube.Publishing;
using Hyperkube.Publishing.Catalog;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Publishing;

/// <summary>What an index says of its platforms is the text of whoever pushed it; it stands in a page, in YAML and in Markdown.</summary>
public sealed class HostileImageTests
{
    private const string Hostile = "x\"]}\n- name: evil\n</script><img src=x onerror=alert(1)>`|[a](javascript:b)";

    private static readonly RegistryReference Reference = new("registry.example.com", "hyperkube", "v1.34.2", null);

    private static readonly PublishedRelease Image = new(
        KubernetesVersion.Parse("v1.34.2"),
        new Descriptor(MediaTypes.Index, Digest.Of([1]), 100),
        Annotations.Of(null),
        [.. ((Platform[])[new("linux", "amd64"), new("linux", Hostile)]).Select(p => new PublishedPlatform(
            p, Digest.Of([2]), 1000, [new PublishedBinary(new ReleaseFile(KubernetesVersion.Parse("v1.34.2"), p, BinaryName.Kubelet), new string('a', 64), 10, 5)]))]);

    [Fact]
    public async Task It_is_text_in_the_catalog()
    {
        using TempDirectory directory = new();

        await CatalogWriter.WriteAsync(
            directory.Path, Reference,
            [new CatalogEntry(Image, "v1.34.2", CatalogVerification.Unsigned), new CatalogEntry(Image, "v1.34.2-zstd", CatalogVerification.Unsigned)],
            EndOfLife.Unknown, TestContext.Current.CancellationToken);

        var page = await File.ReadAllTextAsync(directory["index.html"], TestContext.Current.CancellationToken);
        Assert.DoesNotContain("<img", page, StringComparison.Ordinal);
        Assert.Contains("&lt;img src=x onerror=alert(1)&gt;", page, StringComparison.Ordinal);
        Assert.Equal(1, page.Split("</script>").Length - 1);
        using var json = JsonDocument.Parse(await File.ReadAllTextAsync(directory["catalog.json"], TestContext.Current.CancellationToken));
        Assert.Equal($"linux/{Hostile}", json.RootElement.GetProperty("releases")[0].GetProperty("platforms")[1].GetProperty("platform").GetString());
    }

    [Fact]
    public void It_adds_nothing_to_the_image_vector()
    {
        var text = ImageVector.Text([new ImageVectorEntry(Image.Version, Reference, Image.Root.Digest, [.. Image.Platforms.Select(p => p.Platform)])]);

        Assert.Equal(1, text.Split("- name:").Length - 1);
        Assert.EndsWith("  architectures: [amd64]\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void It_is_plain_in_the_notes()
    {
        var text = ReleaseNotes.Of(Reference, Image, [], new ReleaseNotesSettings(LayerCompression.Gzip, IsSigned: true));

        Assert.DoesNotContain("<img", text, StringComparison.Ordinal);
        Assert.DoesNotContain("](", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\n- name", text, StringComparison.Ordinal);
    }
}
