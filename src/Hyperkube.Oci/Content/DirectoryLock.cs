using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Hyperkube.Oci.Content;

/// <summary>One process at a time: an advisory lock on a directory, gone when its holder is, however it ends.</summary>
/// <remarks>Source: https://man7.org/linux/man-pages/man2/flock.2.html</remarks>
public sealed class DirectoryLock : IDisposable
{
    /// <summary>How long one look is from the next: short beside what is done under the lock.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly SafeFileHandle _directory;

    private DirectoryLock(SafeFileHandle directory) => _directory = directory;

    /// <summary>Waits for the lock.</summary>
    /// <param name="path">An existing directory.</param>
    /// <param name="patience">How long to wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="name">What the user calls the directory, if not by its path.</param>
    /// <exception cref="HyperkubeException">It is still taken (<see cref="ErrorKind.TimedOut"/>).</exception>
    public static async Task<DirectoryLock> AcquireAsync(
        string path, TimeSpan patience, CancellationToken cancellationToken, string? name = null)
    {
        var directory = Posix.OpenRead(path);
        try
        {
            var begun = Stopwatch.GetTimestamp();
            while (!Posix.TryLock(directory))
            {
                var waited = Stopwatch.GetElapsedTime(begun);
                if (waited > patience)
                {
                    throw new HyperkubeException(ErrorKind.TimedOut, Held(patience))
                    {
                        Hint = "wait for the other hyperkube to end, or end it",
                    };
                }

                try
                {
                    await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
                }
                catch (OperationCanceledException e)
                {
                    throw new WaitCanceledException(Held(waited), e, cancellationToken);
                }
            }

            return new DirectoryLock(directory);
        }
        catch
        {
            directory.Dispose();
            throw;
        }

        string Held(TimeSpan waited) => $"{name ?? path}: another process has held its lock for {waited.TotalSeconds:F0} s";
    }

    /// <summary>Takes the lock if nobody has it and the directory is there; null otherwise. The caller disposes it.</summary>
    public static DirectoryLock? TryAcquire(string path)
    {
        try
        {
            var directory = Posix.OpenRead(path);
            if (Posix.TryLock(directory))
            {
                return new DirectoryLock(directory);
            }

            directory.Dispose();
        }
        catch (IOException)
        {
            // Gone meanwhile.
        }

        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => _directory.Dispose();
}
