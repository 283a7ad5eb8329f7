using System.Collections.Immutable;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Registry;
using Hyperkube.Releases;

namespace Hyperkube.Publishing;

/// <summary>What a registry has of a release, by the image's documents alone: no layer is read.</summary>
/// <param name="Version">Which.</param>
/// <param name="Root">What the tag stands for.</param>
/// <param name="Annotations">What the image says of itself.</param>
/// <param name="Platforms">One for each platform.</param>
public sealed record PublishedRelease(
    KubernetesVersion Version, Descriptor Root, ImmutableSortedDictionary<string, string> Annotations,
    IReadOnlyList<PublishedPlatform> Platforms)
{
    /// <summary>Upstream knows seven; more are a flood of requests.</summary>
    private const int MaxPlatforms = 64;

    /// <summary>A tebibyte: far more than any registry takes.</summary>
    private const long MaxContentBytes = 1L << 40;

    /// <summary>Whether we built it: every platform records its binaries. What others built is left alone.</summary>
    public bool IsOurs => Platforms.Count > 0 && Platforms.All(p => p.Binaries.Count > 0);

    /// <summary>The binaries that it records and that upstream may have, each once.</summary>
    public IEnumerable<ReleaseFile> Files => Platforms.SelectMany(p => p.Binaries).Select(b => b.File)
        .Where(f => SleepProgram.Platforms.Any(p => (p.Os, p.Architecture) == (f.Platform.Os, f.Platform.Architecture))).Distinct();

    /// <summary>Compressed bytes of everything together.</summary>
    public long Size => Root.Size + Platforms.Sum(p => p.Size);

    /// <summary>Reads the documents of an image.</summary>
    /// <returns>Null when the tag is not there.</returns>
    public static async Task<PublishedRelease?> ReadAsync(
        RemoteRepository repository, KubernetesVersion version, string tag, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(repository);
        if (await repository.FetchRootAsync(tag, cancellationToken).ConfigureAwait(false) is not { } root)
        {
            return null;
        }

        var document = await repository.ReadDocumentAsync(root, cancellationToken).ConfigureAwait(false);
        if (MediaTypes.IsManifest(root.MediaType))
        {
            var only = OciJson.ReadManifest(document, tag);
            var platform = await PlatformOfAsync(repository, only, cancellationToken).ConfigureAwait(false);
            return new PublishedRelease(version, root, Oci.Annotations.Of(only.Annotations), [Read(version, root, platform, only)]);
        }

        var index = OciJson.ReadIndex(document, tag);
        List<PublishedPlatform> platforms = [];
        var images = index.Manifests
            .Where(m => MediaTypes.IsManifest(m.MediaType) && m.Platform is not (null or { Os: "unknown" })).ToList();
        if (images.Count > MaxPlatforms)
        {
            throw new HyperkubeException(
                ErrorKind.BadContent, $"{repository.Name}:{tag}: {images.Count} images; expected at most {MaxPlatforms}");
        }

        foreach (var child in images)
        {
            var manifest = OciJson.ReadManifest(
                await repository.ReadDocumentAsync(child, cancellationToken).ConfigureAwait(false), child.Digest.ToString());
            platforms.Add(Read(version, child, child.Platform!, manifest));
        }

        return new PublishedRelease(version, root, Oci.Annotations.Of(index.Annotations), platforms);
    }

    // What names no platform is for what its config says; others' configs may say anything.
    private static async Task<Platform> PlatformOfAsync(
        RemoteRepository repository, ImageManifest manifest, CancellationToken cancellationToken)
    {
        if (manifest.Layers.All(l => ClaimedFile.Of(l) is null))
        {
            return new Platform("unknown", "unknown");
        }

        var json = await repository.ReadDocumentAsync(manifest.Config, cancellationToken).ConfigureAwait(false);
        var config = OciJson.ReadConfig(json, manifest.Config.Digest.ToString());
        return new Platform(config.Os, config.Architecture);
    }

    private static PublishedPlatform Read(KubernetesVersion version, Descriptor descriptor, Platform platform, ImageManifest manifest)
    {
        // Sums of these cannot overflow.
        if (manifest.Layers.Append(manifest.Config).FirstOrDefault(c => c.Size > MaxContentBytes) is { } vast)
        {
            throw new HyperkubeException(
                ErrorKind.BadContent, $"{descriptor.Digest}: {vast.Digest} with {vast.Size} bytes; expected at most {MaxContentBytes}");
        }

        List<PublishedBinary> binaries = [];
        foreach (var layer in manifest.Layers)
        {
            if (ClaimedFile.Of(layer) is { } claim && BinaryName.TryParse(claim.Path, null, out var binary))
            {
                ReleaseFile file = new(version, platform, binary);
                binaries.Add(new PublishedBinary(file, claim.Sha256.Hex, claim.Size, layer.Size));
            }
        }

        return new PublishedPlatform(
            platform, descriptor.Digest, descriptor.Size + manifest.Config.Size + manifest.Layers.Sum(l => l.Size), binaries);
    }
}

/// <summary>The image of one platform.</summary>
/// <param name="Platform">For what.</param>
/// <param name="Digest">Its manifest's.</param>
/// <param name="Size">Compressed bytes of manifest, config and layers.</param>
/// <param name="Binaries">Those that its layers record.</param>
public sealed record PublishedPlatform(Platform Platform, Digest Digest, long Size, IReadOnlyList<PublishedBinary> Binaries);

/// <summary>A binary that an image says it holds.</summary>
/// <param name="File">Which.</param>
/// <param name="Sha256">64 hex digits.</param>
/// <param name="Size">In bytes.</param>
/// <param name="LayerSize">Compressed bytes.</param>
public sealed record PublishedBinary(ReleaseFile File, string Sha256, long Size, long LayerSize);
