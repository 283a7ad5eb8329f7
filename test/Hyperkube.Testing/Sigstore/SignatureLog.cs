using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hyperkube.Testing.Sigstore;

/// <summary>A log of signatures, like Rekor of the first version (ECDSA) or of the second (Ed25519).</summary>
public sealed class SignatureLog(string host, TestKey key, string treeId) : IDisposable
{
    /// <summary>The log has entries of earlier trees, so that its two kinds of numbers differ.</summary>
    public const long EarlierEntries = 1000;

    private static readonly JsonSerializerOptions PlainOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly List<byte[]> _entries = [.. Enumerable.Range(0, 11).Select(i => Encoding.ASCII.GetBytes($"entry {i}"))];

    public string Host => host;

    public TestKey Key => key;

    public bool IsSecondVersion => treeId.Length == 0;

    public string Origin => IsSecondVersion ? host : $"{host} - {treeId}";

    /// <summary>What evidence calls the log.</summary>
    public byte[] Id => IsSecondVersion ? SHA256.HashData([.. Encoding.UTF8.GetBytes(host), (byte)'\n', 1, .. key.RawEd25519]) : key.SpkiHash;

    /// <summary>Logs a body, as one of several.</summary>
    /// <returns>The entry as a bundle holds it.</returns>
    public JsonObject Log(string kind, string version, string body, DateTimeOffset time)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var index = _entries.Count;
        _entries.Add(bytes);
        _entries.Add(Encoding.ASCII.GetBytes($"entry {index + 1}"));
        MerkleTree tree = new([.. _entries]);
        var global = IsSecondVersion ? index : EarlierEntries + index;
        JsonObject entry = new()
        {
            ["logIndex"] = Text(global),
            ["logId"] = new JsonObject { ["keyId"] = Convert.ToBase64String(Id) },
            ["kindVersion"] = new JsonObject { ["kind"] = kind, ["version"] = version },
            ["integratedTime"] = Text(IsSecondVersion ? 0 : time.ToUnixTimeSeconds()),
            ["inclusionProof"] = new JsonObject
            {
                ["logIndex"] = Text(index),
                ["rootHash"] = Convert.ToBase64String(tree.Root),
                ["treeSize"] = Text(tree.Size),
                ["hashes"] = new JsonArray([.. tree.ProofOf(index).Select(h => (JsonNode)Convert.ToBase64String(h))]),
                ["checkpoint"] = new JsonObject { ["envelope"] = Checkpoint(tree.Size, tree.Root) },
            },
            ["canonicalizedBody"] = Convert.ToBase64String(bytes),
        };
        if (!IsSecondVersion)
        {
            entry["inclusionPromise"] = new JsonObject { ["signedEntryTimestamp"] = Convert.ToBase64String(Promise(bytes, time, global)) };
        }

        return entry;
    }

    /// <summary>The promise about an entry.</summary>
    public byte[] Promise(byte[] body, DateTimeOffset time, long index)
    {
        JsonObject content = new()
        {
            ["body"] = Convert.ToBase64String(body),
            ["integratedTime"] = time.ToUnixTimeSeconds(),
            ["logID"] = Convert.ToHexStringLower(Id),
            ["logIndex"] = index,
        };
        return key.Sign(Encoding.UTF8.GetBytes(Plain(content)));
    }

    /// <summary>A signed tree head.</summary>
    public string Checkpoint(long size, byte[] root, string? origin = null, string? name = null)
    {
        var text = $"{origin ?? Origin}\n{size}\n{Convert.ToBase64String(root)}\n";
        return $"{text}\n{SignatureLine(text, name)}";
    }

    /// <summary>A line of signatures below a text.</summary>
    public string SignatureLine(string text, string? name = null) =>
        $"\u2014 {name ?? host} {Convert.ToBase64String([.. Id[..4], .. key.Sign(Encoding.UTF8.GetBytes(text))])}\n";

    /// <summary>The same entry as it is signed at another reading: with another promise and another checkpoint.</summary>
    public JsonObject ReadAgain(JsonNode entry)
    {
        var again = entry.DeepClone().AsObject();
        var proof = again["inclusionProof"]!;
        var body = Convert.FromBase64String((string)again["canonicalizedBody"]!);
        var time = DateTimeOffset.FromUnixTimeSeconds(Number(again["integratedTime"]));
        again["inclusionPromise"]!["signedEntryTimestamp"] = Convert.ToBase64String(Promise(body, time, Number(again["logIndex"])));
        proof["checkpoint"]!["envelope"] = Checkpoint(Number(proof["treeSize"]), Convert.FromBase64String((string)proof["rootHash"]!));
        return again;
    }

    /// <summary>An entry of a bundle as Rekor's first version answers it.</summary>
    public JsonObject Answer(JsonNode entry)
    {
        var proof = entry["inclusionProof"]!;
        var body = (string)entry["canonicalizedBody"]!;
        var name = Convert.ToHexStringLower(MerkleTree.LeafHash(Convert.FromBase64String(body)));
        return new JsonObject
        {
            [long.Parse(treeId, CultureInfo.InvariantCulture).ToString("x16", CultureInfo.InvariantCulture) + name] = new JsonObject
            {
                ["body"] = body,
                ["integratedTime"] = Number(entry["integratedTime"]),
                ["logID"] = Convert.ToHexStringLower(Id),
                ["logIndex"] = Number(entry["logIndex"]),
                ["verification"] = new JsonObject
                {
                    ["inclusionProof"] = new JsonObject
                    {
                        ["checkpoint"] = (string)proof["checkpoint"]!["envelope"]!,
                        ["hashes"] = new JsonArray([.. proof["hashes"]!.AsArray().Select(h => (JsonNode)HexOf(h))]),
                        ["logIndex"] = Number(proof["logIndex"]),
                        ["rootHash"] = HexOf(proof["rootHash"]),
                        ["treeSize"] = Number(proof["treeSize"]),
                    },
                    ["signedEntryTimestamp"] = (string)entry["inclusionPromise"]!["signedEntryTimestamp"]!,
                },
            },
        };
    }

    public void Dispose() => key.Dispose();

    private static string HexOf(JsonNode? node) => Convert.ToHexStringLower(Convert.FromBase64String((string)node!));

    private static long Number(JsonNode? node) => long.Parse((string)node!, CultureInfo.InvariantCulture);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The plain form of JSON: no white space, nothing escaped that need not be.</summary>
    internal static string Plain(JsonObject json) => json.ToJsonString(PlainOptions);
}
