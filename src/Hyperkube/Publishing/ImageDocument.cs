using Hyperkube.Documents;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Images;

namespace Hyperkube.Publishing;

/// <summary>A document about a manifest, to be attached to it: the manifest of an artifact, with the document as its only layer.</summary>
/// <remarks>Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidelines-for-artifact-usage</remarks>
public sealed record ImageDocument
{
    /// <summary>The media type of the config of what has none.</summary>
    public const string EmptyType = "application/vnd.oci.empty.v1+json";

    /// <summary>In annotations: what kind of statement it is.</summary>
    public const string PredicateTypeAnnotation = "in-toto.io/predicate-type";

    /// <summary>The manifest it says something about.</summary>
    public required Descriptor Subject { get; init; }

    /// <summary>What kind of document it is: the type of the artifact, and the media type of its layer.</summary>
    public required string Type { get; init; }

    /// <summary>The document.</summary>
    public required ReadOnlyMemory<byte> Content { get; init; }

    /// <summary>What the artifact says of itself.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Annotations { get; init; } = [];

    /// <summary>The name under which <c>oras pull</c> writes it.</summary>
    public required string FileName { get; init; }

    /// <summary>What is signed in its place: itself, or a statement that holds it; null where it is signed already.</summary>
    public ReadOnlyMemory<byte>? Statement { get; init; }

    /// <summary>The config of what has none.</summary>
    internal static byte[] Empty { get; } = [.. "{}"u8];

    /// <summary>Everything there is to say about a node image: of each platform the list of parts, of all together the provenance.
    /// </summary>
    /// <param name="image">The image; its binaries are read.</param>
    /// <param name="list">The digest of the release's signed list of files; null when it was not there.</param>
    /// <param name="created">The time that the image carries if nothing in it is signed.</param>
    /// <param name="settings">Who built it.</param>
    public static IReadOnlyList<ImageDocument> Of(NodeImage image, Digest? list, DateTimeOffset created, ProvenanceSettings settings)
    {
        ArgumentNullException.ThrowIfNull(image);
        List<ImageDocument> documents = [];
        List<DocumentedBinary> all = [];
        foreach (var platform in image.Platforms)
        {
            List<DocumentedBinary> binaries = [.. platform.Binaries.Select(DocumentedBinary.Read)];
            var time = NodeImageRecipe.Created(platform.Binaries, created);
            documents.Add(PartsOf(platform.Manifest, SpdxDocument.Write(platform.Manifest, image.Version, time, binaries), image, time));
            all.AddRange(binaries);
        }

        var statement = ProvenanceStatement.Write(image, all, list, settings);
        documents.Add(new ImageDocument
        {
            Subject = image.Index,
            Type = Documents.Statement.MediaType,
            Content = statement,
            FileName = "provenance.intoto.json",
            Annotations =
            [
                new(PredicateTypeAnnotation, ProvenanceStatement.PredicateType),
                CreatedAt(NodeImageRecipe.Created(image.Platforms.SelectMany(p => p.Binaries), created)),
            ],
            Statement = statement,
        });
        return documents;
    }

    /// <summary>Its manifest: the same document about the same subject has the same.</summary>
    internal (Descriptor Manifest, byte[] Json, Descriptor Layer) Build()
    {
        var layer = Descriptor.Of(Type, Content.Span) with { Annotations = Oci.Annotations.Of([new(Oci.Annotations.Title, FileName)]) };
        ImageManifest manifest = new()
        {
            MediaType = MediaTypes.Manifest,
            ArtifactType = Type,
            Config = Descriptor.Of(EmptyType, Empty),
            Layers = [layer],
            Subject = new Descriptor(Subject.MediaType, Subject.Digest, Subject.Size),
            Annotations = Oci.Annotations.Of(Annotations),
        };
        var json = OciJson.Write(manifest);
        var descriptor = Descriptor.Of(MediaTypes.Manifest, json) with { ArtifactType = Type, Annotations = manifest.Annotations };
        return (descriptor, json, layer);
    }

    private static ImageDocument PartsOf(Descriptor manifest, byte[] document, NodeImage image, DateTimeOffset created) => new()
    {
        Subject = manifest,
        Type = SpdxDocument.MediaType,
        Content = document,
        FileName = "sbom.spdx.json",
        Annotations = [CreatedAt(created)],
        Statement = Documents.Statement.Write(
            [($"{SpdxDocument.ImageName}:{image.Version} {manifest.Platform}", manifest.Digest)], SpdxDocument.PredicateType, document),
    };

    private static KeyValuePair<string, string> CreatedAt(DateTimeOffset time) => new(Oci.Annotations.Created, ImageBuilder.Rfc3339(time));
}
