using System.Text.Json;

namespace Hyperkube.E2E.Images;

/// <summary>An image in a layout directory, read without any of our own code.</summary>
internal sealed record Layout(string Directory, string Tag)
{
    /// <summary>As the tools call it.</summary>
    internal string Reference => $"oci:{Directory}:{Tag}";

    /// <summary>The digest that the tag stands for.</summary>
    internal string Digest => Read(Path.Combine(Directory, "index.json")).GetProperty("manifests").EnumerateArray()
        .Single(m => m.GetProperty("annotations").GetProperty("org.opencontainers.image.ref.name").GetString() == Tag)
        .GetProperty("digest").GetString()!;

    /// <summary>The digest of one platform's manifest.</summary>
    internal string ManifestDigest(string architecture) => Read(Blob(Digest)).GetProperty("manifests").EnumerateArray()
        .Single(m => m.GetProperty("platform").GetProperty("architecture").GetString() == architecture)
        .GetProperty("digest").GetString()!;

    /// <summary>The layers of one platform, bottom first.</summary>
    internal IReadOnlyList<string> Layers(string architecture) =>
    [
        .. Read(Blob(ManifestDigest(architecture))).GetProperty("layers").EnumerateArray()
            .Select(l => Blob(l.GetProperty("digest").GetString()!)),
    ];

    private string Blob(string digest) => Path.Combine(Directory, "blobs", digest.Replace(':', '/'));

    private static JsonElement Read(string path)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        return json.RootElement.Clone();
    }
}
