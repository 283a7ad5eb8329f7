using System.Net;
using System.Text.Json;
using Hyperkube.Oci;
using Hyperkube.Oci.Http;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Bundles;

namespace Hyperkube.Releases;

/// <summary>Asks a transparency log for entries by their names, which the caller has computed.</summary>
/// <remarks>
/// Nothing that it answers is believed: the name of an entry is the hash of what it has to say, and its proofs are checked.
/// Source: https://github.com/sigstore/rekor/blob/v1.4.2/openapi.yaml (searchLogQuery)
/// </remarks>
/// <param name="http">Sends requests.</param>
/// <param name="url">The log, such as <c>https://rekor.sigstore.dev</c>.</param>
/// <param name="retry">How often and how patiently.</param>
/// <param name="log">Told about retries.</param>
public sealed class RekorClient(HttpMessageInvoker http, Uri url, RetryPolicy retry, IActivityLog log)
{
    /// <summary>The public instance.</summary>
    public static readonly Uri PublicGood = new("https://rekor.sigstore.dev");

    /// <summary>The server refuses to look for more at once.</summary>
    private const int MaxIds = 10;

    private readonly ServiceClient _service = new(http, retry, log);
    private readonly Uri _endpoint = new($"{url.GetLeftPart(UriPartial.Path).TrimEnd('/')}/api/v1/log/entries/retrieve");

    /// <summary>Where it is, for a person.</summary>
    public string Location => HttpFailure.Where(url).TrimEnd('/');

    /// <summary>Finds entries.</summary>
    /// <param name="ids">Their names, 64 lower-case hex digits each; as many as wanted, ten are asked for at a time.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Those that the log has; one name may be there several times, of different trees.</returns>
    /// <exception cref="HyperkubeException">It cannot be reached, or answers something else.</exception>
    public async Task<ILookup<string, RekorEntry>> FindAsync(IEnumerable<string> ids, CancellationToken cancellationToken)
    {
        List<RekorEntry> entries = [];
        foreach (var some in ids.Distinct(StringComparer.Ordinal).Chunk(MaxIds))
        {
            var answer = await AskAsync(Question(some), cancellationToken).ConfigureAwait(false);
            try
            {
                entries.AddRange(RekorEntry.ParseAnswer(answer));
            }
            catch (SignatureException e)
            {
                throw new HyperkubeException(ErrorKind.BadContent, $"POST {HttpFailure.Where(_endpoint)}: {e.Message}", e);
            }
        }

        return entries.ToLookup(e => e.Id, StringComparer.Ordinal);
    }

    private static byte[] Question(IReadOnlyList<string> ids)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            json.WriteStartArray("entryUUIDs");
            foreach (var id in ids)
            {
                json.WriteStringValue(id);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private async Task<byte[]> AskAsync(byte[] question, CancellationToken cancellationToken)
    {
        var answer = await _service.SendAsync(
            new ServiceCall(HttpMethod.Post, _endpoint)
            {
                Body = question,
                MaxBytes = RekorEntry.MaxAnswerBytes,
                Hint = "name a mirror of the log with --rekor-url, or take the evidence from an image or directory with --evidence",
                Expected = [HttpStatusCode.NotFound],
            },
            cancellationToken).ConfigureAwait(false);
        return answer.Status == HttpStatusCode.NotFound ? "[]"u8.ToArray() : answer.Body;
    }
}
