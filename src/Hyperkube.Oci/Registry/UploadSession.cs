using System.Globalization;
using System.Net;

namespace Hyperkube.Oci.Registry;

/// <summary>One upload as the registry keeps it: where it goes on, how much has come.</summary>
/// <remarks>Source: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs</remarks>
internal sealed class UploadSession(HostConnection connection, string repository, Descriptor blob)
{
    /// <summary>What <see cref="ReceivedOf"/> says when none or one byte is there.</summary>
    private const long Unclear = -1;

    private readonly TokenScope[] _push = [new(repository, "pull,push")];
    private Uri? _address;

    /// <summary>The least that a chunk must have which is not the last.</summary>
    internal long MinChunk { get; private set; }

    /// <summary>Whether the last chunk was more than the registry, or what is in front of it, takes at once.</summary>
    internal bool WasTooLarge { get; private set; }

    /// <summary>Asks for it to be taken over from another repository of the registry.</summary>
    /// <returns>Whether it is there now. If not, the session of a usual upload may have begun instead.</returns>
    internal async Task<bool> MountAsync(string from, CancellationToken cancellationToken)
    {
        var (digest, source) = (Uri.EscapeDataString(blob.Digest.ToString()), Uri.EscapeDataString(from));
        var uri = connection.UriOf($"{repository}/blobs/uploads/?mount={digest}&from={source}");
        RegistryRequest request = new(HttpMethod.Post, uri, [.. _push, new TokenScope(from, "pull")])
        {
            MaxAttempts = 1,
            Body = NothingAsync,
        };
        using var response = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.Accepted)
        {
            await GiveUpAsync().ConfigureAwait(false); // Of the former mount, if any.
            await BeginAsync(response, cancellationToken).ConfigureAwait(false);
        }

