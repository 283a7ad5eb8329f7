using Microsoft.Win32.SafeHandles;

namespace Hyperkube.Oci.Content;

/// <summary>A file that is written out of sight and appears whole, or not at all.</summary>
/// <remarks>
/// The order is the guarantee: write beside the target, flush the file, rename, flush the directory. While it is
/// written its lock is held, so that <see cref="RemoveAbandoned"/> tells the file of a running process from the one
/// that a killed process left. Disposing without a commit removes it.
/// </remarks>
public sealed class StagedFile : IAsyncDisposable
{
    /// <summary>That a cleaning process meets a file in the instant of its making is rare; twice in a row, hardly.</summary>
    private const int MaxAttempts = 10;

    private const string Prefix = ".hyperkube-stage-";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _path;
    private readonly FileStream _content;

    private StagedFile(string path, FileStream content)
    {
        _path = path;
        _content = content;
    }

    /// <summary>Where the bytes go.</summary>
    public Stream Content => _content;

    /// <summary>Begins a file in the directory it is meant for; the caller disposes it.</summary>
    public static StagedFile CreateIn(string directory)
    {
        FileStreamOptions options = new()
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None, // Takes the lock.
            UnixCreateMode = OwnerOnly,
            BufferSize = 0, // Whoever writes brings large blocks.
        };
        for (var attempt = 1; ; attempt++)
        {
            var path = Path.Combine(directory, Prefix + Guid.NewGuid().ToString("N"));
            try
            {
                FileStream content = new(path, options);
                if (File.Exists(path))
                {
                    return new StagedFile(path, content);
                }

                content.Dispose();
            }
            catch (IOException) when (attempt < MaxAttempts && Directory.Exists(directory))
            {
                // Between its making and its lock, another process took it for abandoned.
            }
        }
    }

    /// <summary>Replaces a small file by the given bytes.</summary>
    public static async Task WriteAsync(string target, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var staged = CreateIn(Path.GetDirectoryName(Path.GetFullPath(target))!);
        await using (staged.ConfigureAwait(false))
        {
            await staged.Content.WriteAsync(content, cancellationToken).ConfigureAwait(false);
            staged.Commit(target);
        }
    }

    /// <summary>Puts the file in place; what was there before is replaced.</summary>
    /// <param name="target">A path in the directory that was given to <see cref="CreateIn"/>.</param>
    /// <param name="mode">The file's permission bits.</param>
    public void Commit(string target, UnixFileMode mode = FileModes.Plain) => Commit(_path, _content.SafeFileHandle, target, mode);

    internal static void Commit(string path, SafeFileHandle content, string target, UnixFileMode mode)
    {
        File.SetUnixFileMode(content, mode); // Not at creation, so that the umask has no say.
        SharedFile.Flush(content);
        File.Move(path, target, overwrite: true);
        Posix.Unlock(content); // Nobody can take it for abandoned any more, and others want to read it.
        Posix.FlushDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>Removes what killed processes left in a directory.</summary>
    public static void RemoveAbandoned(string directory)
    {
        foreach (var path in Directory.EnumerateFiles(directory, Prefix + "*"))
        {
            try
            {
                using (new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.None))
                {
                    File.Delete(path);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Its writer lives, or it is gone already.
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _content.DisposeAsync().ConfigureAwait(false);
        try
        {
            File.Delete(_path); // Gone already after a commit, which is fine.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What is being thrown matters more than what is left lying about.
        }
    }
}

/// <summary>The permission bits that we give.</summary>
public static class FileModes
{
    /// <summary>0644: everybody reads.</summary>
    public const UnixFileMode Plain = (UnixFileMode)0b110_100_100;

    /// <summary>0755: everybody reads and runs.</summary>
    public const UnixFileMode Executable = (UnixFileMode)0b111_101_101;
}
