using Hyperkube.Releases;

namespace Hyperkube.Tests.Releases;

public sealed class BinaryNameTests
{
    [Theory]
    [InlineData("kubelet")]
    [InlineData("kubeadm")]
    [InlineData("kube-proxy")]
    [InlineData("a")]
    [InlineData("e2e-test")]
    public void A_name_of_lower_case_letters_digits_and_dashes_is_taken(string text) =>
        Assert.Equal(text, BinaryName.Parse(text, null).Text);

    [Fact]
    public void A_name_of_64_characters_is_taken() =>
        Assert.Equal(64, BinaryName.Parse(new string('a', 64), null).Text.Length);

    [Fact]
    public void A_name_of_65_characters_is_refused() =>
        Assert.False(BinaryName.TryParse(new string('a', 65), null, out _));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("../x")]
    [InlineData("a/b")]
    [InlineData("/kubelet")]
    [InlineData("kubelet/")]
    [InlineData("a\\b")]
    [InlineData("kubelet\0")]
    [InlineData("kubelet\n")]
    [InlineData("kubelet ")]
    [InlineData("Kubelet")]
    [InlineData("KUBELET")]
    [InlineData("kubelet.exe")]
    [InlineData("kubelet%2e")]
    [InlineData("kubelet?x")]
    [InlineData("kubelet#x")]
    [InlineData("-o")]
    [InlineData("7zip")]
    [InlineData("kub\u00e9")]
    [InlineData("k\u0660")]
    public void Anything_else_is_refused_and_quoted(string text)
    {
        Assert.False(BinaryName.TryParse(text, null, out _));
        Assert.Contains($"'{text}'", Assert.Throws<FormatException>(() => BinaryName.Parse(text, null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sleep_is_the_images_own()
    {
        Assert.False(BinaryName.TryParse("sleep", null, out _));
        var error = Assert.Throws<FormatException>(() => BinaryName.Parse("sleep", null));
        Assert.Contains("entrypoint", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_no_name() => Assert.False(BinaryName.TryParse(null, null, out _));

    [Fact]
    public void Kubelet_comes_first_then_kubectl_then_the_others_by_name()
    {
        string[] given = ["kubeadm", "kubectl", "apiextensions", "kube-proxy", "kubelet"];

        var ordered = given.Select(n => BinaryName.Parse(n, null)).Order();

        Assert.Equal("kubelet kubectl apiextensions kube-proxy kubeadm", string.Join(' ', ordered));
    }
}
