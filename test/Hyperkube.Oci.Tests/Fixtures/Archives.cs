using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layout;

namespace Hyperkube.Oci.Tests.Fixtures;

/// <summary>Archives in memory.</summary>
internal static class Archives
{
    /// <summary>The name that an image has unless a test says otherwise.</summary>
    public static RegistryReference Name { get; } = (RegistryReference)ImageReference.Parse("example.com/kubelet:v1");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static RegistryReference Tagged(string tag) => Name with { Tag = tag };

    public static string PathOf(Descriptor content) => $"blobs/sha256/{content.Digest.Hex}";

    public static async Task PutAsync(ArchiveWriter archive, MemoryStore store, IEnumerable<Descriptor> contents)
    {
        foreach (var content in contents)
        {
            await archive.PutAsync(content, store.Opener(content), Ct);
        }
    }

    public static async Task<byte[]> WriteAsync(
        ArchiveFormat format,
        MemoryStore store,
        IEnumerable<Descriptor> contents,
        params (Descriptor Manifest, string Tag, RegistryReference Name)[] tags)
    {
        ArchiveWriter archive = new("never.tar", format);
        await PutAsync(archive, store, contents);
        foreach (var (manifest, tag, name) in tags)
        {
            await archive.TagAsync(manifest, tag, name);
        }

        using MemoryStream tar = new();
        await archive.WriteAsync(tar, Ct);
        return tar.ToArray();
    }
}
