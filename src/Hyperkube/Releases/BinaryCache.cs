using Hyperkube.Oci;
using Hyperkube.Oci.Content;

namespace Hyperkube.Releases;

/// <summary>Keeps downloaded binaries by digest, and what there is of one that was interrupted.</summary>
/// <remarks>
/// A file is only there once its bytes were those of its name, and it is hashed again whenever it is used. Bounded:
/// what was not used for the longest time goes first. Safe for several processes: each digest is fetched by one, for
/// which the others wait. Source for the place: https://specifications.freedesktop.org/basedir-spec/0.8/
/// </remarks>
public sealed class BinaryCache
{
    /// <summary>Another process that fetches the same file may take as long as a slow line takes.</summary>
    private static readonly TimeSpan LockPatience = TimeSpan.FromHours(12);

    /// <summary>What nobody has gone on with for a week is not worth its room.</summary>
    private static readonly TimeSpan PartAge = TimeSpan.FromDays(7);

    private readonly string _files;
    private readonly string _parts;
    private readonly long _maxBytes;
    private readonly TimeProvider _time;

    /// <summary>Takes a directory, which need not be there yet.</summary>
    /// <param name="directory">Where.</param>
    /// <param name="maxBytes">How much may be kept.</param>
    /// <param name="time">The clock.</param>
    public BinaryCache(string directory, long maxBytes, TimeProvider time)
    {
        Directory = Path.GetFullPath(directory);
        _files = Path.Combine(Directory, "sha256");
        _parts = Path.Combine(Directory, "partial");
        _maxBytes = maxBytes;
        _time = time;
    }

    /// <summary>8 GiB: some forty releases for two platforms.</summary>
    public static long DefaultMaxBytes => 8L << 30;

    /// <summary>Where it is.</summary>
    public string Directory { get; }

    /// <summary>Gets a file from the cache, or fetches it into the cache.</summary>
    /// <param name="expected">Its digest.</param>
    /// <param name="fetch">Appends to what is there of it; false when there is no such file.</param>
    /// <param name="activity">Told about the bytes.</param>
    /// <param name="cancellationToken">Keeps what has come so far.</param>
    /// <returns>The file; null when there is none. One that turned out to be other content is returned too, for the
    /// caller to say what it is, but not kept.</returns>
    internal async Task<HashedFile?> GetAsync(
        Digest expected,
        Func<FileStream, FileHashes, CancellationToken, Task<bool>> fetch,
        IActivity activity,
        CancellationToken cancellationToken)
    {
        var path = Path.Combine(_files, expected.Hex);
        var part = Path.Combine(_parts, expected.Hex);
        System.IO.Directory.CreateDirectory(_files);
        while (true)
        {
            if (await TryOpenAsync(path, expected, activity, cancellationToken).ConfigureAwait(false) is { } cached)
            {
                return cached;
            }

            using var ours = await TryLockAsync(part, cancellationToken).ConfigureAwait(false);
            if (ours is not null && System.IO.Directory.Exists(part) && !File.Exists(path))
            {
                return await FetchAsync(path, part, expected, fetch, activity, cancellationToken).ConfigureAwait(false);
            }

            // Another process has finished it meanwhile, or cleared it away.
        }
    }

