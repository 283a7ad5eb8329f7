using System.Globalization;
using System.Net;
using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Registry;

/// <summary>Brings one blob into a repository: by mounting it from another, else in one piece, else in chunks.</summary>
/// <remarks>Source: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs</remarks>
internal sealed class BlobUpload(HostConnection connection, string repository, Descriptor blob, OpenContent open)
{
    /// <summary>Some registries store each chunk as an object: fewer, larger ones. It is halved after each cut.</summary>
    private const long FirstChunkBytes = 16 << 20;

    /// <summary>A line that cannot carry this much in one go carries nothing.</summary>
    private const long SmallestChunkBytes = 32 * 1024;

    /// <summary>After so many tries in one piece it goes in chunks.</summary>
    private const int WholeTries = 2;

    private const string Octets = MediaTypes.Bytes;

    private readonly TokenScope[] _push = [new(repository, "pull,push")];
    private Uri? _session;
    private long _minChunk;

    /// <summary>Brings it there.</summary>
    /// <param name="mountFrom">Repositories of the same host that have it.</param>
    /// <param name="cancellationToken">Ends it; the session is given up.</param>
    internal async Task RunAsync(IReadOnlyList<string> mountFrom, CancellationToken cancellationToken)
    {
        foreach (var from in mountFrom)
        {
            if (await MountAsync(from, cancellationToken).ConfigureAwait(false))
            {
                return;
            }
        }

        try
        {
            if (!await InOnePieceAsync(cancellationToken).ConfigureAwait(false))
            {
                await InChunksAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch
        {
            await GiveUpAsync().ConfigureAwait(false);
            throw;
        }
    }

    // 201: it is there. 202: this is the session of a usual upload. Anything else is no reason to fail.
    private async Task<bool> MountAsync(string from, CancellationToken cancellationToken)
    {
        var uri = connection.UriOf($"{repository}/blobs/uploads/?mount={Uri.EscapeDataString(blob.Digest.ToString())}&from={Uri.EscapeDataString(from)}");
        try
        {
            using var response = await connection.SendAsync(
                new RegistryRequest(HttpMethod.Post, uri, [.. _push, new TokenScope(from, "pull")]) { MaxAttempts = 1, Body = NothingAsync },
                cancellationToken).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.Accepted)
            {
                await GiveUpAsync().ConfigureAwait(false); // Of the former mount, if any.
                await BeginAsync(response, cancellationToken).ConfigureAwait(false);
            }

            return response.StatusCode == HttpStatusCode.Created;
        }
        catch (HyperkubeException e) when (e.Kind is ErrorKind.AccessDenied or ErrorKind.Unavailable)
        {
            return false; // No right to read there: it is sent.
        }
    }

    private async Task<bool> InOnePieceAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            await EnsureSessionAsync(cancellationToken).ConfigureAwait(false);
            var session = _session!;
            _session = null; // A failed PUT leaves the session in a state that nobody promises.
            HyperkubeException failure;
            try
            {
                var response = await connection.SendAsync(
                    new RegistryRequest(HttpMethod.Put, WithDigest(session), _push) { Body = token => BodyAsync(0, blob.Size, token), MaxAttempts = 1 },
                    cancellationToken).ConfigureAwait(false);
                if (response.StatusCode is HttpStatusCode.Created or HttpStatusCode.OK or HttpStatusCode.NoContent)
                {
                    response.Dispose();
                    return true;
                }

                var isTooLarge = response.StatusCode == HttpStatusCode.RequestEntityTooLarge;
                failure = await RegistryError.ReadAsync(response, cancellationToken).ConfigureAwait(false);
                if (isTooLarge)
                {
                    return false;
                }

                if (failure.Kind != ErrorKind.NotFound) // The session may have been lost.
                {
                    throw failure;
                }
            }
            catch (HyperkubeException e) when (e.Kind == ErrorKind.Unavailable)
            {
                failure = e;
            }

            if (attempt == WholeTries)
            {
                return false;
            }

            await connection.BackOffAsync(attempt, failure, retryAfter: null, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task InChunksAsync(CancellationToken cancellationToken)
    {
        await EnsureSessionAsync(cancellationToken).ConfigureAwait(false);
        var (offset, chunk, attempt) = (0L, FirstChunkBytes, 1);
        while (offset < blob.Size)
        {
            var before = offset;
            HyperkubeException? failure = null;
            var length = Math.Min(Math.Max(chunk, _minChunk), blob.Size - offset);
            try
            {
                offset = await SendChunkAsync(offset, length, cancellationToken).ConfigureAwait(false);
            }
            catch (HyperkubeException e) when (e.Kind == ErrorKind.Unavailable)
            {
                failure = e;
                chunk = Math.Max(SmallestChunkBytes, chunk / 2);
                offset = await OffsetAsync(cancellationToken).ConfigureAwait(false);
            }

            if (offset > before)
            {
                attempt = 1;
            }
            else
            {
                await connection.BackOffAsync(
                    attempt++,
                    failure ?? new HyperkubeException(ErrorKind.Unavailable, $"{connection.Host.Name}/{repository}: the upload does not advance at byte {offset}"),
                    retryAfter: null,
                    cancellationToken).ConfigureAwait(false);
            }
        }

        using var response = await connection.SendAsync(
            new RegistryRequest(HttpMethod.Put, WithDigest(_session!), _push) { Body = NothingAsync }, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode is not (HttpStatusCode.Created or HttpStatusCode.OK or HttpStatusCode.NoContent))
        {
            throw await RegistryError.ReadAsync(response, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<long> SendChunkAsync(long offset, long length, CancellationToken cancellationToken)
    {
        var response = await connection.SendAsync(
            new RegistryRequest(HttpMethod.Patch, _session!, _push)
            {
                MaxAttempts = 1,
                Body = async token =>
                {
                    var content = await BodyAsync(offset, length, token).ConfigureAwait(false);

                    // Without "bytes": the specification's own form.
                    content.Headers.TryAddWithoutValidation("Content-Range", string.Create(CultureInfo.InvariantCulture, $"{offset}-{offset + length - 1}"));
                    return content;
                },
            },
            cancellationToken).ConfigureAwait(false);
        switch (response.StatusCode)
        {
            case HttpStatusCode.Accepted or HttpStatusCode.Created or HttpStatusCode.NoContent: // 201 is what ECR says.
                using (response)
                {
                    await ContinueAsync(response, cancellationToken).ConfigureAwait(false);
                    return ReceivedOf(response) ?? (offset + length);
                }

            case HttpStatusCode.RequestedRangeNotSatisfiable:
                response.Dispose();
                return await OffsetAsync(cancellationToken).ConfigureAwait(false);
            default:
                throw await RegistryError.ReadAsync(response, cancellationToken).ConfigureAwait(false);
        }
    }

    // How much the registry has. A session that is gone begins anew.
    private async Task<long> OffsetAsync(CancellationToken cancellationToken)
    {
        using var response = await connection.SendAsync(
            new RegistryRequest(HttpMethod.Get, _session!, _push), cancellationToken).ConfigureAwait(false);
        if (response.StatusCode is HttpStatusCode.NoContent or HttpStatusCode.OK or HttpStatusCode.Accepted)
        {
            await ContinueAsync(response, cancellationToken).ConfigureAwait(false);
            return ReceivedOf(response) ?? 0;
        }

        _session = null;
        await EnsureSessionAsync(cancellationToken).ConfigureAwait(false);
        return 0;
    }

    // Range: 0-N says that N+1 bytes are there; "0-0" is said of none too, and one byte sent again is refused with 416.
    private long? ReceivedOf(HttpResponseMessage response)
    {
        var range = response.Headers.TryGetValues("Range", out var values) ? values.First() : null;
        var last = range?.StartsWith("bytes=", StringComparison.OrdinalIgnoreCase) == true ? range["bytes=".Length..] : range;
        return last?.Split('-') is ["0", var end] && long.TryParse(end, NumberStyles.None, CultureInfo.InvariantCulture, out var position)
            ? position == 0 ? 0 : Math.Min(position + 1, blob.Size)
            : null;
    }

    private async Task EnsureSessionAsync(CancellationToken cancellationToken)
    {
        if (_session is not null)
        {
            return;
        }

        using var response = await connection.SendAsync(
            new RegistryRequest(HttpMethod.Post, connection.UriOf($"{repository}/blobs/uploads/"), _push) { Body = NothingAsync },
            cancellationToken).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.Accepted)
        {
            throw await RegistryError.ReadAsync(response, cancellationToken).ConfigureAwait(false);
        }

        await BeginAsync(response, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask BeginAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        _session = null;
        await ContinueAsync(response, cancellationToken).ConfigureAwait(false);
        if (_session is null)
        {
            throw new HyperkubeException(ErrorKind.Unavailable, $"{Http.HttpFailure.Where(response)}: an upload session without a Location");
        }

        _minChunk = response.Headers.TryGetValues("OCI-Chunk-Min-Length", out var values)
            && long.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? Math.Min(bytes, blob.Size) : 0;
    }

    // Each answer says where to go on; relative, and with a query that must be kept.
    private async ValueTask ContinueAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Headers.Location is { } location)
        {
            _session = await connection.TargetAsync(response.RequestMessage!.RequestUri!, location, cancellationToken).ConfigureAwait(false);
        }
    }

    private Uri WithDigest(Uri session)
    {
        var digest = $"digest={Uri.EscapeDataString(blob.Digest.ToString())}";
        return new UriBuilder(session) { Query = session.Query.Length > 1 ? $"{session.Query[1..]}&{digest}" : digest }.Uri;
    }

    private async ValueTask<HttpContent> BodyAsync(long offset, long length, CancellationToken cancellationToken) =>
        new UploadContent(
            await open(offset, cancellationToken).ConfigureAwait(false), length, offset + length == blob.Size, Octets, connection.Options.CommitTimeout);

    private static ValueTask<HttpContent> NothingAsync(CancellationToken cancellationToken)
    {
        ByteArrayContent nothing = new([]);
        nothing.Headers.ContentLength = 0; // Some proxies insist on it.
        return ValueTask.FromResult<HttpContent>(nothing);
    }

    // So that nothing is left at the registry; if that fails, it clears up by itself some day.
    private async Task GiveUpAsync()
    {
        if (_session is null)
        {
            return;
        }

        try
        {
            using CancellationTokenSource soon = new(TimeSpan.FromSeconds(5), connection.Options.Retry.Time);
            using var response = await connection.SendAsync(
                new RegistryRequest(HttpMethod.Delete, _session, _push) { MaxAttempts = 1 }, soon.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HyperkubeException or OperationCanceledException)
        {
            // What is being thrown matters more.
        }

        _session = null;
    }
}
