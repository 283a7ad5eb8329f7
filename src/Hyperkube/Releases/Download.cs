using System.Net;
using System.Net.Http.Headers;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Http;

namespace Hyperkube.Releases;

/// <summary>Brings one file from a site, however often the line is cut.</summary>
internal sealed class Download(SiteClient client, string path, IActivity activity)
{
    /// <summary>A try that brought this much counts as a success: the next cut starts counting again.</summary>
    private const long ProgressBytes = 1 << 20;

    private SiteOptions Options => client.Options;

    private string Where => HttpFailure.Where(client.UriOf(path));

    /// <summary>Appends what is missing to a file that holds the beginning, and hashes it.</summary>
    /// <param name="part">Positioned at its end, where <paramref name="hashes"/> stand too.</param>
    /// <param name="hashes">Of all that the file holds.</param>
    /// <param name="cancellationToken">Leaves the part for the next time.</param>
    /// <returns>False when the site has no such file.</returns>
    internal async Task<bool> RunAsync(FileStream part, FileHashes hashes, CancellationToken cancellationToken)
    {
        var useRange = true;
        for (var attempt = 1; ; attempt++)
        {
            var before = part.Length;
            var range = useRange && before > 0 ? RangeFrom(before) : null;
            using var response = await client.GetAsync(path, range, cancellationToken).ConfigureAwait(false);
            if (range is not null && !Continues(response, before))
            {
                Restart(part, hashes);
                if (response.StatusCode != HttpStatusCode.OK)
                {
                    useRange = false; // It may be the range that was not to the server's taste.
                    continue;
                }
            }
            else if (range is null)
            {
                Restart(part, hashes);
            }

            if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone)
            {
                return false;
            }

            if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.PartialContent))
            {
                throw SiteClient.Unexpected(response);
            }

            if (TotalOf(response) is { } total)
            {
                FileLimits.Check(Where, total);
                activity.Expect(total);
            }

            try
            {
                await AppendAsync(response, part, hashes, cancellationToken).ConfigureAwait(false);
                return true;
            }
            catch (HyperkubeException e) when (e.Kind == ErrorKind.Unavailable)
            {
                attempt = part.Length - before >= ProgressBytes ? 1 : attempt;
                await client.WaitAsync(attempt, e, retryAfter: null, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // Closed, because some servers refuse an open range; its end lies beyond any file, and servers cut it there.
    private static RangeHeaderValue RangeFrom(long offset) => new(offset, FileLimits.MaxBytes - 1);

    private static bool Continues(HttpResponseMessage response, long offset) =>
        response.StatusCode == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange?.From == offset;

    private static long? TotalOf(HttpResponseMessage response) =>
        response.StatusCode == HttpStatusCode.PartialContent
            ? response.Content.Headers.ContentRange?.Length
            : response.Content.Headers.ContentLength;

    private static void Restart(FileStream part, FileHashes hashes)
    {
        if (part.Length > 0)
        {
            part.SetLength(0);
            hashes.Restart();
        }
    }

    private async Task AppendAsync(
        HttpResponseMessage response, FileStream part, FileHashes hashes, CancellationToken cancellationToken)
    {
        using SpeedGuard guard = new(Options.SpeedSpan, Options.MinBytesPerSpan, Options.Retry.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(guard.Token, cancellationToken);
        var buffer = new byte[StreamSizes.CopyBytes];
        var body = await ReadAsync(
            () => new ValueTask<Stream>(response.Content.ReadAsStreamAsync(either.Token)), guard, cancellationToken).ConfigureAwait(false);
        for (int count;
             (count = await ReadAsync(() => body.ReadAsync(buffer, either.Token), guard, cancellationToken).ConfigureAwait(false)) > 0;)
        {
            FileLimits.Check(Where, hashes.Length + count); // The length may have been a lie, or missing.
            await part.WriteAsync(buffer.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            hashes.Append(buffer.AsSpan(0, count));
            activity.Report(hashes.Length);
            guard.Passed(count);
        }
    }

    // What breaks while reading is the line's fault, what breaks while writing this machine's.
    private async ValueTask<T> ReadAsync<T>(Func<ValueTask<T>> read, SpeedGuard guard, CancellationToken cancellationToken)
    {
        try
        {
            return await read().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HyperkubeException(ErrorKind.Unavailable, $"GET {Where}: {guard.Failure}");
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new HyperkubeException(ErrorKind.Unavailable, $"GET {Where}: the connection broke off", e);
        }
    }
}
