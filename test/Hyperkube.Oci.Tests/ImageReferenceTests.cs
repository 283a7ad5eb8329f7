using Hyperkube.Oci.Layout;

namespace Hyperkube.Oci.Tests;

public sealed class ImageReferenceTests
{
    private const string Hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Theory]
    [InlineData("europe-docker.pkg.dev/gardener/hyperkube:v1.34.2", "europe-docker.pkg.dev", "gardener/hyperkube", "v1.34.2", false)]
    [InlineData("docker://example.com/a/b:v1", "example.com", "a/b", "v1", false)]
    [InlineData("localhost/kubelet:v1", "localhost", "kubelet", "v1", false)]
    [InlineData("localhost:5000/kubelet:v1", "localhost:5000", "kubelet", "v1", false)]
    [InlineData("127.0.0.1:5000/kubelet:v1", "127.0.0.1:5000", "kubelet", "v1", false)]
    [InlineData("[::1]:5000/kubelet:v1", "[::1]:5000", "kubelet", "v1", false)]
    [InlineData("[fd00::10]/kubelet:v1", "[fd00::10]", "kubelet", "v1", false)]
    [InlineData("registry:5000/kubelet:v1", "registry:5000", "kubelet", "v1", false)]
    [InlineData("Example.COM/kubelet:V1", "Example.COM", "kubelet", "V1", false)]
    [InlineData("example.com/kubelet@sha256:" + Hex, "example.com", "kubelet", null, true)]
    [InlineData("example.com/kubelet:v1@sha256:" + Hex, "example.com", "kubelet", "v1", true)]
    [InlineData("kubelet:v1", "docker.io", "library/kubelet", "v1", false)]
    [InlineData("gardener/kubelet:v1", "docker.io", "gardener/kubelet", "v1", false)]
    [InlineData("docker.io/kubelet:v1", "docker.io", "library/kubelet", "v1", false)]
    [InlineData("example.com/a.b_c__d-e--f/0:_x.-", "example.com", "a.b_c__d-e--f/0", "_x.-", false)]
    public void A_registry_has_a_host_a_repository_and_a_tag_or_a_digest(
        string text, string host, string repository, string? tag, bool hasDigest) =>
        Assert.Equal(
            new RegistryReference(host, repository, tag, hasDigest ? Digest.Of([]) : null),
            ImageReference.Parse(text));

    [Theory]
    [InlineData("oci:dir", "dir", null)]
    [InlineData("oci:dir:v1", "dir", "v1")]
    [InlineData("oci:/srv/images:v1.34.2", "/srv/images", "v1.34.2")]
    [InlineData("oci:./a:b:v1", "./a:b", "v1")]
    [InlineData("oci:/a:b/c", "/a:b/c", null)]
    [InlineData("oci:.", ".", null)]
    [InlineData("oci:with space:v1", "with space", "v1")]
    public void A_layout_has_a_directory_and_perhaps_a_tag(string text, string directory, string? tag)
    {
        var reference = ImageReference.Parse(text);

        Assert.Equal(new LayoutReference(directory, tag), reference);
        Assert.Equal(text, reference.ToString());
    }

    [Theory]
    [InlineData("oci:dir@sha256:" + Hex, "dir", null)]
    [InlineData("oci:/srv/images:v1.34.2@sha256:" + Hex, "/srv/images", "v1.34.2")]
    [InlineData("oci:a@b@sha256:" + Hex, "a@b", null)]
    public void A_layout_may_have_a_digest(string text, string directory, string? tag)
    {
        var reference = ImageReference.Parse(text);

        Assert.Equal(new LayoutReference(directory, tag, Digest.Of([])), reference);
        Assert.Equal(text, reference.ToString());
    }

    [Theory]
    [InlineData("oci-archive:f.tar", ArchiveFormat.Oci, "f.tar", null)]
    [InlineData("oci-archive:/a/f.tar:v1", ArchiveFormat.Oci, "/a/f.tar", "v1")]
    [InlineData("docker-archive:f.tar", ArchiveFormat.Docker, "f.tar", null)]
    [InlineData("docker-archive:f.tar:kubelet:v1", ArchiveFormat.Docker, "f.tar", "kubelet:v1")]
    [InlineData("docker-archive:f.tar:localhost:5000/a/b:v1", ArchiveFormat.Docker, "f.tar", "localhost:5000/a/b:v1")]
    public void An_archive_has_a_file_and_perhaps_a_name(string text, ArchiveFormat format, string file, string? name)
    {
        var reference = ImageReference.Parse(text);

        Assert.Equal(new ArchiveReference(format, file, name), reference);
        Assert.Equal(text, reference.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("kubelet")]
    [InlineData("example.com/kubelet")]
    [InlineData("docker://")]
    [InlineData("docker://example.com/kubelet")]
    [InlineData("https://example.com/kubelet:v1")]
    [InlineData("example.com/:v1")]
    [InlineData("example.com//kubelet:v1")]
    [InlineData("example.com/kubelet/:v1")]
    [InlineData("/kubelet:v1")]
    [InlineData("example.com/Kubelet:v1")]
    [InlineData("example.com/kubelet:")]
    [InlineData("example.com/kubelet:-v1")]
    [InlineData("example.com/kubelet:v1 ")]
    [InlineData("example.com/kubelet:v1\n")]
    [InlineData("example.com/kubelet:v+1")]
    [InlineData("example.com/kube..let:v1")]
    [InlineData("example.com/kube___let:v1")]
    [InlineData("example.com/-kubelet:v1")]
    [InlineData("example.com/kubelet_:v1")]
    [InlineData("example.com/../kubelet:v1")]
    [InlineData("example.com/kubelet@sha256:e3b0")]
    [InlineData("example.com/kubelet@sha512:" + Hex)]
    [InlineData("example.com/kubelet@")]
    [InlineData("example.com/kubelet:v1@v2")]
    [InlineData("user@example.com/kubelet:v1")]
    [InlineData("user:secret@example.com/kubelet:v1")]
    [InlineData("exa mple.com/kubelet:v1")]
    [InlineData("example.com:/kubelet:v1")]
    [InlineData("example.com:0/kubelet:v1")]
    [InlineData("example.com:65536/kubelet:v1")]
    [InlineData("example.com:http/kubelet:v1")]
    [InlineData(":5000/kubelet:v1")]
    [InlineData("[::1/kubelet:v1")]
    [InlineData("[]:5000/kubelet:v1")]
    [InlineData("[example.com]/kubelet:v1")]
    [InlineData("oci:")]
    [InlineData("oci::v1")]
    [InlineData("oci:dir:")]
    [InlineData("oci:d\0r:v1")]
    [InlineData("oci:@sha256:" + Hex)]
    [InlineData("oci:dir@sha256:e3b0")]
    [InlineData("oci:dir@sha256:")]
    [InlineData("oci:dir@sha256:" + Hex + ":v1")]
    [InlineData("oci-archive:f.tar@sha256:e3b0")]
    [InlineData("oci-archive:")]
    [InlineData("oci-archive::v1")]
    [InlineData("docker-archive:")]
    [InlineData("docker-archive::kubelet:v1")]
    [InlineData("docker-archive:f.tar:")]
    [InlineData("docker-archive:f.tar:kubelet")]
    [InlineData("docker-archive:f.tar:Kubelet:v1")]
    [InlineData("docker-archive:f.tar:kubelet@sha256:" + Hex)]
    [InlineData("docker-archive:f\0.tar")]
    public void What_is_no_reference_is_refused_and_quoted(string text)
    {
        var error = Assert.Throws<FormatException>(() => ImageReference.Parse(text));

        Assert.Contains($"'{text}'", error.Message, StringComparison.Ordinal);
        Assert.False(ImageReference.TryParse(text, null, out _));
    }

    [Theory]
    [InlineData("oci:dir@sha256:" + Hex)]
    [InlineData("oci:dir:v1@sha256:" + Hex)]
    [InlineData("oci-archive:f.tar@sha256:" + Hex)]
    [InlineData("oci-archive:f.tar:v1@sha256:" + Hex)]
    [InlineData("docker-archive:f.tar@sha256:" + Hex)]
    [InlineData("docker-archive:f.tar:kubelet:v1@sha256:" + Hex)]
    [InlineData("example.com/kubelet@sha256:" + Hex)]
    public void Every_transport_can_name_a_digest(string text)
    {
        var reference = ImageReference.Parse(text);

        Assert.Equal("sha256:" + Hex, reference.Pin.ToString());
        Assert.Equal(text, reference.ToString());
    }

    // A host that no URL can hold ends as a UriFormatException much later, which is a bug's exit code.
    [Theory]
    [InlineData("./kubelet:v1")]
    [InlineData("../kubelet:v1")]
    [InlineData(".../kubelet:v1")]
    [InlineData("example..com/kubelet:v1")]
    [InlineData("example.com:+5000/kubelet:v1")]
    [InlineData("example.com: 5000/kubelet:v1")]
    [InlineData("example.com:5000 /kubelet:v1")]
    [InlineData("[1.2.3.4]/kubelet:v1")]
    [InlineData("[1]:5000/kubelet:v1")]
    [InlineData("[[::1]]/kubelet:v1")]
    [InlineData("[[::1]:80]/kubelet:v1")]
    public void A_host_that_no_URL_can_hold_is_refused(string text) =>
        Assert.Throws<FormatException>(() => ImageReference.Parse(text));

    [Fact]
    public void A_tag_has_at_most_128_characters() =>
        Assert.Equal((true, false), (ImageReference.IsTag(new string('a', 128)), ImageReference.IsTag(new string('a', 129))));

    [Fact]
    public void A_repository_has_at_most_255_characters()
    {
        Assert.True(ImageReference.TryParse($"example.com/{new string('a', 255)}:v1", null, out _));
        Assert.False(ImageReference.TryParse($"example.com/{new string('a', 256)}:v1", null, out _));
    }

    [Fact]
    public void No_text_at_all_is_no_reference() =>
        Assert.False(ImageReference.TryParse(null, null, out _));

    [Theory]
    [InlineData("docker.io/library/kubelet:v1", "kubelet:v1")]
    [InlineData("docker.io/gardener/kubelet:v1", "gardener/kubelet:v1")]
    [InlineData("docker.io/library/a/b:v1", "library/a/b:v1")]
    [InlineData("example.com/library/kubelet:v1", "example.com/library/kubelet:v1")]
    [InlineData("localhost:5000/kubelet:v1@sha256:" + Hex, "localhost:5000/kubelet:v1@sha256:" + Hex)]
    public void The_familiar_form_is_the_one_that_docker_prints(string text, string familiar) =>
        Assert.Equal(familiar, Assert.IsType<RegistryReference>(ImageReference.Parse(text)).ToFamiliarString());

    [Theory]
    [InlineData("kubelet", "docker.io/library/kubelet")]
    [InlineData("kubelet:v1", "docker.io/library/kubelet:v1")]
    [InlineData("example.com/a/kubelet:v1", "example.com/a/kubelet:v1")]
    [InlineData("", null)]
    [InlineData("Kubelet", null)]
    [InlineData("kubelet@sha256:" + Hex, null)]
    public void A_local_name_needs_no_tag_and_takes_no_digest(string text, string? expected) =>
        Assert.Equal(expected, RegistryReference.TryParseLocalName(text)?.ToString());
}
