using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Registry;

/// <summary>One repository: read from its mirrors and its registry, written to its registry.</summary>
/// <remarks>Safe for many tasks. Source: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md</remarks>
public sealed class RemoteRepository : IContentSource, IContentDestination
{
    private static readonly string[] DocumentTypes =
        [MediaTypes.Index, MediaTypes.Manifest, MediaTypes.DockerIndex, MediaTypes.DockerManifest];

    /// <summary>Documents kept between finding and reading them, and between sending and tagging them.</summary>
    private const int MaxKept = 256;

    private readonly IReadOnlyList<HostConnection> _hosts;
    private readonly HostConnection _registry;
    private readonly RemoteReferrers _referrers;
    private readonly ConcurrentDictionary<Digest, byte[]> _documents = new();
    private readonly ConcurrentDictionary<Digest, HostConnection> _servedBy = new();
    private readonly ConcurrentDictionary<(Digest, HostConnection), bool> _distrusted = new();

    internal RemoteRepository(string repository, IReadOnlyList<HostConnection> hosts)
    {
        (Name, _hosts, _registry) = (repository, hosts, hosts[^1]);
        _referrers = new RemoteReferrers(this);
        Pull = [new TokenScope(repository, "pull")];
    }

    /// <summary>Its path.</summary>
    public string Name { get; }

    /// <summary>Repositories of the same registry from which blobs may be taken over without sending them.</summary>
    public IReadOnlyList<string> MountFrom { get; init; } = [];

    internal IReadOnlyList<TokenScope> Pull { get; }

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
            (host, attempts, token) => byDigest ? GetDocumentAsync(host, reference, attempts, token) : HeadAsync(host, reference, attempts, token),
            reference,
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Finds what a tag or digest stands for, and keeps the document for the read that follows.</summary>
    public ValueTask<Descriptor?> FetchRootAsync(string reference, CancellationToken cancellationToken) =>
        new(FromAnyAsync(
            HostCapabilities.Pull | HostCapabilities.Resolve,
            (host, attempts, token) => GetDocumentAsync(host, reference, attempts, token),
            reference,
            cancellationToken));

    /// <inheritdoc/>
    public async ValueTask<Stream> OpenAsync(Descriptor content, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        if (_documents.TryGetValue(content.Digest, out var kept) && kept.Length == content.Size)
        {
            return new VerifyingStream(new MemoryStream(kept, writable: false), content, content.Digest.ToString());
        }

        return new VerifyingStream(await OpenAtAsync(content, offset: 0, cancellationToken).ConfigureAwait(false), content, $"{_registry.Host.Name}/{Name}: {content.Digest}");
    }

