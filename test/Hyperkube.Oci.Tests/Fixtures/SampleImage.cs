using Hyperkube.Oci.Images;

namespace Hyperkube.Oci.Tests.Fixtures;

/// <summary>An image of several platforms that share their first layer, all of it in a store.</summary>
internal sealed class SampleImage
{
    public SampleImage(MemoryStore store, int seed = 0, params string[] platforms)
    {
        var names = platforms.Length > 0 ? platforms : ["linux/amd64", "linux/arm64"];
        Shared = store.Add(Sample.Bytes(500), MediaTypes.GzipLayer);
        foreach (var name in names)
        {
            var own = store.Add(Sample.Bytes(3000 + name.Length, (uint)seed + (uint)name.Sum(c => c)), MediaTypes.GzipLayer);
            var image = ImageBuilder.Build(
                new ImageSettings
                {
                    Platform = Platform.Parse(name),
                    Created = DateTimeOffset.UnixEpoch,
                    Container = new ContainerConfig { Entrypoint = ["/sleep"] },
                    Annotations = Annotations.Of([new(Annotations.Version, $"v{seed}")]),
                },
                [(new Layer(Shared, Digest.Of("shared"u8)), "shared"), (new Layer(own, Digest.Of("own"u8)), "own")]);
            store.Add(image.Config.Content.ToArray(), MediaTypes.Config);
            store.Add(image.Manifest.Content.ToArray(), MediaTypes.Manifest);
            Images.Add(image);
            Own.Add(own);
        }

        var index = ImageBuilder.Index(Images, Annotations.Of([]));
        Root = index.Descriptor;
        store.Add(index.Content.ToArray(), MediaTypes.Index);
    }

    /// <summary>The index.</summary>
    public Descriptor Root { get; }

    /// <summary>The layer of every platform.</summary>
    public Descriptor Shared { get; }

    /// <summary>The layer that only one platform has.</summary>
    public List<Descriptor> Own { get; } = [];

    public List<Image> Images { get; } = [];

    public IEnumerable<Descriptor> Manifests => Images.Select(image => image.Manifest.Descriptor);

    /// <summary>The index and all that it needs, parents first.</summary>
    public IEnumerable<Descriptor> All => [Root, .. Manifests, .. Images.Select(image => image.Config.Descriptor), .. Own, Shared];
}
