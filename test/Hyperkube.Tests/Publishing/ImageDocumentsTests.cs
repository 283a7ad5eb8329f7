using System.Text;
using Hyperkube.Documents;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layout;
using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Registry.Credentials;
using Hyperkube.Publishing;
using Hyperkube.Testing;
using Hyperkube.Tests.Images;

namespace Hyperkube.Tests.Publishing;

public sealed class ImageDocumentsTests : IDisposable
{
    private readonly TinyRelease _release = new();
    private readonly TempDirectory _directory = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _release.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_built_image_gets_a_list_of_parts_for_each_platform_and_one_provenance()
    {
        var (image, layout) = await BuildAsync();

        var attached = await AttachAsync(image, layout);

        Assert.Equal(
            ["application/spdx+json", "application/spdx+json", "application/vnd.in-toto+json"], attached.Select(a => a.Document.Type));
        Assert.All(attached, a => Assert.True(a.IsNew));
        foreach (var platform in image.Platforms)
        {
            var parts = Assert.Single(await layout.ReferrersAsync(platform.Manifest.Digest, Ct));
            Assert.Equal(SpdxDocument.MediaType, parts.ArtifactType);
            var manifest = await ManifestAsync(layout, parts);
            Assert.Equal(
                (SpdxDocument.MediaType, ImageDocument.EmptyType, platform.Manifest.Digest, SpdxDocument.MediaType, "sbom.spdx.json"),
                (manifest.ArtifactType, manifest.Config.MediaType, manifest.Subject!.Digest, manifest.Layers[0].MediaType,
                    manifest.Layers[0].Annotation(Annotations.Title)));
            Assert.Equal("{}", Encoding.UTF8.GetString(await layout.ReadDocumentAsync(manifest.Config, Ct)));
            Assert.Contains(platform.Binaries[0].Sha512, Encoding.UTF8.GetString(await layout.ReadDocumentAsync(manifest.Layers[0], Ct)), StringComparison.Ordinal);
        }

        var provenance = Assert.Single(await layout.ReferrersAsync(image.Index.Digest, Ct));
        Assert.Equal(ProvenanceStatement.PredicateType, provenance.Annotation("in-toto.io/predicate-type"));
    }

