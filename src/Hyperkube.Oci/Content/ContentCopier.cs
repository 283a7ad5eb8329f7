using System.Runtime.ExceptionServices;
using Hyperkube.Oci.Images;

namespace Hyperkube.Oci.Content;

/// <summary>Copies content and everything it names, byte for byte, children first, each digest once.</summary>
/// <remarks>One copier makes one copy; it holds no more than the tasks of that copy.</remarks>
/// <param name="source">Read from.</param>
/// <param name="destination">Written to.</param>
public sealed class ContentCopier(IContentSource source, IContentDestination destination)
{
    /// <summary>Small things at once: each is a round trip or two and no load.</summary>
    private const int SmallAtOnce = 8;

    /// <summary>Small is what a round trip outweighs.</summary>
    private const long SmallBytes = 256 * 1024;

    /// <summary>A signature of a signature of a signature: deeper goes nobody.</summary>
    private const int MaxReferrerDepth = 4;

    private readonly Lock _lock = new();
    private readonly Dictionary<(Digest Digest, string MediaType), Task> _started = [];
    private readonly HashSet<Digest> _asked = []; // For their referrers: once, also when several roots are copied.

    /// <summary>Large blobs in flight: two keep a disk busy, and hashing them keeps two cores busy. 2 unless told.</summary>
    public int LargeAtOnce { get; init; } = 2;

    /// <summary>Which children of an index are copied; all unless told.</summary>
    public Func<Descriptor, bool> IsWanted { get; init; } = _ => true;

    /// <summary>Told of each blob that is to be sent, and how far it is: begins an activity that is told the bytes so far.</summary>
    public Func<Descriptor, ICopyProgress?> Begin { get; init; } = _ => null;

    /// <summary>The manifests and indexes that were copied, or were there.</summary>
    public IReadOnlyCollection<Digest> Documents
    {
        get
        {
            lock (_lock)
            {
                return [.. _started.Keys.Where(k => MediaTypes.IsDocument(k.MediaType)).Select(k => k.Digest)];
            }
        }
    }

    /// <summary>Copies the root last of all, so that whoever finds it finds all of it.</summary>
    public Task CopyAsync(Descriptor root, CancellationToken cancellationToken) => CopyAsync(root, withReferrers: false, cancellationToken);

