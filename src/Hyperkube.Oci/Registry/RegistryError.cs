using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hyperkube.Oci.Http;

namespace Hyperkube.Oci.Registry;

/// <summary>What a registry's refusal means.</summary>
/// <remarks>Source: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes</remarks>
internal static class RegistryError
{
    /// <summary>A registry's reasons are short; some proxies answer with a whole page.</summary>
    private const int MaxBodyBytes = 64 * 1024;

    /// <summary>Of each text this much is shown.</summary>
    private const int MaxShown = 300;

    /// <summary>Where a request notes who asked.</summary>
    internal static HttpRequestOptionsKey<string> Asker { get; } = new("hyperkube.asker");

    /// <summary>Makes the failure of an answer that is of no use, and disposes the answer.</summary>
    internal static async Task<HyperkubeException> ReadAsync(
        HttpResponseMessage response, RegistryOptions options, CancellationToken cancellationToken)
    {
        using (response)
        {
            var where = HttpFailure.Where(response);
            var details = await DetailsAsync(response, options, cancellationToken).ConfigureAwait(false);
            var code = details is [var first, ..] ? first.Code ?? "" : "";
            var isIncomplete = IsIncomplete(response, details);
            var kind = isIncomplete ? ErrorKind.Unavailable : KindOf(response.StatusCode, code);
            var asker = kind == ErrorKind.AccessDenied && response.RequestMessage!.Options.TryGetValue(Asker, out var who)
                ? $", asked {who}"
                : "";
            return new HyperkubeException(kind, $"{where}: {Saying(response, details)}{asker}")
            {
                Hint = isIncomplete ? "run it again; if it stays so, look at what cleans up the registry" : HintOf(response.StatusCode),
            };
        }
    }

    /// <summary>Status, code and message, in one line.</summary>
    internal static async Task<string> SayingAsync(
        HttpResponseMessage response, RegistryOptions options, CancellationToken cancellationToken) =>
        Saying(response, await DetailsAsync(response, options, cancellationToken).ConfigureAwait(false));

    private static string Saying(HttpResponseMessage response, IReadOnlyList<RegistryErrorDetail> details)
    {
        var status = $"{(int)response.StatusCode} {response.ReasonPhrase}".Trim();
        var said = string.Join(
            "; ", details.Select(d => string.Join(": ", ((string?[])[d.Code, d.Message]).Where(t => !string.IsNullOrEmpty(t)))));
        return said.Length == 0 ? status : $"{status}: {Shown(said)}";
    }

    // A manifest is sent when what it names is there. A registry that does not know that (any more, or yet) does not mean the manifest.
    private static bool IsIncomplete(HttpResponseMessage response, IReadOnlyList<RegistryErrorDetail> details) =>
        response.RequestMessage!.Method == HttpMethod.Put
        && response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.NotFound
        && details.Any(d => d.Code is "MANIFEST_BLOB_UNKNOWN" or "BLOB_UNKNOWN");

    private static ErrorKind KindOf(HttpStatusCode status, string code) => (int)status switch
    {
        404 => ErrorKind.NotFound,
        _ when RetryPolicy.IsTransient(status) || (int)status >= 500 => ErrorKind.Unavailable,
        400 when code is "DIGEST_INVALID" or "SIZE_INVALID" or "BLOB_UPLOAD_INVALID" => ErrorKind.BadDigest,
        400 when code is "MANIFEST_INVALID" or "MANIFEST_UNVERIFIED" => ErrorKind.BadContent,
        400 when code is "NAME_INVALID" or "TAG_INVALID" => ErrorKind.Usage,
        _ => ErrorKind.AccessDenied,
    };

    private static string? HintOf(HttpStatusCode status) => status switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => "see which login is used, and from where, with: hyperkube explain REF",
        HttpStatusCode.RequestEntityTooLarge => "raise the limit of the proxy in front of the registry (nginx: client_max_body_size)",
        _ => null,
    };

    private static async Task<IReadOnlyList<RegistryErrorDetail>> DetailsAsync(
        HttpResponseMessage response, RegistryOptions options, CancellationToken cancellationToken)
    {
        using CancellationTokenSource deadline = new(options.AnswerTimeout, options.Retry.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            var content = await CappedContent.ReadAtMostAsync(response, MaxBodyBytes, either.Token).ConfigureAwait(false);
            return content.AsSpan().TrimStart(" \t\r\n"u8) is [(byte)'{', ..]
                ? JsonSerializer.Deserialize(content, RegistryErrorJson.Default.RegistryErrorBody)?.All ?? []
                : [];
        }
        catch (Exception e) when (e is IOException or HttpRequestException or JsonException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return []; // The status alone must do.
        }
    }

    private static string Shown(string text)
    {
        var line = string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
        return line.Length <= MaxShown ? line : $"{line[..MaxShown]}…";
    }
}

/// <summary>A registry's refusal; token services have several forms of their own.</summary>
internal sealed record RegistryErrorBody(
    [property: JsonPropertyName("errors")] IReadOnlyList<RegistryErrorDetail?>? Errors,
    [property: JsonPropertyName("error")] JsonElement? Error,
    [property: JsonPropertyName("error_description")] JsonElement? Description,
    [property: JsonPropertyName("details")] JsonElement? Details,
    [property: JsonPropertyName("message")] JsonElement? Message)
{
    internal IReadOnlyList<RegistryErrorDetail> All =>
        Errors?.OfType<RegistryErrorDetail>().ToList() is { Count: > 0 } errors ? errors
        : (Text(Error) ?? Text(Description) ?? Text(Details) ?? Text(Message)) is null ? []
        : [new RegistryErrorDetail(Text(Error), Text(Description) ?? Text(Details) ?? Text(Message))];

    private static string? Text(JsonElement? element) => element is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
}

/// <summary>One reason.</summary>
internal sealed record RegistryErrorDetail(
    [property: JsonPropertyName("code")] string? Code,
    [property: JsonPropertyName("message")] string? Message);

[JsonSerializable(typeof(RegistryErrorBody))]
internal sealed partial class RegistryErrorJson : JsonSerializerContext;
