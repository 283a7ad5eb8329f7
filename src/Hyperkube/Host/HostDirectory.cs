using System.Security.Cryptography;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Releases;
using Microsoft.Win32.SafeHandles;

namespace Hyperkube.Host;

/// <summary>An open directory of the host. What is done in it is done in this directory, whatever its path leads to by now.</summary>
internal sealed class HostDirectory(string path, string seen, SafeFileHandle handle) : IDisposable
{
    /// <summary>One that is not there, and in which nothing is.</summary>
    internal static HostDirectory Missing(string path, string seen) => new(path, seen, new SafeFileHandle());

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Its path as the host sees it.</summary>
    internal string Path => path;

    internal SafeFileHandle Handle => handle;

    /// <summary>A way to it that holds while it is open, for programs and for listing.</summary>
    internal string Link => $"/proc/self/fd/{handle.DangerousGetHandle()}";

    /// <summary>Bytes that may still be written.</summary>
    internal long FreeBytes => handle.IsInvalid ? long.MaxValue : Told("", () => Posix.FreeBytes(handle));

    /// <summary>Its path without links, as this process sees it; null if it is gone.</summary>
    internal string? RealPath => File.ResolveLinkTarget(Link, returnFinalTarget: false)?.FullName;

    /// <summary>A file in it, for messages.</summary>
    internal string Seen(string name) => System.IO.Path.Combine(seen, name);

    internal FileStamp? TryStat(string name) => handle.IsInvalid ? null : Told(name, () => Posix.TryStat(handle, name));

    internal FileStamp Stat(string name) => TryStat(name) ?? throw Refused(name, "it is gone");

    internal string? ReadLink(string name) => Posix.ReadLink(handle, name);

    internal IReadOnlyList<string> Names(string prefix) => Told<IReadOnlyList<string>>("", () =>
    [
        .. Directory.EnumerateFiles(Link, prefix + "*", new EnumerationOptions { AttributesToSkip = FileAttributes.None })
            .Select(f => System.IO.Path.GetFileName(f)!),
    ]);

    /// <summary>Begins a file that was not there; the caller disposes it.</summary>
    internal SafeFileHandle Create(string name) =>
        Opened(name, Posix.TryOpen(handle, name, Posix.WriteOnly | Posix.Create | Posix.Exclusive | Posix.NoFollow, OwnerOnly));

    /// <summary>Opens a file to go on with it, or begins it; the caller disposes it.</summary>
    internal SafeFileHandle OpenOrCreate(string name) =>
        Opened(name, Posix.TryOpen(handle, name, Posix.ReadWrite | Posix.Create | Posix.NoFollow, OwnerOnly));

    /// <summary>Opens a file to read it, not through a link; null if it is not there. The caller disposes it.</summary>
    internal SafeFileHandle? TryOpen(string name)
    {
        if (handle.IsInvalid)
        {
            return null;
        }

        var file = Posix.TryOpen(handle, name, Posix.ReadOnly | Posix.NoFollow);
        if (!file.IsInvalid)
        {
            return file;
        }

        return Posix.LastError == Posix.NoEntry ? null : throw Refused(name, Posix.LastMessage);
    }

    /// <summary>Makes a directory; false if something of that name is there.</summary>
    internal bool MakeDirectory(string name, UnixFileMode mode)
    {
        if (Posix.TryMakeDirectory(handle, name, mode))
        {
            Flush();
            return true;
        }

        return Posix.LastError == Posix.Exists ? false : throw Refused(name, Posix.LastMessage);
    }

    /// <summary>Puts one name in place of another, at once.</summary>
    internal void Rename(string from, string to)
    {
        if (!Posix.TryRename(handle, from, to))
        {
            throw Refused(to, Posix.LastMessage);
        }
    }

    /// <summary>Removes a file if it is there.</summary>
    internal void Remove(string name)
    {
        if (!Posix.TryUnlink(handle, name) && Posix.LastError != Posix.NoEntry)
        {
            throw Refused(name, Posix.LastMessage);
        }
    }

    /// <summary>Gives a file a second name that stays when the first one gets other content: a link, shared blocks, or a copy.</summary>
    internal void Keep(string name, string kept)
    {
        Remove(kept);
        if (Posix.TryLink(handle, name, kept))
        {
            return;
        }

        if (Posix.ReadLink(handle, name) is { } target)
        {
            if (!Posix.TrySymlink(target, handle, kept))
            {
                throw Refused(kept, Posix.LastMessage);
            }

            return;
        }

        using var from = TryOpen(name) ?? throw Refused(name, "it is gone");
        using var to = Create(kept);
        if (!Posix.TryClone(to, from))
        {
            Copy(from, to, kept);
        }

        var stamp = Stat(name);
        Dress(to, kept, stamp.Owner, stamp.Mode, Posix.LabelOf(from));
        Flush(to, kept);
    }

    /// <summary>Gives it to somebody.</summary>
    internal void Own(FileOwner owner)
    {
        if (!Posix.TryOwn(handle, owner))
        {
            throw Refused("", $"cannot be given to {owner}: {Posix.LastMessage}");
        }
    }

