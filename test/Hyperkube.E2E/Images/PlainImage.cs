using System.Security.Cryptography;
using System.Text.Json;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Images;

/// <summary>An image as others make it, for linux/amd64, with tar, gzip and zstd and none of our own code: layers of files, no
/// annotations.</summary>
internal static class PlainImage
{
    /// <summary>Writes a layout with one image, tagged.</summary>
    /// <param name="directory">The layout.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="compression"><c>gzip</c> or <c>zstd</c>.</param>
    /// <param name="layers">Of each its files, bottom first.</param>
    /// <returns>The manifest's digest.</returns>
    internal static async Task<string> WriteAsync(
        string directory, string tag, string compression, params (string Path, byte[] Content)[][] layers)
    {
        Directory.CreateDirectory(Path.Combine(directory, "blobs/sha256"));
        List<string> diffIds = [];
        List<object> descriptors = [];
        foreach (var files in layers)
        {
            using TempDirectory work = new();
            foreach (var (path, content) in files)
            {
                var full = work[$"files/{path}"];
                Directory.CreateDirectory(Path.GetDirectoryName(full)!);
                await File.WriteAllBytesAsync(full, content);
                File.SetUnixFileMode(full, (UnixFileMode)0b111_101_101);
            }

            (await Run.ShellAsync(
                "tar -C \"$0/files\" --owner 0 --group 0 -cf \"$0/layer.tar\" .; \"$1\" -q -k \"$0/layer.tar\"",
                work.Path, compression)).Well();
            diffIds.Add(DigestOf(await File.ReadAllBytesAsync(work["layer.tar"])));
            var layer = await File.ReadAllBytesAsync(work[$"layer.tar.{(compression == "zstd" ? "zst" : "gz")}"]);
            descriptors.Add(Add(directory, $"application/vnd.oci.image.layer.v1.tar+{compression}", layer));
        }

        var config = Add(directory, "application/vnd.oci.image.config.v1+json", JsonSerializer.SerializeToUtf8Bytes(new
        {
            architecture = "amd64",
            os = "linux",
            config = new { },
            rootfs = new { type = "layers", diff_ids = diffIds },
        }));
        const string Type = "application/vnd.oci.image.manifest.v1+json";
        var manifest = JsonSerializer.SerializeToUtf8Bytes(new { schemaVersion = 2, mediaType = Type, config, layers = descriptors });
        _ = Add(directory, Type, manifest);
        await File.WriteAllTextAsync(Path.Combine(directory, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
        await File.WriteAllTextAsync(
            Path.Combine(directory, "index.json"),
            $$$"""
            {"schemaVersion":2,"manifests":[{"mediaType":"{{{Type}}}","digest":"{{{DigestOf(manifest)}}}","size":{{{manifest.Length}}},
            "annotations":{"org.opencontainers.image.ref.name":"{{{tag}}}"}}]}
            """);
        return DigestOf(manifest);
    }

    private static object Add(string directory, string mediaType, byte[] content)
    {
        var digest = DigestOf(content);
        File.WriteAllBytes(Path.Combine(directory, "blobs", digest.Replace(':', '/')), content);
        return new { mediaType, digest, size = content.Length };
    }

    private static string DigestOf(byte[] content) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}";
}
