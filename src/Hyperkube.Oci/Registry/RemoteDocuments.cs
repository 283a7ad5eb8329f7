using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using Hyperkube.Oci.Http;

namespace Hyperkube.Oci.Registry;

/// <summary>The manifests and indexes of a repository: found, read and sent, at one host at a time.</summary>
internal sealed class RemoteDocuments(string repository, IReadOnlyList<TokenScope> pull, IReadOnlyList<TokenScope> push)
{
    private static readonly string[] DocumentTypes =
        [MediaTypes.Index, MediaTypes.Manifest, MediaTypes.DockerIndex, MediaTypes.DockerManifest];

    /// <summary>Documents kept between finding and reading them, and between sending and tagging them.</summary>
    private const int MaxKept = 256;

    private readonly ConcurrentDictionary<Digest, byte[]> _kept = new();

    /// <summary>A document that passed lately, or null.</summary>
    internal byte[]? Kept(Digest digest) => _kept.GetValueOrDefault(digest);

    /// <summary>What a tag stands for at a host, as the host says; null when it knows none.</summary>
    internal async Task<Descriptor?> HeadAsync(HostConnection host, string reference, int? attempts, CancellationToken cancellationToken)
    {
        using var response = await host.SendAsync(Request(HttpMethod.Head, host, reference, attempts), cancellationToken)
            .ConfigureAwait(false);
        return response.StatusCode switch
        {
            HttpStatusCode.NotFound => null,
            HttpStatusCode.OK when DigestOf(response) is { } digest
                && response.Content.Headers is { ContentLength: > 0 and { } size, ContentType.MediaType: { } type }
                && DocumentTypes.Contains(type) =>
                new Descriptor(type, digest, size),
            _ => await GetAsync(host, reference, attempts, cancellationToken).ConfigureAwait(false), // It says more, or why not.
        };
    }

    /// <summary>Reads a document by tag or digest, hashes it and keeps it; null when the host has none.</summary>
    internal async Task<Descriptor?> GetAsync(HostConnection host, string reference, int? attempts, CancellationToken cancellationToken)
    {
        using var response = await host.SendAsync(Request(HttpMethod.Get, host, reference, attempts), cancellationToken)
            .ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw await RegistryError.ReadAsync(response, host.Options, cancellationToken).ConfigureAwait(false);
        }

        var where = HttpFailure.Where(response);
        var document = await DocumentBody.ReadAsync(host, response, cancellationToken).ConfigureAwait(false);
        var descriptor = Descriptor.Of(DocumentBody.MediaTypeOf(response, document, where), document);
        if (Digest.TryParse(reference, null, out var asked) && asked != descriptor.Digest)
        {
            throw new DigestMismatchException(where, descriptor with { Digest = asked }, descriptor.Digest, document.Length);
        }

        Keep(descriptor.Digest, document);
        return descriptor;
    }

    /// <summary>Sends a document under its digest or a tag.</summary>
    /// <returns>Whether the registry counts it among the referrers of its subject.</returns>
    internal async Task<bool> PutAsync(
        HostConnection host, Descriptor descriptor, byte[] document, string reference, CancellationToken cancellationToken)
    {
        RegistryRequest request = new(HttpMethod.Put, host.UriOf($"{repository}/manifests/{reference}"), push)
        {
            Body = _ =>
            {
                ByteArrayContent body = new(document);
                body.Headers.ContentType = new MediaTypeHeaderValue(descriptor.MediaType);
                return ValueTask.FromResult<HttpContent>(body);
            },
        };
        for (var attempt = 1; ; attempt++)
        {
            using var response = await host.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (response.StatusCode is HttpStatusCode.Created or HttpStatusCode.OK or HttpStatusCode.Accepted)
            {
                return Accept(response, descriptor, document);
            }

            // What is transient by its status was tried again already.
            var refusal = await RegistryError.ReadAsync(response, host.Options, cancellationToken).ConfigureAwait(false);
            if (refusal.Kind != ErrorKind.Unavailable || RetryPolicy.IsTransient(response.StatusCode)
                || host.Options.Retry.DelayAfter(attempt, retryAfter: null) is not { } delay)
            {
                throw refusal;
            }

            await Task.Delay(delay, host.Options.Retry.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    private bool Accept(HttpResponseMessage response, Descriptor descriptor, byte[] document)
    {
        if (DigestOf(response) is { } said && said != descriptor.Digest)
        {
            throw new HyperkubeException(ErrorKind.BadDigest,
                $"{HttpFailure.Where(response)}: the registry stored {said}; {descriptor.Digest} was sent");
        }

        Keep(descriptor.Digest, document);
        return response.Headers.Contains("OCI-Subject");
    }

    private RegistryRequest Request(HttpMethod method, HostConnection host, string reference, int? attempts) =>
        new(method, host.UriOf($"{repository}/manifests/{reference}"), pull) { Accept = DocumentTypes, MaxAttempts = attempts };

    private void Keep(Digest digest, byte[] document)
    {
        if (_kept.Count < MaxKept)
        {
            _kept[digest] = document;
        }
    }

    private static Digest? DigestOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Docker-Content-Digest", out var values) && Digest.TryParse(values.First(), null, out var digest)
            ? digest
            : null;
}