        return response.StatusCode == HttpStatusCode.Created;
    }

    /// <summary>Begins it, unless it has begun.</summary>
    internal async Task EnsureAsync(CancellationToken cancellationToken)
    {
        if (_address is not null)
        {
            return;
        }

        RegistryRequest request = new(HttpMethod.Post, connection.UriOf($"{repository}/blobs/uploads/"), _push) { Body = NothingAsync };
        using var response = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.Accepted)
        {
            throw await RegistryError.ReadAsync(response, connection.Options, cancellationToken).ConfigureAwait(false);
        }

        await BeginAsync(response, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends it with a body, or with none when all has come.</summary>
    /// <returns>The answer. A PUT that failed leaves the session in a state that nobody promises: it is to be given up.</returns>
    internal async Task<HttpResponseMessage> FinishAsync(
        Func<CancellationToken, ValueTask<HttpContent>>? body, CancellationToken cancellationToken)
    {
        // The address keeps its query.
        var (session, digest) = (_address!, $"digest={Uri.EscapeDataString(blob.Digest.ToString())}");
        var uri = new UriBuilder(session) { Query = session.Query.Length > 1 ? $"{session.Query[1..]}&{digest}" : digest }.Uri;
        var response = await connection.SendAsync(
            new RegistryRequest(HttpMethod.Put, uri, _push) { Body = body ?? NothingAsync, MaxAttempts = body is null ? null : 1 },
            cancellationToken).ConfigureAwait(false);
        _address = IsStored(response) ? null : session;
        return response;
    }

    /// <summary>Whether a registry says so of what was to be stored.</summary>
    internal static bool IsStored(HttpResponseMessage response) =>
        response.StatusCode is HttpStatusCode.Created or HttpStatusCode.OK or HttpStatusCode.NoContent;

    /// <summary>Sends a chunk, once.</summary>
    /// <returns>How much the registry has now.</returns>
    internal async Task<long> SendAsync(
        long offset, long length, Func<CancellationToken, ValueTask<HttpContent>> body, CancellationToken cancellationToken)
    {
        RegistryRequest request = new(HttpMethod.Patch, _address!, _push)
        {
            MaxAttempts = 1,
            Body = async token =>
            {
                var content = await body(token).ConfigureAwait(false);

                // Without "bytes": the specification's own form.
                var range = string.Create(CultureInfo.InvariantCulture, $"{offset}-{offset + length - 1}");
                content.Headers.TryAddWithoutValidation("Content-Range", range);
                return content;
            },
        };
        WasTooLarge = false;
        var response = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
        WasTooLarge = response.StatusCode == HttpStatusCode.RequestEntityTooLarge;
        switch (response.StatusCode)
        {
            case HttpStatusCode.Accepted or HttpStatusCode.Created or HttpStatusCode.NoContent: // 201 is what ECR says.
                using (response)
                {
                    await ContinueAsync(response, cancellationToken).ConfigureAwait(false);
                    var received = ReceivedOf(response) ?? (offset + length);
                    return received != Unclear ? received
                        : offset + length == 1 ? 1
                        : await BeginAnewAsync(cancellationToken).ConfigureAwait(false);
                }

            case HttpStatusCode.RequestedRangeNotSatisfiable:
                response.Dispose();
                return await OffsetAsync(cancellationToken).ConfigureAwait(false);
            default:
                throw await RegistryError.ReadAsync(response, connection.Options, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>How much the registry has. A session that is gone, or does not say clearly, begins anew.</summary>
    internal async Task<long> OffsetAsync(CancellationToken cancellationToken)
    {
        using var response = await connection.SendAsync(
            new RegistryRequest(HttpMethod.Get, _address!, _push), cancellationToken).ConfigureAwait(false);
        if (response.StatusCode is HttpStatusCode.NoContent or HttpStatusCode.OK or HttpStatusCode.Accepted)
        {
            await ContinueAsync(response, cancellationToken).ConfigureAwait(false);
            return ReceivedOf(response) is not (null or Unclear) and { } received ? received
                : await BeginAnewAsync(cancellationToken).ConfigureAwait(false);
        }

        _address = null;
        return await BeginAnewAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Leaves nothing at the registry; if that fails, it clears up by itself some day.</summary>
    internal async Task GiveUpAsync()
    {
        if (_address is not { } session)
        {
            return;
        }

        _address = null;
        try
        {
            using CancellationTokenSource soon = new(TimeSpan.FromSeconds(5), TimeProvider.System);
            using var response = await connection.SendAsync(
                new RegistryRequest(HttpMethod.Delete, session, _push) { MaxAttempts = 1 }, soon.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HyperkubeException or OperationCanceledException)
        {
            // What is being thrown matters more.
        }
    }

    // One byte more or less, and the digest would be wrong in the end: a new session has none for sure.
    private async Task<long> BeginAnewAsync(CancellationToken cancellationToken)
    {
        await GiveUpAsync().ConfigureAwait(false);
        await EnsureAsync(cancellationToken).ConfigureAwait(false);
        return 0;
    }

    private async ValueTask BeginAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await ContinueAsync(response, cancellationToken).ConfigureAwait(false);
        if (_address is null)
        {
            throw new HyperkubeException(
                ErrorKind.Unavailable, $"{Http.HttpFailure.Where(response)}: an upload session without a Location");
        }

        MinChunk = response.Headers.TryGetValues("OCI-Chunk-Min-Length", out var values)
            && long.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
                ? Math.Min(bytes, blob.Size)
                : 0;
    }

    // Each answer says where to go on; relative, and with a query that must be kept.
    private async ValueTask ContinueAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Headers.Location is { } location)
        {
            _address = await connection.TargetAsync(response.RequestMessage!.RequestUri!, location, cancellationToken)
                .ConfigureAwait(false);
        }
    }

    // Range: 0-N says that N+1 bytes are there, but 0-0 is said of none too, as docker-registry does. Null: nothing was said.
    private long? ReceivedOf(HttpResponseMessage response)
    {
        var range = response.Headers.TryGetValues("Range", out var values) ? values.First() : null;
        var last = range?.StartsWith("bytes=", StringComparison.OrdinalIgnoreCase) == true ? range["bytes=".Length..] : range;
        return last?.Split('-') is ["0", var end] && long.TryParse(end, NumberStyles.None, CultureInfo.InvariantCulture, out var position)
            ? position == 0 ? Unclear : Math.Min(position, blob.Size - 1) + 1
            : null;
    }

    private static ValueTask<HttpContent> NothingAsync(CancellationToken cancellationToken)
    {
        ByteArrayContent nothing = new([]);
        nothing.Headers.ContentLength = 0; // Some proxies insist on it.
        return ValueTask.FromResult<HttpContent>(nothing);
    }
}
