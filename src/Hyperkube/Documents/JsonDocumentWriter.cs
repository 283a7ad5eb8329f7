using System.Text.Encodings.Web;
using System.Text.Json;

namespace Hyperkube.Documents;

/// <summary>Writes documents whose bytes are the same everywhere.</summary>
internal static class JsonDocumentWriter
{
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // Names of modules hold a plus now and then.
    };

    /// <summary>Writes one object.</summary>
    internal static byte[] Write(Action<Utf8JsonWriter> fields)
    {
        using MemoryStream json = new();
        using (Utf8JsonWriter writer = new(json, Options))
        {
            writer.WriteStartObject();
            fields(writer);
            writer.WriteEndObject();
        }

        return json.ToArray();
    }

    /// <summary>A field that is an object.</summary>
    internal static void WriteObject(this Utf8JsonWriter writer, string name, Action fields)
    {
        writer.WriteStartObject(name);
        fields();
        writer.WriteEndObject();
    }

    /// <summary>A field that is a list of objects.</summary>
    internal static void WriteObjects<T>(this Utf8JsonWriter writer, string name, IEnumerable<T> items, Action<T> fields)
    {
        writer.WriteStartArray(name);
        foreach (var item in items)
        {
            writer.WriteStartObject();
            fields(item);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>A field that is a list of texts.</summary>
    internal static void WriteStrings(this Utf8JsonWriter writer, string name, IEnumerable<string> items)
    {
        writer.WriteStartArray(name);
        foreach (var item in items)
        {
            writer.WriteStringValue(item);
        }

        writer.WriteEndArray();
    }
}
