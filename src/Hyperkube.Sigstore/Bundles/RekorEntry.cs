namespace Hyperkube.Sigstore.Bundles;

/// <summary>A log entry as Rekor's first version answers it; nothing about it is checked yet.</summary>
/// <remarks>Source: https://github.com/sigstore/rekor/blob/v1.4.2/openapi.yaml (LogEntry)</remarks>
public sealed class RekorEntry
{
    /// <summary>The largest answer that is read: 4 MiB.</summary>
    public const int MaxAnswerBytes = 4 << 20;

    private const int MaxEntries = 32;
    private const int MaxBodyBytes = 1 << 20;
    private const int HashBytes = 32;
    private const int IdChars = 2 * HashBytes;
    private const int TreeIdChars = 16;

    private RekorEntry(string id, LogEntry entry)
    {
        Id = id;
        Entry = entry;
    }

    /// <summary>Its name, 64 lower-case hex digits, without the number of its tree.</summary>
    public string Id { get; }

    /// <summary>Its number among all entries of the log.</summary>
    public long LogIndex => Entry.LogIndex;

    internal LogEntry Entry { get; }

    /// <summary>Reads what Rekor answers to a request for one entry, or for several (<c>entries/retrieve</c>).</summary>
    /// <param name="json">UTF-8, at most <see cref="MaxAnswerBytes"/>.</param>
    /// <returns>The entries, in the order of the answer; none when the log has none.</returns>
    /// <exception cref="SignatureException">It is no such answer (<see cref="SignatureFailure.Malformed"/>).</exception>
    public static IReadOnlyList<RekorEntry> ParseAnswer(ReadOnlyMemory<byte> json) =>
        JsonPart.ReadAny(json, MaxAnswerBytes, SignatureFailure.Malformed, "answer of the log", answer =>
            (answer.Value.ValueKind == System.Text.Json.JsonValueKind.Array ? answer.Objects(MaxEntries) : [answer.Object()])
                .SelectMany(map => map.Fields()).Take(MaxEntries + 1).Select(field => Read(field.Key, field.Value.Object())).ToList())
            is { Count: <= MaxEntries } entries
                ? entries
                : throw new SignatureException(SignatureFailure.Malformed, $"answer of the log: more than {MaxEntries} entries");

    private static RekorEntry Read(string name, JsonPart answer)
    {
        if (name.Length is not (IdChars or (TreeIdChars + IdChars)) || !Hex.IsLower(name))
        {
            throw new FormatException(
                $"'{name}' is not the name of an entry; expected {IdChars} or {TreeIdChars + IdChars} lower-case hex digits");
        }

        var verification = answer.Find("verification")?.Object();
        var body = answer["body"].SomeBytes();
        var (kind, version) = body.Length <= MaxBodyBytes
            ? JsonPart.Read(body, MaxBodyBytes, SignatureFailure.Malformed, "log entry", b => (b["kind"].Text(), b["apiVersion"].Text()))
            : throw new FormatException($"a body of {body.Length} bytes; expected at most {MaxBodyBytes}");
        return new RekorEntry(name[^IdChars..], new LogEntry(
            answer["logIndex"].Count(),
            answer["logID"].HexBytes(HashBytes),
            kind,
            version,
            answer["integratedTime"].Count(),
            verification?.Find("signedEntryTimestamp")?.SomeBytes(),
            verification?.Find("inclusionProof") is { } proof ? ReadProof(proof.Object()) : null,
            body));
    }

    private static InclusionProof ReadProof(JsonPart proof) =>
        new(
            proof["logIndex"].Count(),
            proof["rootHash"].HexBytes(HashBytes),
            proof["treeSize"].Count(),
            proof["hashes"].Items(max: 64).ConvertAll(h => h.HexBytes(HashBytes)),
            proof["checkpoint"].Text());
}
