using System.Security.Cryptography;

namespace Hyperkube.Oci.Content;

/// <summary>A file on its way whose name is known from the start: what has come stays when its writer is ended, and the next one goes
/// on with it.</summary>
/// <remarks>While it is written its lock is held. The order of a commit is that of <see cref="StagedFile"/>.</remarks>
internal sealed class PartialFile : IAsyncDisposable
{
    /// <summary>Less than this comes anew faster than it is found and hashed.</summary>
    internal const long WorthKeepingBytes = 1 << 20;

    /// <summary>Nobody comes back for a part after a week.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromDays(7);

    private const string Prefix = ".hyperkube-part-";

    private readonly string _path;
    private readonly FileStream _content;

    private PartialFile(string path, FileStream content) => (_path, _content) = (path, content);

    /// <summary>Opens what is there of a file, or begins it; null while another process writes it.</summary>
    internal static PartialFile? TryOpen(string directory, string name)
    {
        var path = Path.Combine(directory, Prefix + name);
        try
        {
            FileStream content = new(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None, // Takes the lock.
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                BufferSize = 0,
            });

            // Between opening and locking, its last writer may have put it in place: then it is a finished file.
            if (Path.GetFileName(Posix.PathOf(content.SafeFileHandle)) == Path.GetFileName(path))
            {
                return new PartialFile(path, content);
            }

            content.Dispose();
        }
        catch (IOException)
        {
            // Another process writes it.
        }

        return null;
    }

    /// <summary>Brings what is missing, and verifies the whole.</summary>
    internal async Task FillAsync(Descriptor content, OpenContent open, CancellationToken cancellationToken)
    {
        if (_content.Length > 0 && _content.Length <= content.Size)
        {
            try
            {
                await GoOnAsync(content, open, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (DigestMismatchException)
            {
                // The beginning may have been damaged where it lay: the bytes get one chance from the start.
            }
        }

        _content.SetLength(0);
        try
        {
            var source = VerifyingStream.Around(await open(0, cancellationToken).ConfigureAwait(false), content);
            await CopyAsync(source, cancellationToken).ConfigureAwait(false);
        }
        catch (DigestMismatchException)
        {
            _content.SetLength(0); // Nothing to go on with.
            throw;
        }
    }

    /// <summary>Puts the file in place.</summary>
    internal void Commit(string target) => StagedFile.Commit(_path, _content.SafeFileHandle, target, FileModes.Plain);

    /// <summary>Removes parts that nobody came back for.</summary>
    internal static void RemoveOld(string directory)
    {
        foreach (var path in Directory.EnumerateFiles(directory, Prefix + "*"))
        {
            try
            {
                if (TimeProvider.System.GetUtcNow().UtcDateTime - File.GetLastWriteTimeUtc(path) > MaxAge)
                {
                    using (new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.None))
                    {
                        File.Delete(path);
                    }
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
        var isEmpty = _content.Length == 0;
        if (isEmpty && Path.GetFileName(Posix.PathOf(_content.SafeFileHandle)) == Path.GetFileName(_path))
        {
            File.Delete(_path); // Under the lock; nothing is kept of it.
        }

        await _content.DisposeAsync().ConfigureAwait(false);
    }

    private async Task GoOnAsync(Descriptor content, OpenContent open, CancellationToken cancellationToken)
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[StreamSizes.CopyBytes];
        _content.Position = 0;
        for (int count; (count = await _content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
        {
            hash.AppendData(buffer, 0, count);
        }

        var length = _content.Length;
        var rest = length == content.Size ? Stream.Null : await open(length, cancellationToken).ConfigureAwait(false);
        await CopyAsync(VerifyingStream.Behind(rest, content, hash, length), cancellationToken).ConfigureAwait(false);
    }

    private async Task CopyAsync(VerifyingStream source, CancellationToken cancellationToken)
    {
        await using (source.ConfigureAwait(false))
        {
            await source.CopyToAsync(_content, StreamSizes.CopyBytes, cancellationToken).ConfigureAwait(false);
        }
    }
}
