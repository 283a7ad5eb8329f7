using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hyperkube.Oci.Http;

namespace Hyperkube.Oci.Registry;

/// <summary>Reads a repository's tags, page by page.</summary>
/// <remarks>Source: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags</remarks>
internal sealed class TagList(HostConnection host, string repository, IReadOnlyList<TokenScope> pull)
{
    private const int PageSize = 1000;

    /// <summary>A million tags: a registry that goes on beyond is going in circles.</summary>
    private const int MaxPages = 1000;

    internal async IAsyncEnumerable<string> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var next = host.UriOf($"{repository}/tags/list?n={PageSize}");
        for (var page = 0; next is not null; page++)
        {
            RegistryRequest request = new(HttpMethod.Get, next, pull);
            using var response = await host.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw await RegistryError.ReadAsync(response, host.Options, cancellationToken).ConfigureAwait(false);
            }

            var where = HttpFailure.Where(response);
            var document = await DocumentBody.ReadAsync(host, response, cancellationToken).ConfigureAwait(false);
            foreach (var tag in Read(document, where))
            {
                yield return tag;
            }

            next = await Links.NextAsync(host, response, cancellationToken).ConfigureAwait(false);
            if (page == MaxPages)
            {
                throw new HyperkubeException(ErrorKind.Unavailable, $"{where}: more than {MaxPages} pages of tags");
            }
        }
    }

    private static IReadOnlyList<string> Read(byte[] json, string where)
    {
        try
        {
            var tags = JsonSerializer.Deserialize(json, TagJson.Default.TagPage)?.Tags ?? [];
            return [.. tags.Where(t => t is not null && ImageReference.IsTag(t))!];
        }
        catch (JsonException e)
        {
            throw new HyperkubeException(ErrorKind.Unavailable, $"{where}: no list of tags", e);
        }
    }
}

/// <summary>One page.</summary>
internal sealed record TagPage([property: JsonPropertyName("tags")] IReadOnlyList<string?>? Tags);

[JsonSerializable(typeof(TagPage))]
internal sealed partial class TagJson : JsonSerializerContext;

/// <summary>Where an answer says that its next page is.</summary>
internal static class Links
{
    /// <summary>The next page's address, or null. Source: https://www.rfc-editor.org/rfc/rfc8288</summary>
    internal static async ValueTask<Uri?> NextAsync(HostConnection host, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var from = response.RequestMessage!.RequestUri!;
        foreach (var link in response.Headers.TryGetValues("Link", out var values) ? values.SelectMany(v => v.Split('<')) : [])
        {
            // TARGET>; rel="next", and perhaps a comma: the bracket in front is where it was split.
            var end = link.IndexOf('>', StringComparison.Ordinal);
            if (end > 0 && link[end..].Replace("\"", "", StringComparison.Ordinal).Contains("rel=next", StringComparison.OrdinalIgnoreCase)
                && Uri.TryCreate(from, link[..end], out var next) && next != from)
            {
                return await host.TargetAsync(from, next, cancellationToken).ConfigureAwait(false);
            }
        }

        return null;
    }
}
