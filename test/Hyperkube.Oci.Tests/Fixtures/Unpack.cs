using System.IO.Compression;
using Hyperkube.Oci.Layers;
using ZstdSharp;

namespace Hyperkube.Oci.Tests.Fixtures;

/// <summary>Reads what we wrote with somebody else's reader, and what somebody wrote with ours.</summary>
internal static class Unpack
{
    /// <summary>What the runtime's or zstd's own reader finds in it.</summary>
    public static byte[] Elsewhere(LayerCompression compression, byte[] blob) =>
        compression.Algorithm == CompressionAlgorithm.Gzip ? Gunzip(blob) : Unzstd(blob);

    public static byte[] Gunzip(byte[] blob)
    {
#pragma warning disable RS0030 // Another reader: the bytes it makes are not looked at.
        using Stream gunzip = new GZipStream(new MemoryStream(blob), CompressionMode.Decompress);
#pragma warning restore RS0030
        return All(gunzip);
    }

    /// <summary>One gzip member, made by another writer.</summary>
    public static byte[] Gzip(byte[] content)
    {
        if (content.Length == 0)
        {
            return [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]; // The runtime would write nothing at all.
        }

        using MemoryStream blob = new();
#pragma warning disable RS0030 // Another writer: any bytes that it makes will do.
        using (Stream gzip = new GZipStream(blob, CompressionLevel.Optimal))
#pragma warning restore RS0030
        {
            gzip.Write(content);
        }

        return blob.ToArray();
    }

    public static byte[] Unzstd(byte[] blob)
    {
        using DecompressionStream unzstd = new(new MemoryStream(blob));
        return All(unzstd);
    }

    public static byte[] All(Stream stream)
    {
        using MemoryStream content = new();
        stream.CopyTo(content);
        return content.ToArray();
    }

    public static async Task<byte[]> AllAsync(Stream stream, CancellationToken cancellationToken)
    {
        using MemoryStream content = new();
        await stream.CopyToAsync(content, cancellationToken);
        return content.ToArray();
    }
}