    // Null when another process has cleared it away between its making and its lock.
    private static async Task<DirectoryLock?> TryLockAsync(string part, CancellationToken cancellationToken)
    {
        try
        {
            System.IO.Directory.CreateDirectory(part);
        }
        catch (IOException) when (!Path.Exists(part))
        {
            return null; // .NET met it, looked again, and did not find it.
        }

        try
        {
            return await DirectoryLock.AcquireAsync(part, LockPatience, cancellationToken).ConfigureAwait(false);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private async Task<HashedFile?> FetchAsync(
        string path, string part, Digest expected, Func<FileStream, FileHashes, CancellationToken, Task<bool>> fetch,
        IActivity activity, CancellationToken cancellationToken)
    {
        var content = Path.Combine(part, "content");
        using FileHashes hashes = new();
        FileStream file = new(content, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        await using (file.ConfigureAwait(false))
        {
            if (!await FillAsync(file, hashes, expected, fetch, activity, cancellationToken).ConfigureAwait(false))
            {
                return null;
            }

            SharedFile.Flush(file.SafeFileHandle);
            var handle = SharedFile.OpenHandle(content);
            if (hashes.Sha256() == expected)
            {
                File.Move(content, path, overwrite: true);
                RemovePart(part); // Only now: a process that waits for its lock must find the file when it gets it.
                Trim(keep: path);
            }
            else
            {
                File.Delete(content);
            }

            return new HashedFile(handle, path, hashes.Length, hashes.Sha256(), hashes.Sha512(), wasCached: false);
        }
    }

    // From what is there to all of it; false when there is no such file.
    private static async Task<bool> FillAsync(
        FileStream file, FileHashes hashes, Digest expected, Func<FileStream, FileHashes, CancellationToken, Task<bool>> fetch,
        IActivity activity, CancellationToken cancellationToken)
    {
        if (file.Length >= FileLimits.MaxBytes)
        {
            file.SetLength(0); // No binary is that long, and no range could go on behind it.
        }

        await hashes.AppendAsync(file, activity, cancellationToken).ConfigureAwait(false);
        if (hashes.Sha256() == expected)
        {
            return true; // The last run was ended between the last byte and the rename.
        }

        var isResumed = hashes.Length > 0;
        try
        {
            var found = await fetch(file, hashes, cancellationToken).ConfigureAwait(false);
            if (!found || !isResumed || hashes.Sha256() == expected)
            {
                return found;
            }

            // The beginning may have been damaged where it lay: the bytes get one chance from the start.
            file.SetLength(0);
            hashes.Restart();
            return await fetch(file, hashes, cancellationToken).ConfigureAwait(false);
        }
        catch (HyperkubeException e) when (e.Kind == ErrorKind.BadContent)
        {
            file.SetLength(0); // Nothing to go on with.
            throw;
        }
    }

    private async Task<HashedFile?> TryOpenAsync(string path, Digest expected, IActivity activity, CancellationToken cancellationToken)
    {
        try
        {
            var file = await HashedFile.OpenAsync(path, wasCached: true, activity, cancellationToken).ConfigureAwait(false);
            if (file.Sha256 == expected)
            {
                File.SetLastWriteTimeUtc(path, _time.GetUtcNow().UtcDateTime); // It was used.
                return file;
            }

            file.Dispose();
            File.Delete(path); // Damaged where it lay.
            return null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (HyperkubeException e) when (e.Kind == ErrorKind.BadContent)
        {
            File.Delete(path); // It has grown beyond all measure.
            return null;
        }
    }

    // Another process may trim too: whatever is gone already is gone. Open files stay readable.
    private void Trim(string keep)
    {
        var total = 0L;
        foreach (var (path, size, _) in Snapshot(_files).OrderByDescending(f => f.Used))
        {
            if (total + size > _maxBytes && path != keep)
            {
                File.Delete(path);
            }
            else
            {
                total += size;
            }
        }

        foreach (var part in new DirectoryInfo(_parts).GetDirectories())
        {
            if (_time.GetUtcNow().UtcDateTime - part.LastWriteTimeUtc > PartAge && DirectoryLock.TryAcquire(part.FullName) is { } ours)
            {
                using (ours)
                {
                    RemovePart(part.FullName);
                }
            }
        }
    }

    private static List<(string Path, long Size, DateTime Used)> Snapshot(string directory)
    {
        List<(string Path, long Size, DateTime Used)> files = [];
        foreach (var file in new DirectoryInfo(directory).GetFiles())
        {
            try
            {
                files.Add((file.FullName, file.Length, file.LastWriteTimeUtc));
            }
            catch (FileNotFoundException)
            {
                // Gone meanwhile.
            }
        }

        return files;
    }

    private static void RemovePart(string part)
    {
        try
        {
            System.IO.Directory.Delete(part, recursive: true);
        }
        catch (IOException)
        {
            // Gone already, or another process has just begun anew.
        }
    }
}
