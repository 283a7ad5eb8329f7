using Hyperkube.Oci;
using Hyperkube.Oci.Layout;
using Hyperkube.Publishing;
using Hyperkube.Releases;
using Hyperkube.Testing;
using Hyperkube.Tests.Host;
using Signed = Hyperkube.Tests.Host.SignedImage;

namespace Hyperkube.Tests.Publishing;

/// <summary>The evidence that a build takes from an image: what whoever unpacks it would find, and nothing that its config does not name.</summary>
public sealed class ImageEvidenceTests : IDisposable
{
    private static readonly byte[] Old = "old"u8.ToArray(), New = "new"u8.ToArray();

    private readonly TempDirectory _directory = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Evidence_is_found_by_platform_and_name()
    {
        var image = HostileImage.Of(Signed.Evidence(("kubelet", Old), ("kubectl", New)));

        Assert.Equal(Old, await FindAsync(image, "v1.36.4/bin/linux/amd64/kubelet"));
        Assert.Equal(New, await FindAsync(image, "v1.36.4/bin/linux/amd64/kubectl"));
        Assert.Null(await FindAsync(image, "v1.36.4/bin/linux/arm64/kubelet"));
        Assert.Null(await FindAsync(image, "v1.36.4/kubernetes-release.spdx"));
    }

    [Fact]
    public async Task The_topmost_counts() => Assert.Equal(
        New, await FindAsync(HostileImage.Of(Signed.Evidence(("kubelet", Old)), Signed.Evidence(("kubelet", New)))));

    [Theory]
    [InlineData(".wh.kubelet.sigstore.json")]
    [InlineData(".wh..wh..opq")]
    public async Task What_a_layer_above_removes_is_not_there(string whiteout) => Assert.Null(
        await FindAsync(HostileImage.Of(Signed.Evidence(("kubelet", Old)), HostileLayer.Of(HostileTar.File(whiteout, [])))));

    // The config names the tar of each layer: evidence in another one is not the image's.
    [Fact]
    public async Task A_layer_that_is_not_the_one_of_the_config_is_refused()
    {
        var layer = Signed.Evidence(("kubelet", Old)) with { DiffId = Digest.Of(New) };

        var error = await Assert.ThrowsAnyAsync<HyperkubeException>(() => FindAsync(HostileImage.Of(layer)));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
    }

    [Fact]
    public async Task A_link_in_its_place_is_refused()
    {
        var error = await Assert.ThrowsAnyAsync<HyperkubeException>(
            () => FindAsync(HostileImage.Of(HostileTar.Link("kubelet.sigstore.json", "/etc/passwd"))));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
    }

    [Fact]
    public async Task A_small_layer_that_inflates_to_a_large_one_is_passed_over()
    {
        var zeros = HostileLayer.Of(HostileTar.File("zeros", new byte[3 << 20]));

        Assert.Equal(Old, await FindAsync(HostileImage.Of(Signed.Evidence(("kubelet", Old)), zeros)));
    }

    [Fact]
    public async Task What_is_damaged_is_never_taken_for_missing()
    {
        var image = HostileImage.Of(Signed.Evidence(("kubelet", Old)));
        var damaged = image with { Store = (d, content) => d.MediaType == MediaTypes.Config ? "{}"u8.ToArray() : content };

        var error = await Assert.ThrowsAnyAsync<HyperkubeException>(() => FindAsync(damaged, isOptional: true));

        Assert.Equal(ErrorKind.BadDigest, error.Kind);
    }

    [Fact]
    public async Task Only_an_image_that_may_be_missing_is_none()
    {
        LayoutReference nowhere = new(_directory["nowhere"], HostileImage.Tag);

        Assert.Null(await FindAsync(nowhere, isOptional: true));
        await Assert.ThrowsAnyAsync<HyperkubeException>(() => FindAsync(nowhere, isOptional: false));
    }

    private Task<byte[]?> FindAsync(HostileImage image, string path = "v1.36.4/bin/linux/amd64/kubelet", bool isOptional = false)
    {
        var layout = _directory[Guid.NewGuid().ToString("N")];
        image.WriteTo(layout);
        return FindAsync(new LayoutReference(layout, HostileImage.Tag), isOptional, path);
    }

    private static Task<byte[]?> FindAsync(
        LayoutReference reference, bool isOptional, string path = "v1.36.4/bin/linux/amd64/kubelet") =>
        new ImageEvidence(
            reference, [BinaryName.Kubelet, BinaryName.Kubectl],
            (r, _) => Task.FromResult(new ImageSource(r, ImageLayout.Open(((LayoutReference)r).Directory))), isOptional)
            .FindAsync(path, Digest.Of(Old), Ct);
}
