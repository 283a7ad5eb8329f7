using System.Net;
using Hyperkube.Oci;
using Hyperkube.Oci.Http;

namespace Hyperkube.Releases;

/// <summary>A site with the layout of <c>https://dl.k8s.io/release</c>. What comes from it goes into a cache.</summary>
public sealed class DownloadSite : IReleaseSource
{
    private readonly SiteClient _client;
    private readonly BinaryCache _cache;
    private readonly string? _present;

    /// <summary>Takes a site.</summary>
    /// <param name="http">Sends requests, and follows no redirects.</param>
    /// <param name="url">Its root, without credentials.</param>
    /// <param name="options">How to talk to it.</param>
    /// <param name="cache">Keeps what was fetched.</param>
    /// <param name="present">A directory of the same layout where files may lie already, or null. Only a file with the
    /// digest that the site gives is taken from there.</param>
    /// <param name="log">Told about retries.</param>
    /// <exception cref="HyperkubeException">The URL will not do.</exception>
    public DownloadSite(HttpMessageInvoker http, Uri url, SiteOptions options, BinaryCache cache, string? present, IActivityLog log)
    {
        if (url.UserInfo.Length > 0)
        {
            throw new HyperkubeException(ErrorKind.Usage,
                $"--source {HttpFailure.Where(url)}: credentials in a URL end up in process lists and logs; expected none")
            {
                Hint = $"put them into ~/.netrc: machine {url.Host} login USER password SECRET",
            };
        }

        if (url.Scheme == Uri.UriSchemeHttp && !url.IsLoopback && !options.PlainHttp)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"--source {HttpFailure.Where(url)}: plain HTTP; expected https")
            {
                Hint = "use https, or add --plain-http if you trust every host on the way",
            };
        }

        Uri root = new($"{url.GetLeftPart(UriPartial.Path).TrimEnd('/')}/");
        Location = HttpFailure.Where(root).TrimEnd('/');
        _client = new SiteClient(http, root, options, log);
        _cache = cache;
        _present = present;
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public async Task<byte[]?> ReadAsync(string path, int maxBytes, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            using var response = await _client.GetAsync(path, range: null, cancellationToken).ConfigureAwait(false);
            if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone)
            {
                return null;
            }

            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw SiteClient.Unexpected(response);
            }

            try
            {
                return await ReadAsync(response, $"{Location}/{path}", maxBytes, cancellationToken).ConfigureAwait(false);
            }
            catch (HyperkubeException e) when (e.Kind == ErrorKind.Unavailable)
            {
                await _client.WaitAsync(attempt, e, retryAfter: null, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public async Task<HashedFile?> FetchAsync(string path, Digest expected, IActivity activity, CancellationToken cancellationToken)
    {
        if (_present is not null
            && await TryPresentAsync(Path.GetFullPath(Path.Combine(_present, path)), expected, activity, cancellationToken)
                .ConfigureAwait(false) is { } present)
        {
            return present;
        }

        return await _cache.GetAsync(expected, new Download(_client, path, activity).RunAsync, activity, cancellationToken)
            .ConfigureAwait(false);
    }

    private static async Task<HashedFile?> TryPresentAsync(
        string path, Digest expected, IActivity activity, CancellationToken cancellationToken)
    {
        try
        {
            var file = await HashedFile.OpenAsync(path, wasCached: true, activity, cancellationToken).ConfigureAwait(false);
            if (file.Sha256 == expected)
            {
                return file;
            }

            file.Dispose();
        }
        catch (Exception e) when (e is FileNotFoundException or HyperkubeException { Kind: ErrorKind.BadContent })
        {
            // Not there, or no binary at all.
        }

        return null;
    }

    private async Task<byte[]> ReadAsync(HttpResponseMessage response, string where, int maxBytes, CancellationToken cancellationToken)
    {
        using CancellationTokenSource deadline = new(_client.Options.SpeedSpan, _client.Options.Retry.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            var body = await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
            return await SmallText.ReadBytesAsync(body, where, maxBytes, either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new HyperkubeException(ErrorKind.Unavailable, $"GET {where}: the answer broke off", e);
        }
    }
}
