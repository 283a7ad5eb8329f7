using System.Text.Json;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Images;

namespace Hyperkube.Oci.Registry;

/// <summary>Manifests and indexes as registries answer them.</summary>
internal static class DocumentBody
{
    /// <summary>Reads it whole, up to what such a document may have, at a speed that is one.</summary>
    internal static async Task<byte[]> ReadAsync(HostConnection host, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var where = HttpFailure.Where(response);
        using CancellationTokenSource deadline = new(host.Options.SpeedSpan, host.Options.Retry.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            var document = await CappedContent.ReadAsync(response, OciJson.MaxDocumentBytes, where, either.Token).ConfigureAwait(false);
            host.Options.Traffic.CountDownloaded(document.Length);
            return document;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HyperkubeException(ErrorKind.Unavailable, $"{where}: not whole after {host.Options.SpeedSpan.TotalSeconds:F0} s");
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new HyperkubeException(ErrorKind.Unavailable, $"{where}: the connection broke off", e);
        }
    }

    /// <summary>What the document is: what it says itself, else what the registry says.</summary>
    /// <exception cref="HyperkubeException">It is neither a manifest nor an index.</exception>
    internal static string MediaTypeOf(HttpResponseMessage response, byte[] document, string where)
    {
        var type = OwnMediaType(document) ?? response.Content.Headers.ContentType?.MediaType ?? "";
        return MediaTypes.IsDocument(type)
            ? type
            : throw new HyperkubeException(ErrorKind.BadContent, $"{where}: a '{type}'; expected a manifest or an index");
    }

    private static string? OwnMediaType(byte[] document)
    {
        try
        {
            Utf8JsonReader reader = new(document);
            return JsonDocument.TryParseValue(ref reader, out var json) && json is not null
                && json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("mediaType", out var type) && type.ValueKind == JsonValueKind.String
                    ? type.GetString()
                    : null;
        }
        catch (JsonException)
        {
            return null; // No document: whoever reads it will say so.
        }
    }
}
