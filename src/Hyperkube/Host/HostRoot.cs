using Hyperkube.Oci;
using Microsoft.Win32.SafeHandles;

namespace Hyperkube.Host;

/// <summary>The host that is installed to: this one, or one that is mounted somewhere. No path leads out of it.</summary>
public sealed class HostRoot : IDisposable
{
    /// <summary>As many symbolic links as Linux itself follows.</summary>
    private const int MaxLinks = 40;

    /// <summary>The kernel gives up on ".." whenever anything anywhere is renamed meanwhile; by hand there is no such doubt.</summary>
    private const int MaxAttempts = 16;

    private readonly SafeFileHandle _root;

    private HostRoot(string path, SafeFileHandle root) => (Path, _root) = (path, root);

    /// <summary>Where it is mounted; <c>/</c> for this host.</summary>
    public string Path { get; }

    /// <summary>Whether it is the host that this process runs on.</summary>
    public bool IsThisHost => Path == "/";

    /// <summary>Opens a host; the caller disposes it.</summary>
    /// <param name="path">Where it is mounted; <c>/</c> for this one.</param>
    /// <exception cref="HyperkubeException">There is no such directory.</exception>
    public static HostRoot Open(string path)
    {
        var full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        using SafeFileHandle anywhere = new(Posix.Anywhere, ownsHandle: false);
        var root = Posix.TryOpen(anywhere, full, Posix.PathOnly | Posix.Directory);
        return !root.IsInvalid ? new HostRoot(full, root)
            : throw new HyperkubeException(ErrorKind.Usage, $"--root {path}: {Posix.LastMessage}; expected the directory of a host");
    }

    /// <summary>A path of the host as it is seen from here, for messages.</summary>
    public string Seen(string path) => IsThisHost ? path : Path + path;

    /// <summary>Opens a directory of the host; null if it is not there.</summary>
    /// <param name="path">Absolute, as the host itself sees it.</param>
    internal HostDirectory? TryOpenDirectory(string path)
    {
        var directory = OpenBelow(path.Trim('/') is { Length: > 0 } relative ? relative : ".");
        if (!directory.IsInvalid)
        {
            return new HostDirectory(path, Seen(path), directory);
        }

        var error = Posix.LastError;
        directory.Dispose();
        return error == Posix.NoEntry ? null : throw Refused(path, error);
    }

    /// <summary>Opens a directory of the host, and makes what is missing of it.</summary>
    /// <param name="path">Absolute, as the host itself sees it.</param>
    /// <param name="mode">Of those that are made.</param>
    internal HostDirectory OpenOrMakeDirectory(string path, UnixFileMode mode)
    {
        if (TryOpenDirectory(path) is { } there)
        {
            return there;
        }

        bool isNew;
        using (var parent = OpenOrMakeDirectory(System.IO.Path.GetDirectoryName(path)!, Oci.Content.FileModes.Executable))
        {
            isNew = parent.MakeDirectory(System.IO.Path.GetFileName(path), mode);
        }

        var made = TryOpenDirectory(path) ?? throw Refused(path, Posix.NoEntry); // A link to nowhere, for example.
        if (isNew)
        {
            File.SetUnixFileMode(made.Handle, mode); // Whatever the umask took away.
        }

        return made;
    }

    /// <inheritdoc/>
    public void Dispose() => _root.Dispose();

    private HyperkubeException Refused(string path, int error) =>
        new(ErrorKind.HostFailed, $"{Seen(path)}: {System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(error)}")
        {
            Hint = error switch
            {
                Posix.NotADirectory => $"remove the file that is where {path} should be",
                Posix.NoAccess => "run as root",
                _ => "check owner and permissions there",
            },
        };

    private SafeFileHandle OpenBelow(string relative)
    {
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            var directory = Posix.TryOpenInRoot(_root, relative, Posix.ReadOnly | Posix.Directory);
            if (directory.IsInvalid && Posix.LastError is Posix.NoSystemCall or Posix.NotPermitted)
            {
                break; // Sandboxes that do not know the call forbid it.
            }

            if (!directory.IsInvalid || Posix.LastError != Posix.Again)
            {
                return directory;
            }
        }

        return OpenByHand(relative);
    }

    // What RESOLVE_IN_ROOT does: ".." ends at the root, and so does an absolute link.
    private SafeFileHandle OpenByHand(string relative)
    {
        Stack<SafeFileHandle> below = new();
        Stack<string> names = new(relative.Split('/').Reverse());
        var links = 0;
        try
        {
            while (names.TryPop(out var name))
            {
                if (name is "" or ".")
                {
                    continue;
                }

                if (name == "..")
                {
                    Pop(below);
                    continue;
                }

                var here = below.TryPeek(out var top) ? top : _root;
                var next = Posix.TryOpen(here, name, Posix.PathOnly | Posix.Directory | Posix.NoFollow);
                var error = Posix.LastError;
                if (!next.IsInvalid)
                {
                    below.Push(next);
                }
                else if (error is not (Posix.NotADirectory or Posix.TooManyLinks) || Posix.ReadLink(here, name) is not { } target)
                {
                    System.Runtime.InteropServices.Marshal.SetLastPInvokeError(error);
                    return next;
                }
                else if (++links > MaxLinks)
                {
                    System.Runtime.InteropServices.Marshal.SetLastPInvokeError(Posix.TooManyLinks);
                    return next;
                }
                else
                {
                    Follow(target, names, below);
                }
            }

            return Posix.TryOpen(below.TryPeek(out var last) ? last : _root, ".", Posix.ReadOnly | Posix.Directory);
        }
        finally
        {
            var why = Posix.LastError;
            while (Pop(below))
            {
                // Each is closed.
            }

            System.Runtime.InteropServices.Marshal.SetLastPInvokeError(why);
        }
    }

    private static void Follow(string target, Stack<string> names, Stack<SafeFileHandle> below)
    {
        while (target.StartsWith('/') && Pop(below))
        {
            // Back to the root.
        }

        foreach (var part in target.Split('/').Reverse())
        {
            names.Push(part);
        }
    }

    private static bool Pop(Stack<SafeFileHandle> handles)
    {
        if (!handles.TryPop(out var handle))
        {
            return false;
        }

        handle.Dispose();
        return true;
    }
}
