using System.Text;
using Hyperkube.Oci.Layers;

namespace Hyperkube.ToolImage;

/// <summary>The files of the image that are no package's: who may run, where names are asked for, where one may write, whose work it is.
/// </summary>
internal static class OwnFiles
{
    /// <summary>The "nonroot" of distroless images.</summary>
    internal const int NonRoot = 65532;

    private const UnixFileMode Anybody = (UnixFileMode)0b1_111_111_111; // 1777: everybody writes, each their own.
    private const UnixFileMode OwnerOnly = (UnixFileMode)0b111_000_000;

    private const string Passwd =
        """
        root:x:0:0:root:/root:/sbin/nologin
        nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
        nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin

        """;

    private const string Group =
        """
        root:x:0:
        nobody:x:65534:
        nonroot:x:65532:

        """;

    private const string NameServices =
        """
        passwd: files
        group: files
        hosts: files dns

        """;

    /// <summary>The layer.</summary>
    /// <param name="license">The tool's own licence.</param>
    /// <param name="notices">Those of what is linked into it.</param>
    internal static IReadOnlyList<LayerEntry> Layer(byte[] license, string notices) =>
    [
        Text("etc/passwd", Passwd),
        Text("etc/group", Group),
        Text("etc/nsswitch.conf", NameServices),
        new LayerDirectory("home/nonroot", OwnerOnly, NonRoot),
        new LayerDirectory("root", OwnerOnly), // To the runtime, a home that is not there is none.
        new LayerDirectory("tmp", Anybody),
        Bytes.File("usr/share/doc/hyperkube/LICENSE", license),
        Text("usr/share/doc/hyperkube/NOTICES", notices),
    ];

    private static LayerFile Text(string path, string text) => Bytes.File(path, Encoding.UTF8.GetBytes(text));
}
