using System.Globalization;
using System.Text.Json;

namespace Hyperkube.Sigstore;

/// <summary>A value of a JSON document and the path that names it in a complaint.</summary>
/// <remarks>
/// Reads the JSON form of protocol buffers, strictly: no field twice, only canonical base64, only plain numbers. A null
/// is a field that is absent, unknown fields are ignored. What does not fit is a <see cref="FormatException"/>.
/// Source: https://protobuf.dev/programming-guides/json/
/// </remarks>
internal readonly record struct JsonPart(JsonElement Value, string Path)
{
    private static readonly JsonDocumentOptions Options = new()
    {
        AllowDuplicateProperties = false, // Two readers that take another one of two fields see two documents.
        MaxDepth = 32,
    };

    /// <summary>Reads a whole document.</summary>
    /// <param name="json">UTF-8.</param>
    /// <param name="maxBytes">More than this is refused unread.</param>
    /// <param name="failure">What a document that cannot be read is.</param>
    /// <param name="what">Names the document in a complaint.</param>
    /// <param name="read">Takes out what is wanted; nothing of the document may be kept.</param>
    internal static T Read<T>(ReadOnlyMemory<byte> json, int maxBytes, SignatureFailure failure, string what, Func<JsonPart, T> read) =>
        ReadAny(json, maxBytes, failure, what, document => read(document.Object()));

    /// <summary>Like <see cref="Read"/>, of a document that need not be an object.</summary>
    internal static T ReadAny<T>(ReadOnlyMemory<byte> json, int maxBytes, SignatureFailure failure, string what, Func<JsonPart, T> read)
    {
        if (json.Length > maxBytes)
        {
            throw new SignatureException(failure, $"{what}: {json.Length} bytes; expected at most {maxBytes}");
        }

        try
        {
            using var document = JsonDocument.Parse(json, Options);
            return read(new JsonPart(document.RootElement, ""));
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            throw new SignatureException(failure, $"{what}: {e.Message}", e);
        }
    }

    /// <summary>A field that has to be there.</summary>
    internal JsonPart this[string name] => Find(name) ?? throw new FormatException($"'{Below(name)}' is missing");

    /// <summary>A field that may be there.</summary>
    internal JsonPart? Find(string name) =>
        Value.TryGetProperty(name, out var found) && found.ValueKind != JsonValueKind.Null
            ? new JsonPart(found, Below(name))
            : null;

    /// <summary>Itself, if it is an object.</summary>
    internal JsonPart Object() => Value.ValueKind == JsonValueKind.Object ? this : throw Unexpected("an object");

    /// <summary>An object's fields, by name.</summary>
    internal IEnumerable<KeyValuePair<string, JsonPart>> Fields()
    {
        var path = Path;
        return Object().Value.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, new JsonPart(p.Value, $"{path}.{p.Name}")));
    }

    /// <summary>The items of a list of objects; of one that is absent, none.</summary>
    internal List<JsonPart> Objects(string name, int max) => Find(name) is { } list ? list.Objects(max) : [];

    /// <summary>Its own items, which are objects.</summary>
    internal List<JsonPart> Objects(int max) => Items(max).ConvertAll(i => i.Object());

    /// <summary>Its own items.</summary>
    internal List<JsonPart> Items(int max)
    {
        if (Value.ValueKind != JsonValueKind.Array)
        {
            throw Unexpected("a list");
        }

        var count = Value.GetArrayLength();
        if (count > max)
        {
            throw new FormatException($"'{Path}' has {count} items; expected at most {max}");
        }

        List<JsonPart> items = new(count);
        foreach (var item in Value.EnumerateArray())
        {
            items.Add(new JsonPart(item, $"{Path}[{items.Count}]"));
        }

        return items;
    }

    /// <summary>Its text.</summary>
    internal string Text() => Value.ValueKind == JsonValueKind.String ? Value.GetString()! : throw Unexpected("a text");

    /// <summary>Its bytes, which are written in base64.</summary>
    internal byte[] Bytes() =>
        CanonicalBase64.TryDecode(Text(), out var bytes) ? bytes : throw new FormatException($"'{Path}' is not canonical base64");

    /// <summary>Its bytes, of which there is at least one.</summary>
    internal byte[] SomeBytes() => Bytes() is { Length: > 0 } bytes ? bytes : throw new FormatException($"'{Path}' is empty");

    /// <summary>Its bytes, which are written in lower-case hex.</summary>
    internal byte[] HexBytes(int length)
    {
        var text = Text();
        return text.Length == 2 * length && Hex.IsLower(text)
            ? Convert.FromHexString(text)
            : throw new FormatException($"'{Path}' is not {2 * length} lower-case hex digits");
    }

    /// <summary>Its number, zero or more, which may stand in quotes.</summary>
    internal long Count()
    {
        var text = Value.ValueKind switch
        {
            JsonValueKind.String => Value.GetString()!,
            JsonValueKind.Number => Value.GetRawText(),
            _ => throw Unexpected("a number"),
        };

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && (text.Length == 1 || text[0] != '0')
                ? number
                : throw new FormatException($"'{Path}' is '{text}'; expected a whole number, zero or more");
    }

    /// <summary>Its moment, in the form of RFC 3339.</summary>
    internal DateTimeOffset Time()
    {
        var text = Text();
        return text.Contains('T', StringComparison.Ordinal)
            && (text.EndsWith('Z') || text.LastIndexOfAny(['+', '-']) > text.IndexOf('T', StringComparison.Ordinal))
            && Value.TryGetDateTimeOffset(out var time)
                ? time.ToUniversalTime()
                : throw new FormatException($"'{Path}' is '{text}'; expected a time such as 2026-01-31T12:00:00Z");
    }

    private string Below(string name) => Path.Length == 0 ? name : $"{Path}.{name}";

    private FormatException Unexpected(string expected) =>
        new(Path.Length == 0 ? $"the document is not {expected}" : $"'{Path}' is not {expected}");
}
