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
        var root = SiteClient.RootOf(url, options);
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
        var content = await _client.ReadAsync(path, maxBytes, cancellationToken).ConfigureAwait(false);
        return content is null || content.Length <= maxBytes ? content : throw SmallText.TooLarge($"{Location}/{path}", maxBytes);
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

    /// <inheritdoc/>
    public Task<FileStamp?> StampAsync(string path, CancellationToken cancellationToken) => _client.StampAsync(path, cancellationToken);

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
}
