using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hyperkube.Oci.Content;

/// <summary>The system calls that .NET does not offer: a directory as a file, to flush it and to lock it.</summary>
internal static partial class Posix
{
    private const int ReadOnlyDirectory = 0x80000; // O_RDONLY | O_CLOEXEC; O_DIRECTORY differs between architectures
    private const int ExclusiveNow = 2 | 4; // LOCK_EX | LOCK_NB
    private const int WouldBlock = 11; // EAGAIN

    /// <summary>Makes the renames in a directory survive a power loss.</summary>
    internal static void FlushDirectory(string path)
    {
        using var directory = OpenDirectory(path);
        RandomAccess.FlushToDisk(directory);
    }

    /// <summary>Opens a directory, to flush or lock it; the caller disposes it, which also ends the lock.</summary>
    internal static SafeFileHandle OpenDirectory(string path)
    {
        SafeFileHandle directory = new(Open(path, ReadOnlyDirectory), ownsHandle: true);
        if (directory.IsInvalid)
        {
            var reason = Marshal.GetLastPInvokeErrorMessage();
            directory.Dispose();
            throw new IOException($"cannot open the directory '{path}': {reason}");
        }

        return directory;
    }

    /// <summary>Takes the lock of an open file or directory, or answers false when another process has it.</summary>
    internal static bool TryLock(SafeFileHandle file)
    {
        if (Lock(file, ExclusiveNow) == 0)
        {
            return true;
        }

        return Marshal.GetLastPInvokeError() == WouldBlock
            ? false
            : throw new IOException($"cannot lock: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Lock(SafeFileHandle file, int operation);
}
