namespace Hyperkube.Oci.Content;

/// <summary>A directory for what is only needed while we work; removed at the end, or by the next run after a kill.</summary>
public sealed class StagedDirectory : IDisposable
{
    /// <summary>That a cleaning process meets a directory in the instant of its making is rare; twice in a row, hardly.</summary>
    private const int MaxAttempts = 10;

    private const string Prefix = ".hyperkube-stage-";

    private readonly DirectoryLock _lock;

    private StagedDirectory(string path, DirectoryLock ours)
    {
        Path = path;
        _lock = ours;
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>Makes one; the caller disposes it.</summary>
    public static StagedDirectory CreateIn(string parent)
    {
        Directory.CreateDirectory(parent);
        RemoveAbandoned(parent);
        for (var attempt = 1; ; attempt++)
        {
            var path = System.IO.Path.Combine(parent, Prefix + Guid.NewGuid().ToString("N"));
            Directory.CreateDirectory(path);
            if (DirectoryLock.TryAcquire(path) is { } ours)
            {
                if (Directory.Exists(path))
                {
                    return new StagedDirectory(path, ours);
                }

                ours.Dispose();
            }

            // Between its making and its lock, another process took it for abandoned.
            if (attempt == MaxAttempts)
            {
                throw new IOException($"cannot keep a directory in '{parent}'");
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Remove(Path);
        _lock.Dispose();
    }

    /// <summary>Removes what runs that were killed have left behind.</summary>
    /// <param name="parent">Where; it need not be there.</param>
    public static void RemoveAbandoned(string parent)
    {
        if (!Directory.Exists(parent))
        {
            return;
        }

        foreach (var path in Directory.EnumerateDirectories(parent, Prefix + "*"))
        {
            if (DirectoryLock.TryAcquire(path) is { } abandoned)
            {
                using (abandoned)
                {
                    Remove(path);
                }
            }
        }
    }

    private static void Remove(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What is being thrown matters more than what is left lying about.
        }
    }
}
