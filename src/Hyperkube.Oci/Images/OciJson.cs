using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Hyperkube.Oci.Images;

/// <summary>Writes and reads the documents of images.</summary>
/// <remarks>
/// Digests depend on every byte, so the form is fixed: fields in the order of the records, no white space, no
/// newline at the end, and Go's escaping, which leaves <c>+</c> alone and escapes <c>&lt;</c>, <c>&gt;</c> and
/// <c>&amp;</c>, so that a document looks as other tools of this field would write it.
/// </remarks>
public static class OciJson
{
    /// <summary>The largest document that is read: 4 MiB, the limit that registries set for manifests.</summary>
    public const int MaxDocumentBytes = 4 << 20;

    private static readonly OciJsonContext Context = new(new JsonSerializerOptions(OciJsonContext.Default.Options)
    {
        Encoder = GoJsonEncoder.Instance,
        AllowDuplicateProperties = false, // Two readers that take another one of two fields see two images.
    });

    /// <summary>The bytes of a manifest.</summary>
    public static byte[] Write(ImageManifest manifest) => Write(manifest, Context.ImageManifest);

    /// <summary>The bytes of an index.</summary>
    public static byte[] Write(ImageIndex index) => Write(index, Context.ImageIndex);

    /// <summary>The bytes of a config.</summary>
    public static byte[] Write(ImageConfig config) => Write(config, Context.ImageConfig);

    internal static byte[] Write(IReadOnlyList<Layout.DockerArchiveImage> images) =>
        Write(images, Context.IReadOnlyListDockerArchiveImage);

    /// <summary>Reads a manifest.</summary>
    /// <exception cref="HyperkubeException">It is none (<see cref="ErrorKind.BadContent"/>).</exception>
    public static ImageManifest ReadManifest(ReadOnlySpan<byte> json, string where) =>
        Checked(Read(json, Context.ImageManifest, where, "an image manifest"), where);

    /// <summary>Reads an index.</summary>
    /// <exception cref="HyperkubeException">It is none (<see cref="ErrorKind.BadContent"/>).</exception>
    public static ImageIndex ReadIndex(ReadOnlySpan<byte> json, string where) =>
        Checked(Read(json, Context.ImageIndex, where, "an image index"), where);

    /// <summary>Reads a config.</summary>
    /// <exception cref="HyperkubeException">It is none (<see cref="ErrorKind.BadContent"/>).</exception>
    public static ImageConfig ReadConfig(ReadOnlySpan<byte> json, string where) =>
        Read(json, Context.ImageConfig, where, "an image config");

    /// <summary>What a manifest or an index names, in order: a parent cannot be used without these.</summary>
    public static IReadOnlyList<Descriptor> Children(Descriptor parent, ReadOnlySpan<byte> json)
    {
        ArgumentNullException.ThrowIfNull(parent);
        var where = parent.Digest.ToString();
        if (MediaTypes.IsIndex(parent.MediaType))
        {
            return ReadIndex(json, where).Manifests;
        }

        if (MediaTypes.IsManifest(parent.MediaType))
        {
            var manifest = ReadManifest(json, where);
            return [manifest.Config, .. manifest.Layers];
        }

        return [];
    }

    private static byte[] Write<T>(T document, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(document, type);

    private static T Read<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type, string where, string what)
    {
        try
        {
            return JsonSerializer.Deserialize(json, type)
                ?? throw new JsonException("the document is null");
        }
        catch (JsonException e)
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"{where}: expected {what}: {e.Message}", e);
        }
    }

    private static ImageManifest Checked(ImageManifest manifest, string where)
    {
        CheckMediaType(manifest.MediaType is null || MediaTypes.IsManifest(manifest.MediaType), manifest.MediaType, where);
        CheckNamed([manifest.Config, .. manifest.Layers, .. Listed(manifest.Subject)], where);
        return manifest.Manifests is null ? manifest : throw Both(where);
    }

    private static ImageIndex Checked(ImageIndex index, string where)
    {
        CheckMediaType(index.MediaType is null || MediaTypes.IsIndex(index.MediaType), index.MediaType, where);
        CheckNamed([.. index.Manifests, .. Listed(index.Subject)], where);
        if (index.Extra?.Keys.Any(k => k is "config" or "layers") == true)
        {
            throw Both(where);
        }

        try
        {
            _ = Write(index); // What cannot be written back, half a character for example, must not be taken in.
            return index;
        }
        catch (JsonException e)
        {
            throw new HyperkubeException(
                ErrorKind.BadContent, $"{where}: expected an image index: {e.InnerException?.Message ?? e.Message}", e);
        }
    }

    private static Descriptor[] Listed(Descriptor? one) => one is null ? [] : [one];

    private static HyperkubeException Both(string where) =>
        new(ErrorKind.BadContent, $"{where}: a manifest and an index in one document; expected one of them");

    // A document that calls itself something else would be read in two ways by two readers.
    private static void CheckMediaType(bool matches, string? mediaType, string where)
    {
        if (!matches)
        {
            throw new HyperkubeException(
                ErrorKind.BadContent, $"{where}: the document calls itself '{mediaType}', its parent called it otherwise");
        }
    }

    private static void CheckNamed(IReadOnlyList<Descriptor?> named, string where)
    {
        foreach (var child in named)
        {
            if (child is not { Size: >= 0 })
            {
                throw new HyperkubeException(ErrorKind.BadContent, child is null
                    ? $"{where}: names a descriptor that is null"
                    : $"{where}: {child.Digest} has a size of {child.Size} bytes");
            }
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ImageManifest))]
[JsonSerializable(typeof(ImageIndex))]
[JsonSerializable(typeof(ImageConfig))]
[JsonSerializable(typeof(IReadOnlyList<Layout.DockerArchiveImage>))]
internal sealed partial class OciJsonContext : JsonSerializerContext;
