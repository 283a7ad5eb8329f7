using System.Collections.Concurrent;
using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Tests.Fixtures;

/// <summary>Content in memory, as source and as destination, that keeps what was asked of it and may be held up.</summary>
internal sealed class MemoryStore : IContentSource, IContentDestination
{
    private readonly ConcurrentDictionary<Digest, byte[]> _contents = [];
    private readonly ConcurrentQueue<Descriptor> _opened = [];
    private readonly ConcurrentQueue<Descriptor> _put = [];
    private int _active;
    private int _mostActive;

    /// <summary>What was opened, in order.</summary>
    public IReadOnlyList<Descriptor> Opened => [.. _opened];

    /// <summary>What was put, in the order in which it was there.</summary>
    public IReadOnlyList<Descriptor> Put => [.. _put];

    public ConcurrentDictionary<string, Descriptor> Tags { get; } = new(StringComparer.Ordinal);

    public ConcurrentDictionary<Digest, IReadOnlyList<Descriptor>> Attached { get; } = new();

    /// <summary>How many openings and puttings are not finished.</summary>
    public int Active => Volatile.Read(ref _active);

    /// <summary>The most that ever were.</summary>
    public int MostActive => Volatile.Read(ref _mostActive);

    public Func<Descriptor, CancellationToken, Task> BeforeOpen { get; set; } = (_, _) => Task.CompletedTask;

    public Func<Descriptor, CancellationToken, Task> BeforePut { get; set; } = (_, _) => Task.CompletedTask;

    public Descriptor Add(byte[] content, string mediaType = MediaTypes.Bytes)
    {
        var descriptor = Descriptor.Of(mediaType, content);
        _contents[descriptor.Digest] = content;
        return descriptor;
    }

    public bool Holds(Descriptor content) => _contents.ContainsKey(content.Digest);

    public void Remove(Descriptor content) => _contents.TryRemove(content.Digest, out _);

    public ValueTask<Descriptor?> ResolveAsync(string? reference, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Tags.GetValueOrDefault(reference ?? ""));

    public async ValueTask<Stream> OpenAsync(Descriptor content, CancellationToken cancellationToken)
    {
        using (Activity())
        {
            _opened.Enqueue(content);
            await BeforeOpen(content, cancellationToken);
            return _contents.TryGetValue(content.Digest, out var bytes)
                ? new VerifyingStream(new MemoryStream(bytes), content)
                : throw new HyperkubeException(ErrorKind.NotFound, $"{content.Digest} is missing");
        }
    }

    public ValueTask<Stream> OpenAtAsync(Descriptor content, long offset, CancellationToken cancellationToken)
    {
        _opened.Enqueue(content);
        return ValueTask.FromResult<Stream>(new MemoryStream(_contents[content.Digest]) { Position = offset });
    }

    public ValueTask<IReadOnlyList<Descriptor>> ReferrersAsync(Digest subject, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Attached.GetValueOrDefault(subject) ?? []);

    public ValueTask AttachAsync(Digest subject, IReadOnlyList<Descriptor> referrers, CancellationToken cancellationToken)
    {
        Attached[subject] = referrers;
        return ValueTask.CompletedTask;
    }

    public ValueTask<bool> HasAsync(Descriptor content, CancellationToken cancellationToken) => ValueTask.FromResult(Holds(content));

    public async ValueTask PutAsync(Descriptor content, OpenContent open, CancellationToken cancellationToken)
    {
        using (Activity())
        {
            await BeforePut(content, cancellationToken);
            await using var source = await open(0, cancellationToken);
            _contents[content.Digest] = await Unpack.AllAsync(source, cancellationToken);
            _put.Enqueue(content);
        }
    }

    public ValueTask TagAsync(Descriptor manifest, string tag, bool move, CancellationToken cancellationToken)
    {
        Tags[tag] = manifest;
        return ValueTask.CompletedTask;
    }

    private Ending Activity()
    {
        var now = Interlocked.Increment(ref _active);
        InterlockedMax(ref _mostActive, now);
        return new Ending(this);
    }

    private static void InterlockedMax(ref int most, int now)
    {
        for (var seen = Volatile.Read(ref most); now > seen;)
        {
            seen = Interlocked.CompareExchange(ref most, now, seen);
        }
    }

    private sealed class Ending(MemoryStore store) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref store._active);
    }
}
