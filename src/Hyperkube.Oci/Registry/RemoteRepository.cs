using System.Collections.Concurrent;
using System.Net;
using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Registry;

/// <summary>One repository: read from its mirrors and its registry, written to its registry.</summary>
/// <remarks>Safe for many tasks. Source: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md</remarks>
public sealed class RemoteRepository : IContentSource, IContentDestination
{
    private readonly IReadOnlyList<HostConnection> _hosts;
    private readonly HostConnection _registry;
    private readonly RemoteReferrers _referrers;
    private readonly RemoteDocuments _documents;
    private readonly ConcurrentDictionary<Digest, HostConnection> _servedBy = new();
    private readonly ConcurrentDictionary<(Digest, HostConnection), bool> _distrusted = new();

    internal RemoteRepository(string repository, IReadOnlyList<HostConnection> hosts)
    {
        (Name, _hosts, _registry) = (repository, hosts, hosts[^1]);
        Pull = [new TokenScope(repository, "pull")];
        Push = [new TokenScope(repository, "pull,push")];
        _documents = new RemoteDocuments(repository, Pull, Push);
        _referrers = new RemoteReferrers(this, _documents);
    }

    /// <summary>Its path.</summary>
    public string Name { get; }

    /// <summary>Repositories of the same registry from which blobs may be taken over without sending them.</summary>
    public IReadOnlyList<string> MountFrom { get; init; } = [];

    internal IReadOnlyList<TokenScope> Pull { get; }

    internal IReadOnlyList<TokenScope> Push { get; }

    internal HostConnection Registry => _registry;

