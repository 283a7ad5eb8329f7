using System.Runtime.InteropServices;
using System.Text;

namespace Hyperkube.Host;

/// <summary>The SELinux label that a file is to have: the policy's for its final path, else that of the file that it replaces.</summary>
/// <remarks>Source: https://man7.org/linux/man-pages/man3/matchpathcon.3.html</remarks>
internal static unsafe class SecurityLabel
{
    private const string Library = "libselinux.so.1";

    /// <summary>Finds the label for a path; null if files have none here.</summary>
    /// <param name="directory">Where the file goes.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="isThisHost">Whether this host's policy is also the file's.</param>
    internal static byte[]? For(HostDirectory directory, string name, bool isThisHost)
    {
        if (isThisHost && OfPolicy(Path.Combine(directory.RealPath ?? directory.Path, name)) is { } label)
        {
            return label;
        }

        if (directory.TryStat(name) is not { IsFile: true })
        {
            return null;
        }

        using var replaced = directory.TryOpen(name);
        return replaced is null ? null : Posix.LabelOf(replaced);
    }

    private static byte[]? OfPolicy(string path)
    {
        if (!NativeLibrary.TryLoad(Library, out var library))
        {
            return null;
        }

        try
        {
            return IsEnabled(library) ? Match(library, path) : null;
        }
        finally
        {
            NativeLibrary.Free(library);
        }
    }

    private static bool IsEnabled(nint library) =>
        NativeLibrary.TryGetExport(library, "is_selinux_enabled", out var ask) && ((delegate* unmanaged<int>)ask)() == 1;

    private static byte[]? Match(nint library, string path)
    {
        const uint RegularFile = 0x8000;
        if (!NativeLibrary.TryGetExport(library, "matchpathcon", out var match)
            || !NativeLibrary.TryGetExport(library, "freecon", out var free))
        {
            return null;
        }

        byte* label = null;
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
        {
            if (((delegate* unmanaged<byte*, uint, byte**, int>)match)(name, RegularFile, &label) != 0 || label is null)
            {
                return null;
            }
        }

        try
        {
            var text = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(label);
            return [.. text, 0]; // As the kernel stores it.
        }
        finally
        {
            ((delegate* unmanaged<byte*, void>)free)(label);
        }
    }
}
