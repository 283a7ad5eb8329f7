using System.Collections.Concurrent;
using System.Net;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;

namespace Hyperkube.Oci.Registry;

/// <summary>What refers to the manifests of a repository: by the API, or by a tag where the API is missing.</summary>
/// <remarks>Source: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers</remarks>
internal sealed class RemoteReferrers(RemoteRepository repository, RemoteDocuments documents)
{
    /// <summary>Two writers of one tag overwrite each other; each looks whether its own survived, this often.</summary>
    private const int MaxRounds = 8;

    /// <summary>A page holds something: a list with more pages than a subject may have referrers is going in circles.</summary>
    private const int MaxPages = ReferrersIndex.MaxReferrers;

    private readonly ConcurrentDictionary<HostConnection, bool> _withoutApi = new();
    private readonly ConcurrentDictionary<Digest, bool> _counted = new();

    /// <summary>Notes that the registry itself keeps count of a manifest that was just sent.</summary>
    internal void NoteCounted(Digest manifest) => _counted[manifest] = true;

    /// <summary>What the first host says that knows of any: a mirror often has the image alone.</summary>
    internal async Task<IReadOnlyList<Descriptor>> ListAsync(Digest subject, CancellationToken cancellationToken)
    {
        var saidNone = false;
        try
        {
            return await repository.FromAnyAsync(
                HostCapabilities.Pull | HostCapabilities.Referrers,
                async (host, attempts, token) =>
                {
                    var found = await ListAsync(host, subject, attempts ?? (repository.IsMirrored ? 2 : null), token).ConfigureAwait(false);
                    saidNone |= found is [];
                    return found is [] ? null : found;
                },
                $"referrers of {subject}",
                cancellationToken).ConfigureAwait(false) ?? [];
        }
        catch (HyperkubeException e) when (saidNone)
        {
            // In a fenced network the registry behind the mirror is never there.
            repository.Registry.Options.Warn($"{e.Message}; going on without referrers, as another host knows of none");
            return [];
        }
    }

    internal async Task AttachAsync(Digest subject, IReadOnlyList<Descriptor> referrers, CancellationToken cancellationToken)
    {
        Descriptor[] missing = [.. referrers.Where(r => !_counted.ContainsKey(r.Digest))];
        if (missing.Length == 0)
        {
            return;
        }

        // What was there before, and not sent now, may be counted all the same.
        if (await ByApiAsync(repository.Registry, subject, attempts: null, cancellationToken).ConfigureAwait(false) is { } counted)
        {
            var uncounted = missing.ExceptBy(counted.Select(c => c.Digest), m => m.Digest).ToList();
            foreach (var referrer in uncounted)
            {
                // An older registry took it as any manifest. Sent again, it is counted.
                var document = await repository.ReadDocumentAsync(referrer, cancellationToken).ConfigureAwait(false);
                await repository.PutDocumentAsync(referrer, document, referrer.Digest.ToString(), cancellationToken).ConfigureAwait(false);
            }

            return;
        }

        await AddToTagAsync(subject, missing, cancellationToken).ConfigureAwait(false);
    }

    private async Task AddToTagAsync(Digest subject, IReadOnlyList<Descriptor> missing, CancellationToken cancellationToken)
    {
        var tag = ReferrersIndex.TagOf(subject);
        for (var round = 1; ; round++)
        {
            var present = await ByTagAsync(repository.Registry, subject, attempts: null, cancellationToken).ConfigureAwait(false);
            if (ReferrersIndex.With(present, missing) is not { } index)
            {
                return; // Also what the next round finds when nobody came between.
            }

            if (round > MaxRounds)
            {
                throw new HyperkubeException(ErrorKind.Unavailable,
                    $"{repository.Registry.Host.Name}/{repository.Name}:{tag}: overwritten by others {MaxRounds} times in a row");
            }

            var document = OciJson.Write(index);
            await repository.PutDocumentAsync(Descriptor.Of(MediaTypes.Index, document), document, tag, cancellationToken)
                .ConfigureAwait(false);
        }
    }

    private async Task<IReadOnlyList<Descriptor>?> ListAsync(
        HostConnection host, Digest subject, int? attempts, CancellationToken cancellationToken)
    {
        if (await ByApiAsync(host, subject, attempts, cancellationToken).ConfigureAwait(false) is { } counted)
        {
            return counted;
        }

        return await ByTagAsync(host, subject, attempts, cancellationToken).ConfigureAwait(false) is { } index
            ? ReferrersIndex.Read(index, subject)
            : null;
    }

    // Null: the host has no such API.
    private async Task<IReadOnlyList<Descriptor>?> ByApiAsync(
        HostConnection host, Digest subject, int? attempts, CancellationToken cancellationToken)
    {
        if (_withoutApi.ContainsKey(host))
        {
            return null;
        }

        List<Descriptor> all = [];
        var next = host.UriOf($"{repository.Name}/referrers/{subject}");
        for (var page = 0; next is not null; page++)
        {
            using var response = await host.SendAsync(
                new RegistryRequest(HttpMethod.Get, next, repository.Pull) { Accept = [MediaTypes.Index], MaxAttempts = attempts },
                cancellationToken).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK
                || response.Content.Headers.ContentType?.MediaType is not (MediaTypes.Index or "application/json"))
            {
                if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden || page > 0)
                {
                    var failure = await RegistryError.ReadAsync(response, host.Options, cancellationToken).ConfigureAwait(false);
                    throw page == 0 ? failure // A list that breaks off is not a shorter list.
                        : new HyperkubeException(ErrorKind.Unavailable, $"a page of the referrers is missing: {failure.Message}", failure);
                }

                _withoutApi[host] = true;
                return null;
            }

            var where = Http.HttpFailure.Where(response);
            var document = await DocumentBody.ReadAsync(host, response, cancellationToken).ConfigureAwait(false);
            all.AddRange(OciJson.ReadIndex(document, where).Manifests);
            _ = ReferrersIndex.Read(new ImageIndex { Manifests = all }, subject); // Too many are told before the next page is asked for.
            if (page == MaxPages)
            {
                throw new HyperkubeException(ErrorKind.BadContent, $"{where}: more than {MaxPages} pages of referrers");
            }

            next = await Links.NextAsync(host, response, cancellationToken).ConfigureAwait(false);
        }

        return ReferrersIndex.Read(new ImageIndex { Manifests = all }, subject);
    }

    // GitLab finds the subject itself under that tag: what is no index, or is the subject, is no list of referrers.
    private async Task<ImageIndex?> ByTagAsync(HostConnection host, Digest subject, int? attempts, CancellationToken cancellationToken)
    {
        var tag = ReferrersIndex.TagOf(subject);
        return await documents.GetAsync(host, tag, attempts, cancellationToken).ConfigureAwait(false) is { } found
            && MediaTypes.IsIndex(found.MediaType) && found.Digest != subject
                ? OciJson.ReadIndex(await repository.ReadDocumentAsync(found, cancellationToken).ConfigureAwait(false), tag)
                : null;
    }
}