    /// <inheritdoc/>
    public async ValueTask<Descriptor?> ResolveAsync(string? reference, CancellationToken cancellationToken)
    {
        if (reference is null)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"{_registry.Host.Name}/{Name}: neither a tag nor a digest");
        }

        // What a digest names is known: only its size and type are not, and those come with the document.
        var byDigest = Digest.TryParse(reference, null, out _);
        return await FromAnyAsync(
            byDigest ? HostCapabilities.Pull : HostCapabilities.Pull | HostCapabilities.Resolve,
            (host, attempts, token) => byDigest
                ? _documents.GetAsync(host, reference, attempts, token)
                : _documents.HeadAsync(host, reference, attempts, token),
            reference,
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Finds what a tag or digest stands for, and keeps the document for the read that follows.</summary>
    public ValueTask<Descriptor?> FetchRootAsync(string reference, CancellationToken cancellationToken) =>
        new(FromAnyAsync(
            Digest.TryParse(reference, null, out _) ? HostCapabilities.Pull : HostCapabilities.Pull | HostCapabilities.Resolve,
            (host, attempts, token) => _documents.GetAsync(host, reference, attempts, token),
            reference,
            cancellationToken));

    /// <inheritdoc/>
    public async ValueTask<Stream> OpenAsync(Descriptor content, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        var stream = _documents.Kept(content.Digest) is { } kept && kept.Length == content.Size
            ? new MemoryStream(kept, writable: false)
            : await OpenAtAsync(content, offset: 0, cancellationToken).ConfigureAwait(false);
        return new VerifyingStream(stream, content, $"{_registry.Host.Name}/{Name}: {content.Digest}");
    }

    /// <inheritdoc/>
    public async ValueTask<Stream> OpenAtAsync(Descriptor content, long offset, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        var isDocument = IsDocument(content);
        HostFailures failures = new();
        foreach (var host in Givers().Where(h => _distrusted.ContainsKey((content.Digest, h))))
        {
            failures.Add(new HyperkubeException(ErrorKind.BadDigest, $"{host.Host.Name}/{Name}: gave other content for {content.Digest}"));
        }

        var download = await MirroredDownload.OpenAsync(
            [.. Givers().Where(h => !_distrusted.ContainsKey((content.Digest, h)))],
            host => new RegistryRequest(HttpMethod.Get, host.UriOf(PathOf(content)), Pull)
            {
                Accept = isDocument ? [content.MediaType] : [],
            },
            content,
            offset,
            failures,
            cancellationToken).ConfigureAwait(false);
        _servedBy[content.Digest] = download.Host!;
        return download;
    }

    /// <inheritdoc/>
    public bool Distrust(Descriptor content)
    {
        ArgumentNullException.ThrowIfNull(content);
        return _servedBy.TryRemove(content.Digest, out var host)
            && _distrusted.TryAdd((content.Digest, host), true)
            && Givers().Any(h => !_distrusted.ContainsKey((content.Digest, h)));
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<Descriptor>> ReferrersAsync(Digest subject, CancellationToken cancellationToken) =>
        await _referrers.ListAsync(subject, cancellationToken).ConfigureAwait(false);

    /// <summary>The tags of the repository, in the registry's order.</summary>
    public IAsyncEnumerable<string> TagsAsync(CancellationToken cancellationToken) =>
        new TagList(_registry, Name, Pull).ReadAsync(cancellationToken);

    /// <inheritdoc/>
    public bool VerifiesItself => true;

    /// <inheritdoc/>
    public async ValueTask<bool> HasAsync(Descriptor content, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        using var response = await _registry.SendAsync(
            new RegistryRequest(HttpMethod.Head, _registry.UriOf(PathOf(content)), Push)
            {
                Accept = IsDocument(content) ? [content.MediaType] : [],
            },
            cancellationToken).ConfigureAwait(false);

        // Some say 403 of what is not there; if it is a matter of rights, sending it will tell with a reason.
        return response.StatusCode == HttpStatusCode.OK
            && (response.Content.Headers.ContentLength is null or 0 || response.Content.Headers.ContentLength == content.Size);
    }

    /// <inheritdoc/>
    public async ValueTask PutAsync(Descriptor content, OpenContent open, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(open);
        if (!IsDocument(content))
        {
            await new BlobUpload(_registry, Name, content, open).RunAsync(MountFrom, cancellationToken).ConfigureAwait(false);
            return;
        }

        var document = await ContentSourceExtensions.ReadDocumentAsync(content, open, cancellationToken).ConfigureAwait(false);
        await PutDocumentAsync(content, document, content.Digest.ToString(), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask TagAsync(Descriptor manifest, string tag, bool move, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        var present = await _documents.HeadAsync(_registry, tag, attempts: null, cancellationToken).ConfigureAwait(false);
        if (present?.Digest == manifest.Digest)
        {
            return;
        }

        if (present is not null && !move)
        {
            throw new HyperkubeException(ErrorKind.TagConflict,
                $"{_registry.Host.Name}/{Name}:{tag}: the tag stands for {present.Digest}; it was to stand for {manifest.Digest}")
            {
                Hint = "add --move-tag, or push to another tag",
            };
        }

        var document = _documents.Kept(manifest.Digest) ?? await this.ReadDocumentAsync(manifest, cancellationToken).ConfigureAwait(false);
        await PutDocumentAsync(manifest, document, tag, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask AttachAsync(Digest subject, IReadOnlyList<Descriptor> referrers, CancellationToken cancellationToken) =>
        new(_referrers.AttachAsync(subject, referrers, cancellationToken));

    /// <summary>Whether others than the registry itself are asked: then nobody waits long for what is merely useful.</summary>
    internal bool IsMirrored => _hosts.Count > 1;

    internal IEnumerable<HostConnection> Able(HostCapabilities needed) =>
        _hosts.Where(h => (h.Host.Capabilities & needed) == needed);

    // Content that is named by its digest may come from anybody: containerd asks all, as long as any may be pulled from.
    // Source: https://github.com/containerd/containerd/blob/v2.1.9/core/remotes/docker/fetcher.go#L223
    private IEnumerable<HostConnection> Givers() => Able(HostCapabilities.Pull).Any() ? _hosts : [];

    /// <summary>Sends a document under its digest or a tag, and notes whether the registry keeps count of it.</summary>
    internal async Task PutDocumentAsync(Descriptor descriptor, byte[] document, string reference, CancellationToken cancellationToken)
    {
        if (await _documents.PutAsync(_registry, descriptor, document, reference, cancellationToken).ConfigureAwait(false))
        {
            _referrers.NoteCounted(descriptor.Digest);
        }
    }

    /// <summary>Asks the hosts that may be asked, in order, until one knows; null when all say that there is no such thing.</summary>
    internal async Task<T?> FromAnyAsync<T>(
        HostCapabilities needed, Func<HostConnection, int?, CancellationToken, Task<T?>> ask, string what,
        CancellationToken cancellationToken)
        where T : class
    {
        HostFailures failures = new();
        HostConnection[] hosts = [.. Able(needed)];
        for (var i = 0; i < hosts.Length; i++)
        {
            try
            {
                if (await ask(hosts[i], HostFailures.AttemptsAt(i, hosts.Length), cancellationToken).ConfigureAwait(false) is { } found)
                {
                    return found;
                }
            }
            catch (HyperkubeException e)
            {
                failures.Add(e);
            }
        }

        return failures.AllSayNotFound ? null : throw failures.Summary($"{Name}: {what}");
    }

    private string PathOf(Descriptor content) => $"{Name}/{(IsDocument(content) ? "manifests" : "blobs")}/{content.Digest}";

    private static bool IsDocument(Descriptor content) => MediaTypes.IsDocument(content.MediaType);
}
