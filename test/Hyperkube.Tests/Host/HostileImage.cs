using System.Collections.Immutable;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Images;
using Hyperkube.Testing;
using ZstdSharp;

namespace Hyperkube.Tests.Host;

/// <summary>A layer about which anything may be a lie.</summary>
/// <param name="Tar">What is in it.</param>
internal sealed record HostileLayer(byte[] Tar)
{
    /// <summary>The compressed bytes; the tar with gzip unless told.</summary>
    internal byte[] Blob { get; init; } = HostilePack.Gzip(Tar);

    internal string MediaType { get; init; } = MediaTypes.GzipLayer;

    /// <summary>What the config says; the tar's unless told.</summary>
    internal Digest? DiffId { get; init; }

    /// <summary>What the manifest says; the blob's unless told.</summary>
    internal Digest? Digest { get; init; }

    /// <summary>What the manifest says; the blob's unless told.</summary>
    internal long? Size { get; init; }

    /// <summary>Whether the blob is nowhere.</summary>
    internal bool IsMissing { get; init; }

    internal ImmutableSortedDictionary<string, string>? Annotations { get; init; }

    internal Digest ToldDigest => Digest ?? Oci.Digest.Of(Blob);

    /// <summary>A good layer of entries, with the end of a tar.</summary>
    internal static HostileLayer Of(params byte[][] entries) => new(HostileTar.Concat([.. entries, HostileTar.End]));

    /// <summary>A layer whose blob is not what its tar would become.</summary>
    internal HostileLayer Packed(byte[] blob, string mediaType = MediaTypes.GzipLayer) => this with { Blob = blob, MediaType = mediaType };

    internal HostileLayer Zstd(params byte[][] frames) => Packed(HostileTar.Concat(frames), MediaTypes.ZstdLayer);

    /// <summary>With annotations as ours has them, right or not.</summary>
    internal HostileLayer Claiming(string path, string sha256, string size) => this with
    {
        Annotations = ImmutableSortedDictionary<string, string>.Empty
            .Add(NodeImageRecipe.FilePath, path).Add(NodeImageRecipe.FileSha256, sha256).Add(NodeImageRecipe.FileSize, size),
    };

    internal HostileLayer Claiming(string path, byte[] content, long? size = null) =>
        Claiming(path, Oci.Digest.Of(content).Hex, (size ?? content.Length).ToString(CultureInfo.InvariantCulture));
}

/// <summary>An image about which anything may be a lie, and where it can be had.</summary>
internal sealed record HostileImage
{
    internal const string Tag = "v1.36.4";

    internal static Platform Amd64 { get; } = new("linux", "amd64");

    internal IReadOnlyList<HostileLayer> Layers { get; init; } = [];

    /// <summary>The path in the image that is asked for.</summary>
    internal string Path { get; init; } = "kubelet";

    /// <summary>What the config says.</summary>
    internal Platform ConfigPlatform { get; init; } = Amd64;

    /// <summary>What the index says; null for no index.</summary>
    internal Platform? IndexPlatform { get; init; } = Amd64;

    internal string ManifestType { get; init; } = MediaTypes.Manifest;

    internal string IndexType { get; init; } = MediaTypes.Index;

    /// <summary>What the index says of the manifest.</summary>
    internal string? ChildType { get; init; }

    internal Func<IReadOnlyList<Digest>, IReadOnlyList<Digest>> DiffIds { get; init; } = ids => ids;

    internal Func<string, string> Config { get; init; } = json => json;

    internal Func<string, string> Manifest { get; init; } = json => json;

    internal Func<string, string> Index { get; init; } = json => json;

    /// <summary>Changes what is stored, not what it is called.</summary>
    internal Func<Descriptor, byte[], byte[]?> Store { get; init; } = (_, content) => content;

    internal static HostileImage Of(params HostileLayer[] layers) => new() { Layers = layers };

    /// <summary>One good layer of the given entries.</summary>
    internal static HostileImage Of(params byte[][] entries) => Of(HostileLayer.Of(entries));

