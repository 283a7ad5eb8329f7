using System.Collections.Immutable;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layers;
using Hyperkube.Releases;

namespace Hyperkube.Images;

/// <summary>What goes into a node image, and what the image says of itself. Pure: no clock, no disk.</summary>
/// <remarks>Every choice here is a promise to those who pin digests.</remarks>
public static class NodeImageRecipe
{
    /// <summary>On a binary's layer: the file's path in the image.</summary>
    public const string FilePath = "dev.hyperkube.file.path";

    /// <summary>On a binary's layer: the file's SHA-256, 64 hex digits.</summary>
    public const string FileSha256 = "dev.hyperkube.file.sha256";

    /// <summary>On a binary's layer: the file's size in bytes.</summary>
    public const string FileSize = "dev.hyperkube.file.size";

    private const string SleepPath = "sleep";
    private const string NonRoot = "65532:65532"; // The "nonroot" of distroless images, which consumers run as.

    /// <summary>Where the evidence about a binary is, without a slash in front.</summary>
    /// <param name="name">The binary's name.</param>
    public static string EvidencePath(string name) => $"{name}.sigstore.json";

    /// <summary>The first layer: a few KiB, which a reader decides by before it fetches the others.</summary>
    /// <param name="platform">For what.</param>
    /// <param name="binaries">What the other layers hold; the evidence about it goes into this one.</param>
    public static IReadOnlyList<LayerFile> FirstLayer(Platform platform, IEnumerable<VerifiedBinary> binaries) =>
    [
        .. binaries.Where(b => b.Evidence is not null)
            .Select(b => FileOf(EvidencePath(b.File.Name.Text), FileModes.Plain, b.Evidence!.Bundle))
            .Append(FileOf(SleepPath, FileModes.Executable, SleepProgram.For(platform))),
    ];

    /// <summary>When an image was made: when the latest signature in it was, which no clock here decides.</summary>
    /// <param name="binaries">What is in it.</param>
    /// <param name="otherwise">What it says when nothing in it is signed.</param>
    public static DateTimeOffset Created(IEnumerable<VerifiedBinary> binaries, DateTimeOffset otherwise) =>
        binaries.Select(b => b.Evidence?.Proof.SignedAt).Max() ?? otherwise;

    private static LayerFile FileOf(string path, UnixFileMode mode, ReadOnlyMemory<byte> content)
    {
        var bytes = content.ToArray();
        return new LayerFile(path, mode, Descriptor.Of(MediaTypes.Bytes, bytes), () => new MemoryStream(bytes, writable: false));
    }

    /// <summary>The layer of one binary.</summary>
    public static IReadOnlyList<LayerFile> BinaryLayer(VerifiedBinary binary) =>
    [
        new LayerFile(
            binary.File.Name.Text,
            FileModes.Executable,
            new Descriptor(MediaTypes.Bytes, binary.Digest, binary.Size),
            binary.OpenRead,
            binary.Path),
    ];

    /// <summary>What a binary's layer says of it, so that a host knows without a download that it is up to date.</summary>
    public static ImmutableSortedDictionary<string, string> BinaryAnnotations(VerifiedBinary binary) => Annotations.Of(
    [
        new(FilePath, $"/{binary.File.Name}"),
        new(FileSha256, binary.Digest.Hex),
        new(FileSize, binary.Size.ToString(System.Globalization.CultureInfo.InvariantCulture)),
    ]);

    /// <summary>Makes the image of one platform from its layers.</summary>
    /// <param name="version">Of which release.</param>
    /// <param name="platform">For what.</param>
    /// <param name="created">The time that config, history and annotations carry.</param>
    /// <param name="first">The layer of <see cref="FirstLayer"/>.</param>
    /// <param name="binaries">The binaries' layers.</param>
    public static Image Image(
        KubernetesVersion version, Platform platform, DateTimeOffset created, Layer first,
        IEnumerable<(BinaryName Name, Layer Layer)> binaries)
    {
        var ordered = binaries.OrderBy(b => b.Name).ToList();
        var annotations = ImageAnnotations(version, created, ordered.Select(b => b.Name));
        ImageSettings settings = new()
        {
            Platform = platform,
            Created = created,
            Container = new ContainerConfig { User = NonRoot, Entrypoint = [$"/{SleepPath}"], Labels = annotations },
            Annotations = annotations,
        };
        return ImageBuilder.Build(settings, [(first, $"/{SleepPath}"), .. ordered.Select(b => (b.Layer, $"/{b.Name}"))]);
    }

    /// <summary>What index, manifests and labels say: which release this is, and whose.</summary>
    public static ImmutableSortedDictionary<string, string> ImageAnnotations(
        KubernetesVersion version, DateTimeOffset created, IEnumerable<BinaryName> names) => Annotations.Of(
    [
        new(Annotations.Created, ImageBuilder.Rfc3339(created)),
        new(Annotations.Description, $"Kubernetes node binaries: {string.Join(", ", names.Order())}"),
        new(Annotations.Licenses, "Apache-2.0"),
        new(Annotations.Source, "https://github.com/kubernetes/kubernetes"),
        new(Annotations.Title, "hyperkube"),
        new(Annotations.Url, "https://kubernetes.io/releases/"),
        new(Annotations.Vendor, "The Kubernetes Authors"),
        new(Annotations.Version, version.ToString()),
    ]);
}
