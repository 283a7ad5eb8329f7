using Hyperkube.Oci;
using Hyperkube.Oci.Layers;
using Hyperkube.Publishing;
using Hyperkube.Releases;

namespace Hyperkube.Tests.Publishing;

/// <summary>What the notes tell to type is what makes that image.</summary>
public sealed class ReleaseNotesTests
{
    private static readonly string Pinned = $"registry.example.com/hyperkube:v1.34.2@{Digest.Of([1])}";

    [Theory]
    [InlineData("linux/amd64 linux/arm64", "kubelet kubectl", "gzip", true, "--evidence PINNED")]
    [InlineData("linux/amd64 linux/arm64", "kubelet kubectl", "gzip:6", true, "--evidence PINNED")]
    [InlineData("linux/arm64", "kubelet kubectl", "gzip:9", true, "--platform linux/arm64 --compression gzip:9 --evidence PINNED")]
    [InlineData("linux/amd64 linux/arm64", "kubelet kubeadm", "zstd", true, "--binary kubeadm,kubelet --compression zstd:3 --evidence PINNED")]
    [InlineData("linux/amd64 linux/arm64", "kubelet kubectl", "gzip", false, "--verify checksum")]
    public void The_build_that_makes_it_again_says_what_is_not_usual(string platforms, string binaries, string compression, bool isSigned, string words)
    {
        var version = KubernetesVersion.Parse("v1.34.2");
        PublishedRelease image = new(
            version, new Descriptor(MediaTypes.Index, Digest.Of([1]), 100), Annotations.Of(null),
            [
                .. platforms.Split(' ').Select(Platform.Parse).Select(p => new PublishedPlatform(p, Digest.Of([2]), 1000,
                    [.. binaries.Split(' ').Select(b => new PublishedBinary(new ReleaseFile(version, p, BinaryName.Parse(b, null)), new string('a', 64), 10, 5))])),
            ]);

        var notes = ReleaseNotes.Of(
            new RegistryReference("registry.example.com", "hyperkube", "v1.34.2", null), image, [],
            new ReleaseNotesSettings(LayerCompression.Parse(compression, null), isSigned));

        Assert.Contains(
            $"\n    hyperkube build v1.34.2 {words.Replace("PINNED", Pinned, StringComparison.Ordinal)} -o oci:check --format json\n", notes, StringComparison.Ordinal);
        Assert.Equal(isSigned, notes.Contains($"\n    hyperkube verify {Pinned}\n", StringComparison.Ordinal));
    }
}
