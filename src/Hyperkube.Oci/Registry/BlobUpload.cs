using System.Net;
using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Registry;

/// <summary>Brings one blob into a repository: by mounting it from another, else in one piece, else in chunks.</summary>
internal sealed class BlobUpload(HostConnection connection, string repository, Descriptor blob, OpenContent open)
{
    /// <summary>After so many tries in one piece it goes in chunks.</summary>
    private const int WholeTries = 2;

    private readonly UploadSession _session = new(connection, repository, blob);

    /// <summary>Brings it there.</summary>
    /// <param name="mountFrom">Repositories of the same host that have it.</param>
    /// <param name="cancellationToken">Ends it; the session is given up.</param>
    internal async Task RunAsync(IReadOnlyList<string> mountFrom, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var from in mountFrom)
            {
                if (await MountAsync(from, cancellationToken).ConfigureAwait(false))
                {
                    await _session.GiveUpAsync().ConfigureAwait(false); // Of a mount before it, if any.
                    return;
                }
            }

            if (!await InOnePieceAsync(cancellationToken).ConfigureAwait(false))
            {
                await InChunksAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch
        {
            await _session.GiveUpAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<bool> MountAsync(string from, CancellationToken cancellationToken)
    {
        try
        {
            return await _session.MountAsync(from, cancellationToken).ConfigureAwait(false);
        }
        catch (HyperkubeException)
        {
            return false; // No right to read there, or no such thing as a mount: it is sent.
        }
    }

    private async Task<bool> InOnePieceAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            await _session.EnsureAsync(cancellationToken).ConfigureAwait(false);
            HyperkubeException failure;
            try
            {
                var response = await _session.FinishAsync(token => BodyAsync(0, blob.Size, token), cancellationToken).ConfigureAwait(false);
                if (UploadSession.IsStored(response))
                {
                    response.Dispose();
                    return true;
                }

                var isTooLarge = response.StatusCode == HttpStatusCode.RequestEntityTooLarge;
                failure = await RegistryError.ReadAsync(response, connection.Options, cancellationToken).ConfigureAwait(false);
                if (!isTooLarge && failure.Kind is not (ErrorKind.NotFound or ErrorKind.Unavailable)) // The session may have been lost.
                {
                    throw failure;
                }

                attempt = isTooLarge ? WholeTries : attempt;
            }
            catch (HyperkubeException e) when (e.Kind == ErrorKind.Unavailable)
            {
                failure = e;
            }

            await _session.GiveUpAsync().ConfigureAwait(false);
            if (attempt == WholeTries)
            {
                return false;
            }

            await connection.BackOffAsync(attempt, failure, retryAfter: null, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task InChunksAsync(CancellationToken cancellationToken)
    {
        await _session.EnsureAsync(cancellationToken).ConfigureAwait(false);
        ChunkSize chunk = new();
        var (offset, attempt) = (0L, 1);
        while (offset < blob.Size)
        {
            var before = offset;
            HyperkubeException? failure = null;
            var length = Math.Min(Math.Max(chunk.Bytes, _session.MinChunk), blob.Size - offset);
            try
            {
                var (from, count) = (offset, length);
                offset = await _session.SendAsync(from, count, token => BodyAsync(from, count, token), cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (HyperkubeException e) when (e.Kind == ErrorKind.Unavailable || _session.WasTooLarge)
            {
                failure = e;
                offset = await _session.OffsetAsync(cancellationToken).ConfigureAwait(false);
            }

            if (offset > before)
            {
                attempt = 1;
                if (failure is null)
                {
                    chunk.Grow();
                }

                continue;
            }

            if (failure is not null)
            {
                chunk.Shrink(length, _session.WasTooLarge);
            }

            // A smaller chunk is not the same try again; only the smallest is tried but so often.
            var isSmaller = failure is not null && Math.Max(chunk.Bytes, _session.MinChunk) < length;
            failure ??= new HyperkubeException(
                ErrorKind.Unavailable, $"{connection.Host.Name}/{repository}: the upload does not advance at byte {offset}");
            await connection.BackOffAsync(isSmaller ? 1 : attempt++, failure, retryAfter: null, cancellationToken).ConfigureAwait(false);
        }

        var response = await _session.FinishAsync(body: null, cancellationToken).ConfigureAwait(false);
        if (!UploadSession.IsStored(response))
        {
            throw await RegistryError.ReadAsync(response, connection.Options, cancellationToken).ConfigureAwait(false);
        }

        response.Dispose();
    }

    private async ValueTask<HttpContent> BodyAsync(long offset, long length, CancellationToken cancellationToken) =>
        new UploadContent(
            await open(offset, cancellationToken).ConfigureAwait(false),
            length,
            offset + length == blob.Size,
            MediaTypes.Bytes,
            connection.Options.CommitTimeout);
}
