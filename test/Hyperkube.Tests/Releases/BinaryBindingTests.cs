using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases;

/// <summary>What the signature does not say, the signed bytes must: name and platform, from Go's build information.</summary>
public sealed class BinaryBindingTests
{
    private static readonly Platform Amd64 = new("linux", "amd64");
    private static readonly Platform Arm64 = new("linux", "arm64");

    [Theory]
    [InlineData("linux/amd64")]
    [InlineData("linux/arm64")]
    [InlineData("linux/ppc64le")]
    [InlineData("linux/s390x")]
    public void The_kubelet_of_a_platform_is_bound_to_both(string platform)
    {
        var info = Check(StandInProgram.Kubernetes(Platform.Parse(platform), "kubelet", "v1.36.4"), Platform.Parse(platform), "kubelet");

        Assert.Equal("k8s.io/kubernetes/cmd/kubelet", info.Path);
        Assert.Equal("go1.25.1", info.GoVersion);
        Assert.Equal("8cc511e399b929453cd98ae65b419c3cc227ec79", info.Settings["vcs.revision"]);
        Assert.Equal(new GoModule("k8s.io/kubernetes", "v1.36.4", null), info.Main);
        Assert.Equal(["github.com/spf13/cobra", "k8s.io/api"], info.Dependencies.Select(d => d.Path), StringComparer.Ordinal);
        Assert.StartsWith("h1:", info.Dependencies[0].Sum, StringComparison.Ordinal);
        Assert.Equal(new GoModule("./staging/src/k8s.io/api", "(devel)", null), info.Dependencies[1].Replacement);
    }

    [Fact]
    public void Kubectl_in_the_kubelets_place_is_refused_by_its_true_name() =>
        AssertRefused(
            StandInProgram.Kubernetes(Amd64, "kubectl", "v1.36.4"), Amd64, "kubelet",
            "it is k8s.io/kubernetes/cmd/kubectl for linux/amd64 (go1.25.1, commit 8cc511e399b929453cd98ae65b419c3cc227ec79); "
            + "expected k8s.io/kubernetes/cmd/kubelet for linux/amd64");

    [Fact]
    public void A_name_that_only_begins_so_is_another() =>
        AssertRefused(StandInProgram.Kubernetes(Amd64, "kubelet-x", "v1.36.4"), Amd64, "kubelet", "cmd/kubelet-x");

    // The ELF header lies, or the build information does: both have to agree with what was asked for.
    [Fact]
    public void Build_information_of_another_architecture_is_refused() =>
        AssertRefused(
            StandInProgram.WithBuildInfo(StandInProgram.Create(Amd64, "x"), StandInProgram.BuildInfo("k8s.io/kubernetes/cmd/kubelet", Arm64, "v1.36.4")),
            Amd64, "kubelet", "for linux/arm64");

    [Fact]
    public void Build_information_of_another_system_is_refused() =>
        AssertRefused(
            StandInProgram.WithBuildInfo(
                StandInProgram.Create(Amd64, "x"),
                StandInProgram.BuildInfo("k8s.io/kubernetes/cmd/kubelet", new Platform("windows", "amd64"), "v1.36.4")),
            Amd64, "kubelet", "for windows/amd64");

    [Fact]
    public void A_program_of_another_machine_is_refused_before_all_else() =>
        AssertRefused(StandInProgram.Kubernetes(Arm64, "kubelet", "v1.36.4"), Amd64, "kubelet", "a program for arm64; expected a program for linux/amd64");

    [Fact]
    public void A_program_without_build_information_is_refused() =>
        AssertRefused(StandInProgram.Create(Amd64, "x"), Amd64, "kubelet", "carries no Go build information");

    [Fact]
    public void Build_information_that_is_cut_off_is_none()
    {
        var whole = StandInProgram.Kubernetes(Amd64, "kubelet", "v1.36.4");
        var at = whole.AsSpan().IndexOf(" Go buildinf:"u8) - 1;
        foreach (var (offset, value) in ((int, byte)[])[(0, 0xfe), (15, 0), (32, 0x7f), (41, 0xff), (42, 0xff)])
        {
            var changed = (byte[])whole.Clone();
            changed[at + offset] = value;

            AssertRefused(changed, Amd64, "kubelet", "");
        }
    }

    [Theory]
    [InlineData("kube-log-runner", "k8s.io/component-base/logs/kube-log-runner")]
    [InlineData("kubeadm", "k8s.io/kubernetes/cmd/kubeadm")]
    public void Other_binaries_have_main_packages_of_their_own(string name, string package) =>
        Check(StandInProgram.WithBuildInfo(StandInProgram.Create(Amd64, "x"), StandInProgram.BuildInfo(package, Amd64, "v1.36.4")), Amd64, name);

    private static GoBuildInfo Check(byte[] program, Platform platform, string name)
    {
        using MemoryStream content = new(program);
        return BinaryBinding.Check(content, platform, name, "here");
    }

    private static void AssertRefused(byte[] program, Platform platform, string name, string because)
    {
        var error = Assert.Throws<HyperkubeException>(() => Check(program, platform, name));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains(because, error.Message, StringComparison.Ordinal);
        Assert.StartsWith("here: ", error.Message, StringComparison.Ordinal);
    }
}
