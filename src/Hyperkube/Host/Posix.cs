using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Hyperkube.Host;

/// <summary>The system calls of an installer that .NET does not offer: everything relative to an open directory, so that nobody can
/// put another directory in its place meanwhile.</summary>
/// <remarks>Numbers are those of Linux on every 64-bit architecture. Source: https://man7.org/linux/man-pages/man2/openat2.2.html</remarks>
internal static partial class Posix
{
    internal const int NotPermitted = 1; // EPERM
    internal const int NoEntry = 2; // ENOENT
    internal const int Again = 11; // EAGAIN
    internal const int Exists = 17; // EEXIST
    internal const int NotADirectory = 20; // ENOTDIR
    internal const int NoAccess = 13; // EACCES
    internal const int NoSystemCall = 38; // ENOSYS
    internal const int TooManyLinks = 40; // ELOOP
    internal const int NotSupported = 95; // EOPNOTSUPP

    internal const int ReadOnly = 0;
    internal const int WriteOnly = 1;
    internal const int ReadWrite = 2;
    internal const int Create = 0x40;
    internal const int Exclusive = 0x80;
    internal const int PathOnly = 0x200000;

    internal const int Anywhere = -100; // AT_FDCWD: for absolute paths.

    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800; // A pipe must not hang us.

    private const int OpenAt2 = 437; // One number on all architectures, as for all calls that came after it.
    private const ulong ResolveNoMagicLinks = 2;
    private const ulong ResolveInRoot = 0x10;
    private const int SymlinkNoFollow = 0x100;
    private const int Interrupted = 4; // EINTR
    private const int EmptyPath = 0x1000;
    private const uint BasicStats = 0x7ff;
    private const int KeepSize = 1; // FALLOC_FL_KEEP_SIZE
    private const nuint Clone = 0x40049409; // FICLONE
    private const string Selinux = "security.selinux";

    // O_DIRECTORY and O_NOFOLLOW have changed places on some architectures.
    private static readonly bool IsSwapped = RuntimeInformation.OSArchitecture is Architecture.Arm64 or Architecture.Ppc64le;

    internal static int Directory { get; } = IsSwapped ? 0x4000 : 0x10000;

    internal static int NoFollow { get; } = IsSwapped ? 0x8000 : 0x20000;

    /// <summary>Opens a path below a directory; the handle is invalid when that failed, and <see cref="LastError"/> says why.</summary>
    internal static SafeFileHandle TryOpen(SafeFileHandle directory, string path, int flags, UnixFileMode mode = UnixFileMode.None) =>
        new(OpenAt(directory, path, flags | CloseOnExec | NonBlocking, (uint)mode), ownsHandle: true);

    /// <summary>Opens a path as if the directory were the root: no link leads out of it.</summary>
    internal static unsafe SafeFileHandle TryOpenInRoot(SafeFileHandle root, string path, int flags)
    {
        OpenHow how = new() { Flags = (ulong)(flags | CloseOnExec | NonBlocking), Resolve = ResolveInRoot | ResolveNoMagicLinks };
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
        {
            return new SafeFileHandle((nint)SystemCall(OpenAt2, root, name, &how, (nuint)sizeof(OpenHow)), ownsHandle: true);
        }
    }

    /// <summary>What is at a name in a directory, a link as itself; null if nothing is. The empty name is the directory itself.</summary>
    internal static FileStamp? TryStat(SafeFileHandle directory, string name) =>
        TryStat(directory, name, name.Length == 0 ? EmptyPath : SymlinkNoFollow);

    /// <summary>What an absolute path leads to; null if nothing.</summary>
    internal static FileStamp? TryStatThrough(string path)
    {
        using SafeFileHandle anywhere = new(Anywhere, ownsHandle: false);
        return TryStat(anywhere, path, flags: 0);
    }

    private static FileStamp? TryStat(SafeFileHandle directory, string name, int flags)
    {
        StatX stat = default;
        return StatAt(directory, name, flags, BasicStats, ref stat) == 0
            ? new FileStamp(
                ((long)stat.DeviceMajor << 32) | stat.DeviceMinor, (long)stat.Inode, (long)stat.Size,
                stat.Modified.Nanoseconds(), stat.Changed.Nanoseconds())
            {
                Type = stat.Mode & 0xF000,
                Allocated = (long)stat.Blocks * 512,
                Mode = (UnixFileMode)(stat.Mode & 0xFFF),
                Owner = new FileOwner((int)stat.User, (int)stat.Group),
            }
            : LastError is NoEntry or NotADirectory ? null
            : throw new IOException(LastMessage);
    }

    internal static string? ReadLink(SafeFileHandle directory, string name)
    {
        Span<byte> target = stackalloc byte[4096];
        var length = (int)ReadLinkAt(directory, name, target, (nuint)target.Length);
        return length < 0 ? null : Encoding.UTF8.GetString(target[..length]);
    }