    /// <summary>Writes it as a layout.</summary>
    internal void WriteTo(string directory)
    {
        var (root, content) = Documents();
        Directory.CreateDirectory(System.IO.Path.Combine(directory, "blobs", "sha256"));
        foreach (var (digest, bytes) in content.Where(c => c.Value.Content is not null))
        {
            File.WriteAllBytes(System.IO.Path.Combine(directory, "blobs", "sha256", digest.Hex), bytes.Content!);
        }

        File.WriteAllText(System.IO.Path.Combine(directory, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
        var tagged = root with { Annotations = ImmutableSortedDictionary<string, string>.Empty.Add(Annotations.RefName, Tag) };
        File.WriteAllBytes(System.IO.Path.Combine(directory, "index.json"), OciJson.Write(new ImageIndex { Manifests = [tagged] }));
    }

    /// <summary>Lets a registry give it, whatever the digests say.</summary>
    internal Digest ServeAt(TestRegistry registry)
    {
        var (root, content) = Documents();
        registry.Intercept = call =>
        {
            var name = call.Path[(call.Path.LastIndexOf('/') + 1)..];
            return (name == Tag ? root.Digest : Digest.TryParse(name, null, out var named) ? named : (Digest?)null) is not { } digest
                || !content.TryGetValue(digest, out var there) || there.Content is null ? null
                : call.IsBlob ? SiteAnswer.Part(there.Content, call.Header("Range"))
                : (new SiteAnswer { Body = there.Content }).With("Content-Type", there.MediaType)
                    .With("Docker-Content-Digest", digest.ToString());
        };
        return root.Digest;
    }

    private (Descriptor Root, Dictionary<Digest, (byte[]? Content, string MediaType)> Content) Documents()
    {
        Dictionary<Digest, (byte[]?, string)> content = [];
        Descriptor Add(string mediaType, byte[] bytes)
        {
            var descriptor = Descriptor.Of(mediaType, bytes);
            content[descriptor.Digest] = (Store(descriptor, bytes), mediaType);
            return descriptor;
        }

        foreach (var layer in Layers)
        {
            content[layer.ToldDigest] = (layer.IsMissing ? null : layer.Blob, layer.MediaType);
        }

        var config = Add(MediaTypes.Config, Bytes(Config(Text(OciJson.Write(new ImageConfig
        {
            Os = ConfigPlatform.Os,
            Architecture = ConfigPlatform.Architecture,
            RootFileSystem = new RootFileSystem("layers", DiffIds([.. Layers.Select(l => l.DiffId ?? Digest.Of(l.Tar))])),
        })))));
        var root = Add(ManifestType, Bytes(Manifest(Text(OciJson.Write(new ImageManifest
        {
            MediaType = ManifestType,
            Config = config,
            Layers =
            [
                .. Layers.Select(l => new Descriptor(l.MediaType, l.ToldDigest, l.Size ?? l.Blob.Length) { Annotations = l.Annotations }),
            ],
        })))));
        if (IndexPlatform is not null)
        {
            var child = root with { Platform = IndexPlatform, MediaType = ChildType ?? root.MediaType };
            root = Add(IndexType, Bytes(Index(Text(OciJson.Write(new ImageIndex { MediaType = IndexType, Manifests = [child] })))));
        }

        return (root, content);
    }

    private static string Text(byte[] json) => Encoding.UTF8.GetString(json);

    private static byte[] Bytes(string json) => Encoding.UTF8.GetBytes(json);
}

/// <summary>Compression by others than ourselves.</summary>
internal static class HostilePack
{
    /// <summary>One member.</summary>
    internal static byte[] Gzip(byte[] content) => Gzip(content, CompressionLevel.Fastest);

    internal static byte[] Gzip(byte[] content, CompressionLevel level)
    {
        if (content.Length == 0)
        {
            return [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]; // The runtime would write nothing at all.
        }

        using MemoryStream blob = new();
#pragma warning disable RS0030 // Another writer: any bytes that it makes will do.
        using (Stream gzip = new GZipStream(blob, level))
#pragma warning restore RS0030
        {
            gzip.Write(content);
        }

        return blob.ToArray();
    }

    /// <summary>One frame.</summary>
    internal static byte[] Zstd(byte[] content)
    {
        using Compressor compressor = new(1);
        return compressor.Wrap(content).ToArray();
    }

    /// <summary>A frame that readers pass over.</summary>
    internal static byte[] Skippable(int bytes)
    {
        var frame = new byte[8 + bytes];
        new byte[] { 0x5a, 0x2a, 0x4d, 0x18 }.CopyTo(frame, 0);
        BitConverter.TryWriteBytes(frame.AsSpan(4), bytes);
        return frame;
    }

    /// <summary>A frame by hand: raw blocks, after a header that asks for a window.</summary>
    internal static byte[] ZstdRaw(byte[] content, byte windowDescriptor, byte descriptor = 0, byte[]? extra = null)
    {
        using MemoryStream frame = new();
        frame.Write([0x28, 0xb5, 0x2f, 0xfd, descriptor, windowDescriptor]);
        frame.Write(extra ?? []);
        const int Most = 1 << 10; // No window is smaller.
        for (var at = 0; at < content.Length; at += Most)
        {
            var count = Math.Min(Most, content.Length - at);
            var block = (count << 3) | (at + count == content.Length ? 1 : 0);
            frame.Write([(byte)block, (byte)(block >> 8), (byte)(block >> 16)]);
            frame.Write(content, at, count);
        }

        return frame.ToArray();
    }

    internal static byte[] Repeated(byte[] part, int times) => HostileTar.Concat(Enumerable.Repeat(part, times));
}