    /// <summary>Copies the root last of all, and then what refers to it and to its manifests.</summary>
    /// <param name="root">An index, a manifest or a blob.</param>
    /// <param name="withReferrers">Whether signatures and their like come along.</param>
    /// <param name="cancellationToken">Leaves finished content, which nothing names.</param>
    public async Task CopyAsync(Descriptor root, bool withReferrers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(root);
        using SemaphoreSlim small = new(SmallAtOnce), large = new(LargeAtOnce);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Flight flight = new(small, large, stop);
        try
        {
            await CopyOnceAsync(root, flight).ConfigureAwait(false);
            if (withReferrers)
            {
                await CopyReferrersAsync(flight).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (flight.First is { } first && first != e && !cancellationToken.IsCancellationRequested)
        {
            ExceptionDispatchInfo.Throw(first); // The others were ended because of it.
        }
    }

    // Level by level, not within the copy of the subject: who refers to whom is the source's word, which may go in circles.
    private async Task CopyReferrersAsync(Flight flight)
    {
        for (var depth = 0; Documents.Where(_asked.Add).ToList() is { Count: > 0 } subjects; depth++)
        {
            var level = depth;
            await Task.WhenAll(subjects.Select(s => GuardedAsync(() => CopyReferrersAsync(s, flight, level), flight)))
                .ConfigureAwait(false);
        }
    }

    // Every parent awaits the same task, so a child of two manifests is there before either of them.
    private Task CopyOnceAsync(Descriptor node, Flight flight)
    {
        lock (_lock)
        {
            if (!_started.TryGetValue((node.Digest, node.MediaType), out var running))
            {
                running = GuardedAsync(() => CopyNodeAsync(node, flight), flight);
                _started.Add((node.Digest, node.MediaType), running);
            }

            return running;
        }
    }

    private static async Task GuardedAsync(Func<Task> work, Flight flight)
    {
        await Task.Yield(); // Leaves the caller's lock before any work.
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            await flight.StopAsync(e).ConfigureAwait(false);
            throw;
        }
    }

    private async Task CopyNodeAsync(Descriptor node, Flight flight)
    {
        var isDocument = MediaTypes.IsDocument(node.MediaType);
        var open = destination.VerifiesItself && !isDocument ? source.UnverifiedOpener(node) : source.Opener(node);
        if (isDocument)
        {
            // Also when the destination has it: the presence of an index says nothing about its children.
            var document = await InSlotAsync(flight.Small, () => source.ReadDocumentAsync(node, flight.Token), flight.Token)
                .ConfigureAwait(false);
            var children = OciJson.Children(node, document).Where(c => !MediaTypes.IsIndex(node.MediaType) || IsWanted(c));
            await Task.WhenAll(children.Select(c => CopyOnceAsync(c, flight))).ConfigureAwait(false);
            open = ContentSourceExtensions.OpenerOf(document);
        }

        await InSlotAsync(isDocument || node.Size <= SmallBytes ? flight.Small : flight.Large, async () =>
        {
            var isThere = await destination.HasAsync(node, flight.Token).ConfigureAwait(false);
            if (!isThere)
            {
                await PutAsync(node, open, flight.Token).ConfigureAwait(false);
            }

            return isThere;
        }, flight.Token).ConfigureAwait(false);
    }

    private async Task PutAsync(Descriptor node, OpenContent open, CancellationToken cancellationToken)
    {
        using var progress = Begin(node);
        var counted = progress is null ? open : CountingStream.Opener(open, progress);
        while (true)
        {
            try
            {
                await PutOnceAsync(node, counted, cancellationToken).ConfigureAwait(false);
                progress?.Complete();
                return;
            }
            catch (DigestMismatchException) when (source.Distrust(node))
            {
                // The next mirror may be right.
            }
        }
    }

    private async Task PutOnceAsync(Descriptor node, OpenContent open, CancellationToken cancellationToken)
    {
        try
        {
            await destination.PutAsync(node, open, cancellationToken).ConfigureAwait(false);
        }
        catch (HyperkubeException e) when (destination.VerifiesItself && e.Kind == ErrorKind.BadDigest && e is not DigestMismatchException)
        {
            // It says that the bytes are wrong: if so, the source is to blame, and is named.
            var read = await source.OpenAsync(node, cancellationToken).ConfigureAwait(false);
            await using (read.ConfigureAwait(false))
            {
                await read.CopyToAsync(Stream.Null, StreamSizes.CopyBytes, cancellationToken).ConfigureAwait(false);
            }

            throw;
        }
    }

    private async Task CopyReferrersAsync(Digest subject, Flight flight, int depth)
    {
        var referrers = await InSlotAsync(
            flight.Small, () => source.ReferrersAsync(subject, flight.Token).AsTask(), flight.Token).ConfigureAwait(false);
        if (referrers.Count == 0)
        {
            return;
        }

        if (depth == MaxReferrerDepth)
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"{subject}: referrers of referrers, deeper than {MaxReferrerDepth}");
        }

        await Task.WhenAll(referrers.Select(r => CopyOnceAsync(r, flight))).ConfigureAwait(false);
        await InSlotAsync(flight.Small, async () =>
        {
            await destination.AttachAsync(subject, referrers, flight.Token).ConfigureAwait(false);
            return true;
        }, flight.Token).ConfigureAwait(false);
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

    /// <summary>One copy under way. Small things never wait behind large ones.</summary>
    private sealed class Flight(SemaphoreSlim small, SemaphoreSlim large, CancellationTokenSource stop)
    {
        private Exception? _first;

        internal SemaphoreSlim Small => small;

        internal SemaphoreSlim Large => large;

        internal CancellationToken Token => stop.Token;

        /// <summary>What went wrong first.</summary>
        internal Exception? First => _first;

        internal async Task StopAsync(Exception failure)
        {
            if (failure is not OperationCanceledException)
            {
                Interlocked.CompareExchange(ref _first, failure, null);
            }

            await stop.CancelAsync().ConfigureAwait(false);
        }
    }
}
