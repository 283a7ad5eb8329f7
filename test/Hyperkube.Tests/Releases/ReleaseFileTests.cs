using Hyperkube.Oci;
using Hyperkube.Releases;

namespace Hyperkube.Tests.Releases;

public sealed class ReleaseFileTests
{
    private static readonly ReleaseFile File = new(KubernetesVersion.Parse("1.34.2"), Platform.Parse("linux/aarch64"), BinaryName.Kubelet);

    [Fact]
    public void The_path_is_the_one_of_the_download_site() => Assert.Equal("v1.34.2/bin/linux/arm64/kubelet", File.Path);

    [Fact]
    public void A_person_reads_the_name_and_the_platform() => Assert.Equal("kubelet linux/arm64", File.ToString());
}