    /// <inheritdoc/>
    public async ValueTask<Stream> OpenAtAsync(Descriptor content, long offset, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        var isDocument = IsDocument(content);
        var download = await MirroredDownload.OpenAsync(
            [.. Able(HostCapabilities.Pull).Where(h => !_distrusted.ContainsKey((content.Digest, h)))],
            host => new RegistryRequest(HttpMethod.Get, host.UriOf(PathOf(content)), Pull) { Accept = isDocument ? [content.MediaType] : [] },
            content,
            offset,
            new HostFailures(),
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
            && Able(HostCapabilities.Pull).Any(h => !_distrusted.ContainsKey((content.Digest, h)));
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<Descriptor>> ReferrersAsync(Digest subject, CancellationToken cancellationToken) =>
        await _referrers.ListAsync(subject, cancellationToken).ConfigureAwait(false);

    /// <summary>The tags of the repository, in the registry's order.</summary>
    public IAsyncEnumerable<string> TagsAsync(CancellationToken cancellationToken) => new TagList(_registry, Name, Pull).ReadAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<bool> HasAsync(Descriptor content, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        using var response = await _registry.SendAsync(
            new RegistryRequest(HttpMethod.Head, _registry.UriOf(PathOf(content)), Push) { Accept = IsDocument(content) ? [content.MediaType] : [] },
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
        var present = await HeadAsync(_registry, tag, attempts: null, cancellationToken).ConfigureAwait(false);
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

        var document = _documents.TryGetValue(manifest.Digest, out var kept) ? kept
            : await this.ReadDocumentAsync(manifest, cancellationToken).ConfigureAwait(false);
        await PutDocumentAsync(manifest, document, tag, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask AttachAsync(Digest subject, IReadOnlyList<Descriptor> referrers, CancellationToken cancellationToken) =>
        new(_referrers.AttachAsync(subject, referrers, cancellationToken));

    internal IReadOnlyList<TokenScope> Push => [new TokenScope(Name, "pull,push")];

    internal IEnumerable<HostConnection> Able(HostCapabilities needed) =>
        _hosts.Where(h => (h.Host.Capabilities & needed) == needed);

    /// <summary>Sends a document under its digest or a tag.</summary>
    internal async Task PutDocumentAsync(Descriptor descriptor, byte[] document, string reference, CancellationToken cancellationToken)
    {
        using var response = await _registry.SendAsync(
            new RegistryRequest(HttpMethod.Put, _registry.UriOf($"{Name}/manifests/{reference}"), Push)
            {
                Body = _ =>
                {
                    ByteArrayContent body = new(document);
                    body.Headers.ContentType = new MediaTypeHeaderValue(descriptor.MediaType);
                    return ValueTask.FromResult<HttpContent>(body);
                },
            },
            cancellationToken).ConfigureAwait(false);
        if (response.StatusCode is not (HttpStatusCode.Created or HttpStatusCode.OK or HttpStatusCode.Accepted))
        {
            throw await RegistryError.ReadAsync(response, cancellationToken).ConfigureAwait(false);
        }

        if (DigestOf(response) is { } said && said != descriptor.Digest)
        {
            throw new HyperkubeException(ErrorKind.BadDigest,
                $"{Http.HttpFailure.Where(response)}: the registry stored {said}; {descriptor.Digest} was sent");
        }

        _referrers.Note(response, descriptor.Digest);
        Keep(descriptor.Digest, document);
    }

    /// <summary>Asks the hosts that may be asked, in order, until one knows; null when all say that there is no such thing.</summary>
    internal async Task<T?> FromAnyAsync<T>(
        HostCapabilities needed, Func<HostConnection, int?, CancellationToken, Task<T?>> ask, string what, CancellationToken cancellationToken)
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

    /// <summary>Reads a document by tag or digest, hashes it and keeps it; null when the host has none.</summary>
    internal async Task<Descriptor?> GetDocumentAsync(HostConnection host, string reference, int? attempts, CancellationToken cancellationToken)
    {
        using var response = await host.SendAsync(
            new RegistryRequest(HttpMethod.Get, host.UriOf($"{Name}/manifests/{reference}"), Pull) { Accept = DocumentTypes, MaxAttempts = attempts },
            cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw await RegistryError.ReadAsync(response, cancellationToken).ConfigureAwait(false);
        }

        var where = Http.HttpFailure.Where(response);
        var document = await DocumentBody.ReadAsync(host, response, cancellationToken).ConfigureAwait(false);
        var descriptor = Descriptor.Of(DocumentBody.MediaTypeOf(response, document, where), document);
        if (Digest.TryParse(reference, null, out var asked) && asked != descriptor.Digest)
        {
            throw new DigestMismatchException(where, descriptor with { Digest = asked }, descriptor.Digest, document.Length);
        }

        Keep(descriptor.Digest, document);
        return descriptor;
    }

    private async Task<Descriptor?> HeadAsync(HostConnection host, string reference, int? attempts, CancellationToken cancellationToken)
    {
        using var response = await host.SendAsync(
            new RegistryRequest(HttpMethod.Head, host.UriOf($"{Name}/manifests/{reference}"), Pull) { Accept = DocumentTypes, MaxAttempts = attempts },
            cancellationToken).ConfigureAwait(false);
        return response.StatusCode switch
        {
            HttpStatusCode.NotFound => null,
            HttpStatusCode.OK when DigestOf(response) is { } digest
                && response.Content.Headers is { ContentLength: > 0 and { } size, ContentType.MediaType: { } type } && DocumentTypes.Contains(type) =>
                new Descriptor(type, digest, size),
            _ => await GetDocumentAsync(host, reference, attempts, cancellationToken).ConfigureAwait(false), // It says more, or why not.
        };
    }

    private void Keep(Digest digest, byte[] document)
    {
        if (_documents.Count < MaxKept)
        {
            _documents[digest] = document;
        }
    }

    private string PathOf(Descriptor content) => $"{Name}/{(IsDocument(content) ? "manifests" : "blobs")}/{content.Digest}";

    private static bool IsDocument(Descriptor content) => MediaTypes.IsIndex(content.MediaType) || MediaTypes.IsManifest(content.MediaType);

    private static Digest? DigestOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Docker-Content-Digest", out var values) && Digest.TryParse(values.First(), null, out var digest)
            ? digest
            : null;
}
