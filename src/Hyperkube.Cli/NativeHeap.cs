using System.Runtime.InteropServices;

namespace Hyperkube.Cli;

/// <summary>The C library's memory, from which zlib takes 300 KB for each block that it compresses.</summary>
internal static partial class NativeHeap
{
    /// <summary>Source: https://man7.org/linux/man-pages/man3/mallopt.3.html</summary>
    private const int MMapThreshold = -3;

    /// <summary>Half of what the C library begins with, and less than what zlib takes.</summary>
    private const int LargeBytes = 64 << 10;

    /// <summary>Lets large blocks go back to the system as soon as they are free. Otherwise the C library, once it has seen some, keeps
    /// them in a heap of each thread, in pieces, and that grows with every layer: 23 of 75 MB after 25 releases. It is not for a single
    /// build, which would take 5 % longer.</summary>
    internal static void ReturnLargeBlocks() => _ = MallOpt(MMapThreshold, LargeBytes);

    [LibraryImport("libc", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MallOpt(int what, int value);
}
