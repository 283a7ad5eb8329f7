using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layers;

namespace Hyperkube.ToolImage;

/// <summary>Files of layers, from bytes in hand or on disk.</summary>
internal static class Bytes
{
    /// <summary>Everything of the image fits into memory; a file of more than 256 MiB is a mistake.</summary>
    private const int MaxFileBytes = 256 << 20;

    /// <summary>A file that everybody reads.</summary>
    internal static LayerFile File(string path, byte[] content, UnixFileMode mode = FileModes.Plain, string where = "content") =>
        new(path, mode, Descriptor.Of(MediaTypes.Bytes, content), () => new MemoryStream(content, writable: false), where);

    /// <summary>A file on disk, which is read now: its name may be gone when the layer is written.</summary>
    internal static LayerFile FileOf(string path, UnixFileMode mode, string source) => File(path, Read(source), mode, source);

    /// <summary>All of a file.</summary>
    /// <exception cref="HyperkubeException">It is not there, or too large (<see cref="ErrorKind.Usage"/>).</exception>
    internal static byte[] Read(string source)
    {
        try
        {
            using var file = SharedFile.OpenRead(source);
            if (file.Length > MaxFileBytes)
            {
                throw new HyperkubeException(ErrorKind.Usage, $"{source}: {file.Length} bytes; expected at most {MaxFileBytes}");
            }

            var content = new byte[file.Length];
            file.ReadExactly(content);
            return content;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"{source}: no such file", e);
        }
    }
}
