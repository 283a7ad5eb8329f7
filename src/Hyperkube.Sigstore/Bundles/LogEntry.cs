namespace Hyperkube.Sigstore.Bundles;

/// <summary>What a log of signatures says about one of them; nothing about it is checked yet.</summary>
/// <param name="LogIndex">Its number among all entries of the log, over all of the log's trees.</param>
/// <param name="LogId">Which log.</param>
/// <param name="Kind">What the body is, such as <c>hashedrekord</c>.</param>
/// <param name="Version">Of the kind, such as <c>0.0.1</c>.</param>
/// <param name="IntegratedTime">When the log took it in, in seconds since 1970; 0 when it does not say.</param>
/// <param name="Promise">The signed entry timestamp; null when there is none.</param>
/// <param name="Proof">That it is in the log; null when there is none.</param>
/// <param name="Body">The entry itself, as the log hashed it.</param>
internal sealed record LogEntry(
    long LogIndex, byte[] LogId, string Kind, string Version, long IntegratedTime, byte[]? Promise, InclusionProof? Proof, byte[] Body)
{
    private const int MaxBodyBytes = 1 << 20;
    private const int MaxIdBytes = 64;

    internal static LogEntry Read(JsonPart entry)
    {
        var version = entry["kindVersion"].Object();
        var id = entry["logId"].Object()["keyId"].SomeBytes();
        var body = entry["canonicalizedBody"].SomeBytes();
        if (body.Length > MaxBodyBytes || id.Length > MaxIdBytes)
        {
            throw new FormatException($"'{entry.Path}' has a body of {body.Length} bytes, or a log id of {id.Length}");
        }

        return new LogEntry(
            entry.Find("logIndex")?.Count() ?? 0,
            id,
            version["kind"].Text(),
            version["version"].Text(),
            entry.Find("integratedTime")?.Count() ?? 0,
            entry.Find("inclusionPromise")?.Object().Find("signedEntryTimestamp")?.SomeBytes(),
            entry.Find("inclusionProof") is { } proof ? InclusionProof.Read(proof.Object()) : null,
            body);
    }
}

/// <summary>The way from an entry up to the root of its tree.</summary>
/// <param name="LogIndex">Its number in this tree.</param>
/// <param name="RootHash">The root, 32 bytes; the checkpoint is what says so with a signature.</param>
/// <param name="TreeSize">How many entries the tree has.</param>
/// <param name="Hashes">What stands beside the way, from the bottom.</param>
/// <param name="Checkpoint">The signed tree head.</param>
internal sealed record InclusionProof(
    long LogIndex, byte[] RootHash, long TreeSize, IReadOnlyList<byte[]> Hashes, string Checkpoint)
{
    private const int MaxHashes = 64; // A tree of 2^64 entries has no longer way.
    private const int MaxCheckpointChars = 64 << 10;
    private const int HashBytes = 32;

    internal static InclusionProof Read(JsonPart proof)
    {
        var checkpoint = proof["checkpoint"].Object()["envelope"].Text();
        if (checkpoint.Length > MaxCheckpointChars)
        {
            throw new FormatException(
                $"'{proof.Path}.checkpoint' has {checkpoint.Length} characters; expected at most {MaxCheckpointChars}");
        }

        return new InclusionProof(
            proof.Find("logIndex")?.Count() ?? 0,
            Hash(proof["rootHash"]),
            proof["treeSize"].Count(),
            proof.Find("hashes")?.Items(MaxHashes).ConvertAll(Hash) ?? [],
            checkpoint);
    }

    private static byte[] Hash(JsonPart part) =>
        part.Bytes() is { Length: HashBytes } hash ? hash : throw new FormatException($"'{part.Path}' is no SHA-256");
}
