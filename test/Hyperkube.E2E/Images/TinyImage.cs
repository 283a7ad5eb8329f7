using System.Security.Cryptography;
using System.Text;
using Hyperkube.E2E.Peers;

namespace Hyperkube.E2E.Images;

/// <summary>An image of a manifest and a configuration, for what is about registries and not about images: with nothing else in
/// it, a pull asks for one thing after the other.</summary>
internal sealed class TinyImage
{
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";
    private const string ConfigType = "application/vnd.oci.image.config.v1+json";

    internal const string Repository = "tiny/image";

    private readonly byte[] _config;
    private readonly byte[] _manifest;

    /// <summary>Makes one that no store has yet.</summary>
    internal TinyImage(string name)
    {
        _config = Encoding.UTF8.GetBytes(
            $$$"""{"architecture":"amd64","os":"linux","author":"{{{name}}}","rootfs":{"type":"layers","diff_ids":[]}}""");
        _manifest = Encoding.UTF8.GetBytes(
            $$$"""
            {"schemaVersion":2,"mediaType":"{{{ManifestType}}}",
            "config":{"mediaType":"{{{ConfigType}}}","digest":"{{{DigestOf(_config)}}}","size":{{{_config.Length}}}},"layers":[]}
            """);
    }

    internal string Digest => DigestOf(_manifest);

    /// <summary>What of it is asked for, below the repository, in this order.</summary>
    /// <param name="reference">A tag, or its digest.</param>
    internal IReadOnlyList<(string Method, string Path, bool ByTag)> Requests(string reference) =>
    [
        ("HEAD", $"{Repository}/manifests/{reference}", reference != Digest),
        ("GET", $"{Repository}/manifests/{Digest}", false),
        ("GET", $"{Repository}/blobs/{DigestOf(_config)}", false),
    ];

    /// <summary>What a registry that has it answers to a path.</summary>
    internal RecordedAnswer Answer(string path) => path.Split('/') switch
    {
        [.., "blobs", _] => new RecordedAnswer(200, _config, "application/octet-stream", DigestOf(_config)),
        [.., "manifests", _] => new RecordedAnswer(200, _manifest, ManifestType, Digest),
        _ => RecordedAnswer.Nothing(404),
    };

    private static string DigestOf(byte[] bytes) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(bytes))}";
}
