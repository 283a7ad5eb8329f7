using Hyperkube.Oci.Images;

namespace Hyperkube.Oci.Content;

/// <summary>Copies content and everything it names, byte for byte, children first, each digest once.</summary>
/// <remarks>One copier makes one copy; it holds no more than the tasks of that copy.</remarks>
/// <param name="source">Read from.</param>
/// <param name="destination">Written to.</param>
public sealed class ContentCopier(IContentSource source, IContentDestination destination)
{
    /// <summary>Blobs and documents in flight: two keep a disk busy, and hashing them keeps two cores busy.</summary>
    private const int Parallelism = 2;

    private readonly Lock _lock = new();
    private readonly Dictionary<(Digest Digest, string MediaType), Task> _started = [];

    /// <summary>Copies the root last of all, so that whoever finds it finds all of it.</summary>
    public async Task CopyAsync(Descriptor root, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(root);
        using SemaphoreSlim slots = new(Parallelism);
        await CopyOnceAsync(root, slots, cancellationToken).ConfigureAwait(false);
    }

    // Every parent awaits the same task, so a child of two manifests is there before either of them.
    private Task CopyOnceAsync(Descriptor node, SemaphoreSlim slots, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!_started.TryGetValue((node.Digest, node.MediaType), out var running))
            {
                running = CopyNodeAsync(node, slots, cancellationToken);
                _started.Add((node.Digest, node.MediaType), running);
            }

            return running;
        }
    }

    private async Task CopyNodeAsync(Descriptor node, SemaphoreSlim slots, CancellationToken cancellationToken)
    {
        await Task.Yield(); // Leaves the caller's lock before any work.
        OpenContent open = token => source.OpenAsync(node, token);
        if (MediaTypes.IsIndex(node.MediaType) || MediaTypes.IsManifest(node.MediaType))
        {
            // Also when the destination has it: the presence of an index says nothing about its children.
            var document = await InSlotAsync(slots, () => source.ReadDocumentAsync(node, cancellationToken), cancellationToken)
                .ConfigureAwait(false);
            await Task.WhenAll(OciJson.Children(node, document).Select(c => CopyOnceAsync(c, slots, cancellationToken)))
                .ConfigureAwait(false);
            open = _ => ValueTask.FromResult<Stream>(new MemoryStream(document, writable: false));
        }

        await InSlotAsync(slots, async () =>
        {
            var isThere = await destination.HasAsync(node, cancellationToken).ConfigureAwait(false);
            if (!isThere)
            {
                await destination.PutAsync(node, open, cancellationToken).ConfigureAwait(false);
            }

            return isThere;
        }, cancellationToken).ConfigureAwait(false);
    }

    // Never around a wait for children: they need slots themselves.
    private static async Task<T> InSlotAsync<T>(SemaphoreSlim slots, Func<Task<T>> work, CancellationToken cancellationToken)
    {
        await slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await work().ConfigureAwait(false);
        }
        finally
        {
            slots.Release();
        }
    }
}