    /// <summary>Gives an open file its owner, its mode and its label.</summary>
    internal void Dress(SafeFileHandle file, string name, FileOwner owner, UnixFileMode mode, byte[]? label)
    {
        if (!Posix.TryOwn(file, owner))
        {
            throw Refused(name, $"cannot be given to {owner}: {Posix.LastMessage}", "run as root, or name another --owner");
        }

        _ = Told(name, () =>
        {
            File.SetUnixFileMode(file, mode);
            return mode;
        });
        if (label is not null && !Posix.TryLabel(file, label) && Posix.LastError != Posix.NotSupported)
        {
            throw Refused(name, $"cannot be given its SELinux label: {Posix.LastMessage}");
        }
    }

    /// <summary>Makes the renames in it survive a power loss.</summary>
    internal void Flush() => Flush(handle, "");

    /// <summary>Makes the content of an open file of it survive a power loss.</summary>
    internal void Flush(SafeFileHandle file, string name)
    {
        try
        {
            SharedFile.Flush(file);
        }
        catch (IOException e)
        {
            throw Refused(name, e.Message);
        }
    }

    /// <summary>Replaces a small file by the given bytes, whole or not at all.</summary>
    internal void Write(string name, ReadOnlySpan<byte> content)
    {
        var staged = StagedBinary.NewName(name);
        try
        {
            using (var file = Create(staged))
            {
                RandomAccess.Write(file, content, 0);
                Flush(file, name);
            }

            Rename(staged, name);
        }
        catch (Exception e) when (e is IOException or HyperkubeException)
        {
            _ = Posix.TryUnlink(handle, staged);
            throw e as HyperkubeException ?? Refused(name, e.Message);
        }

        Flush();
    }

    /// <summary>Reads a small file; null if it is not there.</summary>
    internal byte[]? TryRead(string name, int maxBytes)
    {
        if (TryStat(name) is { IsFile: false })
        {
            throw new InvalidDataException("is no file");
        }

        using var file = TryOpen(name);
        if (file is null)
        {
            return null;
        }

        var length = RandomAccess.GetLength(file);
        if (length > maxBytes)
        {
            throw new InvalidDataException($"{length} bytes; expected at most {maxBytes}");
        }

        var content = new byte[length];
        return content[..Told(name, () => RandomAccess.Read(file, content, 0))];
    }

    /// <summary>The SHA-256 of a file; null if it is no regular file or not there.</summary>
    internal Digest? HashOf(string name, CancellationToken cancellationToken)
    {
        if (TryStat(name) is not { IsFile: true })
        {
            return null;
        }

        using var file = TryOpen(name);
        if (file is null)
        {
            return null;
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[StreamSizes.CopyBytes];
        var offset = 0L;
        for (int count; (count = Told(name, () => RandomAccess.Read(file, buffer, offset))) > 0; offset += count)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.AppendData(buffer, 0, count);
        }

        return Digest.FromHash(hash.GetCurrentHash());
    }

    /// <summary>Looks whether a file is a whole program for a platform, and the one of a name.</summary>
    /// <param name="file">The file.</param>
    /// <param name="platform">What it must be for.</param>
    /// <param name="name">Which program it must be; null for any: its bytes are not signed, so nothing in them proves that.</param>
    /// <param name="where">Which file, for messages.</param>
    /// <returns>What it was built from; null without a name.</returns>
    internal GoBuildInfo? CheckProgram(string file, Platform platform, string? name, string where)
    {
        using var program = TryOpen(file) ?? throw Refused(file, "it is gone");
        HandleStream content = new(program, 0, RandomAccess.GetLength(program));
        if (name is not null)
        {
            return BinaryBinding.Check(content, platform, name, where);
        }

        _ = ElfFile.Check(content, platform, where);
        return null;
    }

    public void Dispose() => handle.Dispose();

    internal HyperkubeException Refused(string name, string why, string? hint = null) =>
        new(ErrorKind.HostFailed, $"{Seen(name)}: {why}") { Hint = hint ?? HintFor(why) };

    private void Copy(SafeFileHandle from, SafeFileHandle to, string name)
    {
        try
        {
            var buffer = new byte[StreamSizes.CopyBytes];
            var offset = 0L;
            for (int count; (count = RandomAccess.Read(from, buffer, offset)) > 0; offset += count)
            {
                RandomAccess.Write(to, buffer.AsSpan(0, count), offset);
            }
        }
        catch (IOException e)
        {
            Remove(name);
            throw Refused(name, e.Message);
        }
    }

    // What the runtime says of the system's refusals is said as ours are.
    private T Told<T>(string name, Func<T> ask)
    {
        try
        {
            return ask();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refused(name, e.Message);
        }
    }

    private SafeFileHandle Opened(string name, SafeFileHandle file) => !file.IsInvalid ? file : throw Refused(name, Posix.LastMessage);

    private static string HintFor(string why) =>
        why.StartsWith("Operation not permitted", StringComparison.Ordinal)
            ? "see whether the file or its directory is immutable: lsattr -d"
        : why.StartsWith("Read-only", StringComparison.Ordinal) ? "mount it writable, or install elsewhere with --to DIR"
        : why.StartsWith("Permission denied", StringComparison.Ordinal) ? "run as root"
        : why.StartsWith("No space", StringComparison.Ordinal) ? "free space there"
        : "check owner and permissions there";
}
