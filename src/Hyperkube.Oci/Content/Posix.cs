using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hyperkube.Oci.Content;

/// <summary>The system calls that .NET does not offer: opening without a lock, flushing and locking directories.</summary>
internal static partial class Posix
{
    private const int ReadOnly = 0x80000 | 0x800; // O_RDONLY | O_CLOEXEC | O_NONBLOCK: a pipe must not hang us
    private const int ExclusiveNow = 2 | 4; // LOCK_EX | LOCK_NB
    private const int NoLock = 8; // LOCK_UN
    private const int WouldBlock = 11; // EAGAIN
    private const int NoEntry = 2; // ENOENT
    private const int Interrupted = 4; // EINTR
    private const int Invalid = 22; // EINVAL
    private const int NotSupported = 95; // EOPNOTSUPP
    private const int NotADirectory = 20; // ENOTDIR

    /// <summary>Makes the renames in a directory survive a power loss.</summary>
    internal static void FlushDirectory(string path)
    {
        using var directory = OpenRead(path);
        SharedFile.Flush(directory);
    }

    /// <summary>Waits until a file, or the names in a directory, are on the disk; false if they are not.</summary>
    internal static bool TryFlush(SafeFileHandle file)
    {
        while (Sync(file) != 0)
        {
            if (Marshal.GetLastPInvokeError() is var error and not Interrupted)
            {
                return error is Invalid or NotSupported; // Where there is nothing to flush: directories of some file systems.
            }
        }

        return true;
    }

    /// <summary>Opens a file to read it, or a directory to flush or lock it; the caller disposes it, which also ends the lock.</summary>
    internal static SafeFileHandle OpenRead(string path)
    {
        SafeFileHandle file = new(Open(path, ReadOnly), ownsHandle: true);
        if (!file.IsInvalid)
        {
            return file;
        }

        var error = Marshal.GetLastPInvokeError();
        var message = $"cannot open '{path}': {Marshal.GetPInvokeErrorMessage(error)}";
        file.Dispose();
        throw error is NoEntry or NotADirectory ? new FileNotFoundException(message, path) : new IOException(message);
    }

    /// <summary>Where an open file lies now, whatever it was opened as.</summary>
    internal static string? PathOf(SafeFileHandle file) =>
        File.ResolveLinkTarget($"/proc/self/fd/{file.DangerousGetHandle()}", returnFinalTarget: false)?.FullName;

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

    /// <summary>Gives the lock back before the file is closed.</summary>
    internal static void Unlock(SafeFileHandle file) => _ = Lock(file, NoLock);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Sync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Lock(SafeFileHandle file, int operation);
}