    internal static bool TryMakeDirectory(SafeFileHandle directory, string name, UnixFileMode mode) =>
        MakeDirectoryAt(directory, name, (uint)mode) == 0;

    internal static bool TryLink(SafeFileHandle directory, string from, string to) => LinkAt(directory, from, directory, to, 0) == 0;

    internal static bool TrySymlink(string target, SafeFileHandle directory, string name) => SymlinkAt(target, directory, name) == 0;

    internal static bool TryRename(SafeFileHandle directory, string from, string to) => RenameAt(directory, from, directory, to) == 0;

    internal static bool TryUnlink(SafeFileHandle directory, string name) => UnlinkAt(directory, name, 0) == 0;

    internal static bool TryOwn(SafeFileHandle file, FileOwner owner) => ChangeOwner(file, (uint)owner.User, (uint)owner.Group) == 0;

    /// <summary>Shares the blocks of another file, where the file system can.</summary>
    internal static bool TryClone(SafeFileHandle to, SafeFileHandle from) => Control(to, Clone, from) == 0;

    /// <summary>Takes the space of a file before it is written; its length stays.</summary>
    /// <returns>False if there is not enough.</returns>
    internal static bool TryAllocate(SafeFileHandle file, long length)
    {
        while (length > 0 && Allocate(file, KeepSize, 0, length) != 0)
        {
            if (LastError != Interrupted) // The runtime's own signals stop it half-way.
            {
                return LastError is NotSupported or NoSystemCall;
            }
        }

        return true;
    }

    /// <summary>Bytes that may still be written, and the file system's number.</summary>
    internal static unsafe long FreeBytes(SafeFileHandle directory)
    {
        var numbers = stackalloc ulong[16]; // struct statvfs: 112 bytes.
        return FileSystemOf(directory, numbers) == 0
            ? (long)Math.Min(numbers[1] * (Environment.IsPrivilegedProcess ? numbers[3] : numbers[4]), long.MaxValue)
            : throw new IOException(LastMessage);
    }

    internal static byte[]? LabelOf(SafeFileHandle file)
    {
        Span<byte> label = stackalloc byte[4096];
        var length = (int)GetAttribute(file, Selinux, label, (nuint)label.Length);
        return length <= 0 ? null : label[..length].ToArray();
    }

    internal static bool TryLabel(SafeFileHandle file, ReadOnlySpan<byte> label) =>
        SetAttribute(file, Selinux, label, (nuint)label.Length, 0) == 0;

    internal static int LastError => Marshal.GetLastPInvokeError();

    internal static string LastMessage => Marshal.GetLastPInvokeErrorMessage();

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int OpenAt(SafeFileHandle directory, string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial nint SystemCall(nint number, SafeFileHandle directory, byte* path, OpenHow* how, nuint size);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int StatAt(SafeFileHandle directory, string path, int flags, uint mask, ref StatX stat);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint ReadLinkAt(SafeFileHandle directory, string path, Span<byte> target, nuint size);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MakeDirectoryAt(SafeFileHandle directory, string path, uint mode);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int LinkAt(SafeFileHandle from, string oldName, SafeFileHandle to, string newName, int flags);

    [LibraryImport("libc", EntryPoint = "symlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SymlinkAt(string target, SafeFileHandle directory, string name);

    [LibraryImport("libc", EntryPoint = "renameat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int RenameAt(SafeFileHandle from, string oldName, SafeFileHandle to, string newName);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int UnlinkAt(SafeFileHandle directory, string path, int flags);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int ChangeOwner(SafeFileHandle file, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Control(SafeFileHandle file, nuint request, SafeFileHandle argument);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Allocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "fstatvfs", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int FileSystemOf(SafeFileHandle file, ulong* numbers);

    [LibraryImport("libc", EntryPoint = "fgetxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint GetAttribute(SafeFileHandle file, string name, Span<byte> value, nuint size);

    [LibraryImport("libc", EntryPoint = "fsetxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetAttribute(SafeFileHandle file, string name, ReadOnlySpan<byte> value, nuint size, int flags);

    [StructLayout(LayoutKind.Sequential)]
    private struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    // Source: https://man7.org/linux/man-pages/man2/statx.2.html
    [StructLayout(LayoutKind.Sequential, Size = 256)]
    private struct StatX
    {
        public uint Mask;
        public uint BlockSize;
        public ulong Attributes;
        public uint Links;
        public uint User;
        public uint Group;
        public ushort Mode;
        public ushort Spare;
        public ulong Inode;
        public ulong Size;
        public ulong Blocks;
        public ulong AttributesMask;
        public StatTime Accessed;
        public StatTime Born;
        public StatTime Changed;
        public StatTime Modified;
        public uint SpecialMajor;
        public uint SpecialMinor;
        public uint DeviceMajor;
        public uint DeviceMinor;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct StatTime
    {
        public long Seconds;
        public uint Fraction;
        public int Spare;

        public readonly long Nanoseconds() => unchecked((Seconds * 1_000_000_000) + Fraction);
    }
}
