using System.Text.Json;

namespace Hyperkube.Sigstore.Tuf;

/// <summary>The newest documents of a repository that were seen here: nothing older is taken again.</summary>
/// <remarks>They are kept as they were signed, so that documents of a key that was replaced since lose their say; version numbers
/// alone could never be corrected.</remarks>
public sealed class TufMemory
{
    private const int MaxBytes = 4 << 20;

    internal TufMemory(ReadOnlyMemory<byte> root, ReadOnlyMemory<byte> timestamp, ReadOnlyMemory<byte> snapshot)
    {
        Documents = [("root", root), ("timestamp", timestamp), ("snapshot", snapshot)];
        Root = RootMetadata.Read(root);
        Timestamp = VersionsMetadata.ReadTimestamp(timestamp);
        Snapshot = VersionsMetadata.ReadSnapshot(snapshot);
    }

    internal RootMetadata Root { get; }

    internal VersionsMetadata Timestamp { get; }

    internal VersionsMetadata Snapshot { get; }

    private IReadOnlyList<(string Name, ReadOnlyMemory<byte> Json)> Documents { get; }

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <param name="json">UTF-8, at most 4 MiB.</param>
    /// <exception cref="SignatureException">It is something else (<see cref="SignatureFailure.BadTrust"/>).</exception>
    public static TufMemory Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonPart.Read(json, MaxBytes, SignatureFailure.BadTrust, "what was seen before", part =>
                new TufMemory(part["root"].SomeBytes(), part["timestamp"].SomeBytes(), part["snapshot"].SomeBytes()));
        }
        catch (TufException e)
        {
            throw new SignatureException(SignatureFailure.BadTrust, $"what was seen before: {e.Message}", e);
        }
    }

    /// <summary>To be kept, until the next update.</summary>
    public byte[] ToJson()
    {
        using MemoryStream json = new();
        using (Utf8JsonWriter writer = new(json, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            foreach (var (name, document) in Documents)
            {
                writer.WriteBase64String(name, document.Span);
            }

            writer.WriteEndObject();
        }

        return json.ToArray();
    }
}