    [Fact]
    public async Task Attached_again_nothing_changes_and_elsewhere_the_bytes_are_the_same()
    {
        var (image, layout) = await BuildAsync();
        var first = await AttachAsync(image, layout);
        var files = _release.LayoutFiles.ToList();

        var again = await AttachAsync(image, layout);
        var other = await ImageLayout.OpenOrCreateAsync(_directory["other"], Ct);
        var elsewhere = await AttachAsync(image, other);

        Assert.All(again, a => Assert.False(a.IsNew));
        Assert.Equal(files, _release.LayoutFiles);
        Assert.Equal(first.Select(a => a.Manifest.Digest), elsewhere.Select(a => a.Manifest.Digest));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_registry_gets_them_with_the_image_or_afterwards(bool hasApi)
    {
        await using TestRegistry registry = new() { HasReferrersApi = hasApi };
        using RegistryClient client = new(new RegistryOptions
        {
            Credentials = new CredentialChain([], _ => { }),
            Proxy = new EnvironmentProxy(_ => null),
        });
        var (image, layout) = await BuildAsync();
        var attached = await AttachAsync(image, layout);
        var along = Open(client, registry, "along");
        var afterwards = Open(client, registry, "afterwards");

        await new ContentCopier(layout, along).CopyAsync(image.Index, withReferrers: true, Ct);
        await new ContentCopier(layout, afterwards).CopyAsync(image.Index, Ct);
        var later = await AttachAsync(image, afterwards);
        var again = await AttachAsync(image, Open(client, registry, "along"));

        Assert.Equal(attached.Select(a => (a.Manifest.Digest, true)), later.Select(a => (a.Manifest.Digest, a.IsNew)));
        Assert.Equal(attached.Select(a => (a.Manifest.Digest, false)), again.Select(a => (a.Manifest.Digest, a.IsNew)));
        foreach (var repository in (string[])["along", "afterwards"])
        {
            var read = Open(client, registry, repository);
            foreach (var document in attached)
            {
                var found = Assert.Single(await read.ReferrersAsync(document.Document.Subject.Digest, Ct));
                Assert.Equal(document.Manifest.Digest, found.Digest);
                if (!hasApi)
                {
                    Assert.Equal(document.Document.Type, found.ArtifactType); // Ours to write then; scanners choose by it.
                }
            }
        }
    }

    [Fact]
    public async Task Another_builders_provenance_is_another_document()
    {
        var (image, layout) = await BuildAsync();
        await AttachAsync(image, layout);

        var other = await AttachAsync(image, layout, new ProvenanceSettings { Builder = new Uri("https://ci.example.org/1") });

        Assert.Equal([false, false, true], other.Select(a => a.IsNew));
        Assert.Equal(2, (await layout.ReferrersAsync(image.Index.Digest, Ct)).Count);
    }

    [Fact]
    public async Task A_signer_signs_each_document_once_and_others_signatures_are_not_its_own()
    {
        var (image, layout) = await BuildAsync();
        EchoSigner ann = new("ann");
        EchoSigner bob = new("bob");

        var first = await AttachAsync(image, layout, signers: ann);
        var again = await AttachAsync(image, layout, signers: ann);
        var both = await AttachAsync(image, layout, signers: [ann, bob]);

        Assert.Equal((3, 3), (ann.Signed, bob.Signed));
        Assert.Equal([true, true, true, true, true, true], first.Select(a => a.IsNew));
        Assert.All(again, a => Assert.False(a.IsNew));
        Assert.Equal(first.Select(a => a.Manifest.Digest), again.Select(a => a.Manifest.Digest));
        Assert.Equal(3, both.Count(a => a.IsNew));
        var signature = await ManifestAsync(layout, first[1].Manifest);
        Assert.Equal(
            (ImageDocuments.BundleType, "dsse-envelope", SpdxDocument.PredicateType),
            (signature.ArtifactType, signature.Annotations!["dev.sigstore.bundle.content"], signature.Annotations["dev.sigstore.bundle.predicateType"]));
        Assert.Equal(ProvenanceStatement.PredicateType, first[5].Manifest.Annotation("dev.sigstore.bundle.predicateType"));
    }

    [Fact]
    public async Task What_is_signed_of_a_list_of_parts_is_a_statement_that_holds_it()
    {
        var (image, layout) = await BuildAsync();
        EchoSigner ann = new("ann");

        await AttachAsync(image, layout, signers: ann);

        using var statement = System.Text.Json.JsonDocument.Parse(ann.Last.AsMemory("ann"u8.Length));
        Assert.Equal("https://in-toto.io/Statement/v1", statement.RootElement.GetProperty("_type").GetString());
    }

    private static RemoteRepository Open(RegistryClient client, TestRegistry registry, string name) =>
        client.Repository(name, [new RegistryHost { Root = registry.Root }]);

    private async Task<(NodeImage Image, ImageLayout Layout)> BuildAsync() => (await _release.BuildAsync(), await _release.LayoutAsync());

    private static Task<IReadOnlyList<AttachedDocument>> AttachAsync<T>(
        NodeImage image, T place, ProvenanceSettings? settings = null, params IReadOnlyList<IStatementSigner> signers)
        where T : IContentSource, IContentDestination =>
        new ImageDocuments(place, place).AttachAsync(
            ImageDocument.Of(image, list: null, DateTimeOffset.UnixEpoch, settings ?? new ProvenanceSettings()), signers, Ct);

    private static async Task<ImageManifest> ManifestAsync(ImageLayout layout, Descriptor manifest) =>
        OciJson.ReadManifest(await layout.ReadDocumentAsync(manifest, Ct), "manifest");

    /// <summary>Its signature is its name.</summary>
    private sealed class EchoSigner(string name) : IStatementSigner
    {
        internal int Signed { get; private set; }

        internal byte[] Last { get; private set; } = [];

        public Task<ReadOnlyMemory<byte>> SignAsync(ReadOnlyMemory<byte> statement, CancellationToken cancellationToken)
        {
            Signed++;
            Last = [.. Encoding.UTF8.GetBytes(name), .. statement.Span];
            return Task.FromResult<ReadOnlyMemory<byte>>(Last);
        }

        public bool HasSigned(ReadOnlyMemory<byte> bundle, ReadOnlyMemory<byte> statement) =>
            bundle.Span.SequenceEqual((byte[])[.. Encoding.UTF8.GetBytes(name), .. statement.Span]);
    }
}
