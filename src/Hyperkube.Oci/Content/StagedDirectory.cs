namespace Hyperkube.Oci.Content;

/// <summary>A directory for what is only needed while we work; removed at the end, or by the next run after a kill.</summary>
public sealed class StagedDirectory : IDisposable
{
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
    public static async Task<StagedDirectory> CreateInAsync(string parent, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(parent);
        await RemoveAbandonedAsync(parent, cancellationToken).ConfigureAwait(false);
        var path = System.IO.Path.Combine(parent, Prefix + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(path);
        return new StagedDirectory(path, await DirectoryLock.AcquireAsync(path, TimeSpan.Zero, cancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Remove(Path);
        _lock.Dispose();
    }

    private static async Task RemoveAbandonedAsync(string parent, CancellationToken cancellationToken)
    {
        foreach (var path in Directory.EnumerateDirectories(parent, Prefix + "*"))
        {
            try
            {
                using (await DirectoryLock.AcquireAsync(path, TimeSpan.FromTicks(-1), cancellationToken).ConfigureAwait(false))
                {
                    Remove(path);
                }
            }
            catch (Exception e) when (e is HyperkubeException or IOException)
            {
                // Its owner lives, or it is gone already.
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
