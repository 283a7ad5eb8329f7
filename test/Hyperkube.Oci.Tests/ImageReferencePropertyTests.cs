using CsCheck;
using Hyperkube.Oci.Layout;

namespace Hyperkube.Oci.Tests;

public sealed class ImageReferencePropertyTests
{
    private static readonly Gen<string> Letters = Gen.String[Gen.Char["abcz09"], 1, 6];

    private static readonly Gen<string> Part = Gen.Select(Letters, Gen.OneOf("", ".", "_", "__", "-", "--"), Letters)
        .Select((a, separator, b) => a + separator + b);

    private static readonly Gen<string> Host = Gen.OneOf(
        Gen.OneOf("localhost", "example.com", "10.0.0.1", "[::1]", "[fd00:0:0:1::2]:443", "localhost:1", "a-b.C:65535"),
        Gen.Select(Letters, Gen.Int[1, 65535]).Select((name, port) => $"{name}:{port}"));

    private static readonly Gen<string> Tag =
        Gen.Select(Gen.Char["aZ0_"], Gen.String[Gen.Char["aZ0_.-"], 0, 127]).Select((first, rest) => first + rest);

    private static readonly Gen<Digest> SomeDigest = Gen.Byte.Array[32].Select(hash => Digest.FromHash(hash));

    private static readonly Gen<string> Path =
        Gen.String[Gen.Char["ab/. -@"], 1, 20];

    private static readonly Gen<ImageReference> Registry = Gen.Select(
        Host, Part.Array[1, 4], Gen.Null(Tag), SomeDigest, Gen.Bool).Select(ImageReference (host, parts, tag, digest, hasDigest) =>
            new RegistryReference(host, string.Join('/', parts), tag, hasDigest || tag is null ? digest : null));

    private static readonly Gen<ImageReference> Layout =
        Gen.Select(Path, Gen.Null(Tag), SomeDigest, Gen.Bool).Select(ImageReference (path, tag, digest, hasDigest) =>
            new LayoutReference(path, tag, hasDigest ? digest : null));

    private static readonly Gen<ImageReference> Archive = Gen.OneOf(
        Gen.Select(Path, Gen.Null(Tag)).Select(ImageReference (path, tag) => new ArchiveReference(ArchiveFormat.Oci, path, tag)),
        Gen.Select(Path, Host, Part, Tag).Select(ImageReference (path, host, repository, tag) =>
            new ArchiveReference(ArchiveFormat.Docker, path, $"{host}/{repository}:{tag}")));

    // Text made of what the parser looks at, which random characters would never put together.
    private static readonly Gen<string> NearlyReference = Gen.OneOf(
        "oci:", "oci-archive:", "docker-archive:", "docker://", ":", "::", "/", "//", "@", "sha256:", "[", "]", "[::1]", ".", "..", "-",
        "_", "localhost", "docker.io", "library", "a", "A", "0", "5000", "99999", " ", "\n", "\0", "%", "é", "\ud800", new string('a', 64))
        .Array[0, 8].Select(string.Concat);

    [Fact]
    public void Parse_undoes_ToString_for_any_reference() =>
        Gen.OneOf(Registry, Layout, Archive).Sample(
            reference => Assert.Equal(reference, ImageReference.Parse(reference.ToString())), iter: 2000);

    [Fact]
    public void What_parses_prints_as_what_it_parsed_to() =>
        NearlyReference.Sample(
            text =>
            {
                if (ImageReference.TryParse(text, null, out var reference))
                {
                    Assert.Equal(reference, ImageReference.Parse(reference.ToString()));
                }
            }, iter: 20_000);

    [Fact]
    public void Parse_throws_nothing_but_FormatException() =>
        Gen.OneOf(Gen.String, NearlyReference).Sample(
            text => ImageReference.TryParse(text, null, out _)
                || Assert.Throws<FormatException>(() => ImageReference.Parse(text)) is not null,
            iter: 5000);

    // A registry whose name is that of a transport can only be written with docker:// in front.
    [Theory]
    [InlineData("docker://oci:5000/kubelet:v1")]
    [InlineData("docker://oci-archive:5000/kubelet:v1")]
    [InlineData("docker://docker-archive:5000/kubelet:v1")]
    public void A_registry_named_like_a_transport_prints_as_a_registry(string text)
    {
        var reference = ImageReference.Parse(text);

        Assert.Equal(reference, ImageReference.Parse(reference.ToString()));
    }

    [Fact]
    public void The_familiar_form_means_the_same_image() =>
        // No account of Docker Hub has a dot in its name, which would make it a host.
        Gen.Select(
            Gen.OneOf(Host, Gen.Const("docker.io")),
            Part.Array[1, 3].Where(parts => !parts[0].Contains('.', StringComparison.Ordinal)),
            Tag,
            Gen.Bool)
            .Select((host, parts, tag, inLibrary) => ImageReference.Parse(
                $"{host}/{(inLibrary ? "library/" : "")}{string.Join('/', parts)}:{tag}"))
            .Sample(
                reference => Assert.Equal(
                    reference, RegistryReference.TryParseLocalName(Assert.IsType<RegistryReference>(reference).ToFamiliarString())),
                iter: 1000);
}
