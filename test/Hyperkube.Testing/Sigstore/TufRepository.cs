using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperkube.Sigstore.Tuf;

namespace Hyperkube.Testing.Sigstore;

/// <summary>A TUF repository of a test's own, and a mirror of it that lies as it is told to.</summary>
/// <remarks>Three root keys, of which two have to sign; one online key for timestamps and snapshots; two targets keys, of which
/// one has to sign.</remarks>
[SuppressMessage("Design", "MA0016:Prefer using collection abstraction instead of implementation", Justification = "Tests change them at will.")]
public sealed class TufRepository : ITufMirror, IDisposable
{
    /// <summary>The file that is published.</summary>
    public const string TargetPath = "trusted_root.json";

    /// <summary>When it is, unless told: documents expire ten days later.</summary>
    public static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly List<TestKey> _all = [];
    private readonly DateTimeOffset _now;
    private JsonObject _keys = [];

    /// <param name="target">What is published first.</param>
    /// <param name="isConsistent">Whether paths carry versions and hashes.</param>
    /// <param name="now">When; <see cref="Now"/> unless told.</param>
    public TufRepository(byte[] target, bool isConsistent = true, DateTimeOffset? now = null)
    {
        _now = now ?? Now;
        IsConsistent = isConsistent;
        RootKeys = [Key(), Key(), Key()];
        Online = Key();
        TargetsKeys = [Key(), KeyOf(TestKey.Ed25519())];
        FirstRoot = AddRoot();
        Publish(target);
    }

    public bool IsConsistent { get; }

    public IReadOnlyList<TestKey> RootKeys { get; set; }

    public int RootThreshold { get; set; } = 2;

    public TestKey Online { get; set; }

    public IReadOnlyList<TestKey> TargetsKeys { get; set; }

    /// <summary>Of the newest documents; zero before the first.</summary>
    public Dictionary<string, int> Versions { get; } = new(StringComparer.Ordinal);

    /// <summary>Version 1 of root.</summary>
    public byte[] FirstRoot { get; }

    /// <summary>What the mirror serves, by path; to be changed at will.</summary>
    public Dictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>What was asked for, in order.</summary>
    public IList<string> Asked { get; } = [];

    /// <summary>Changes a role's document before it is signed.</summary>
    public Action<string, JsonObject> Alter { get; set; } = (_, _) => { };

    /// <summary>Changes a role's document after it is signed.</summary>
    public Action<string, JsonObject> Forge { get; set; } = (_, _) => { };

    /// <summary>Who signs for a role instead of those who should; null for those.</summary>
    public Func<string, IReadOnlyList<TestKey>?> Signers { get; set; } = _ => null;

    /// <summary>A new key of P-256.</summary>
    public TestKey Key() => KeyOf(TestKey.P256());

    /// <summary>What documents call a key.</summary>
    public static string IdOf(TestKey key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Canonical(JsonOf(key)))));

    /// <summary>A key as a root has it.</summary>
    public static JsonObject JsonOf(TestKey key) => key.Details == "PKIX_ED25519"
        ? new JsonObject { ["keytype"] = "ed25519", ["scheme"] = "ed25519", ["keyval"] = new JsonObject { ["public"] = Convert.ToHexStringLower(key.RawEd25519) } }
        : new JsonObject { ["keytype"] = "ecdsa", ["scheme"] = "ecdsa-sha2-nistp256", ["keyval"] = new JsonObject { ["public"] = key.Pem } };

    /// <summary>Publishes another root, signed by the keys that are set now and by those that were when the last one was published.</summary>
    public byte[] AddRoot(params IReadOnlyList<TestKey> olderKeys)
    {
        _keys = new JsonObject(((TestKey[])[.. RootKeys, Online, .. TargetsKeys]).Select(k => KeyValuePair.Create(IdOf(k), (JsonNode?)JsonOf(k))));
        var version = Versions["root"] = Versions.GetValueOrDefault("root") + 1;
        var signed = Signed("root", version, ("consistent_snapshot", IsConsistent), ("keys", _keys.DeepClone()), ("roles", new JsonObject
        {
            ["root"] = Role(RootKeys, RootThreshold),
            ["timestamp"] = Role([Online], 1),
            ["snapshot"] = Role([Online], 1),
            ["targets"] = Role(TargetsKeys, 1),
        }));
        return Files[$"{version}.root.json"] = Sign("root", signed, [.. RootKeys, .. olderKeys.Except(RootKeys)]);
    }

    /// <summary>Publishes a file, and all documents anew.</summary>
    public void Publish(byte[] target)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(target));
        Files[IsConsistent ? $"targets/{hash}.{TargetPath}" : $"targets/{TargetPath}"] = target;
        var targets = Put("targets", [TargetsKeys[0]], ("targets", new JsonObject { [TargetPath] = FileOf(target) }));
        var snapshot = Put("snapshot", [Online], ("meta", new JsonObject { ["targets.json"] = FileOf(targets, Versions["targets"]) }));
        Put("timestamp", [Online], ("meta", new JsonObject { ["snapshot.json"] = FileOf(snapshot, Versions["snapshot"]) }));
    }

    /// <summary>Writes what the mirror serves below a directory.</summary>
    public void WriteTo(string directory)
    {
        foreach (var (path, content) in Files)
        {
            var file = Path.Combine(directory, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file, content);
        }
    }

    public Task<byte[]?> FetchAsync(string path, int maxBytes, CancellationToken cancellationToken)
    {
        Asked.Add(path);
        return Task.FromResult(Files.GetValueOrDefault(path) is { } content ? content[..Math.Min(content.Length, maxBytes + 1)] : null);
    }

    public void Dispose() => _all.ForEach(k => k.Dispose());

    private static JsonObject FileOf(byte[] content, int? version = null)
    {
        JsonObject file = new()
        {
            ["length"] = content.Length,
            ["hashes"] = new JsonObject { ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(content)) },
        };
        if (version is not null)
        {
            file["version"] = version;
        }

        return file;
    }

    private static JsonObject Role(IReadOnlyList<TestKey> keys, int threshold) => new()
    {
        ["keyids"] = new JsonArray([.. keys.Select(k => (JsonNode)IdOf(k))]),
        ["threshold"] = threshold,
    };

    private JsonObject Signed(string role, int version, params IReadOnlyList<(string Name, JsonNode? Value)> fields)
    {
        JsonObject signed = new()
        {
            ["_type"] = role,
            ["spec_version"] = "1.0",
            ["version"] = version,
            ["expires"] = _now.AddDays(10).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        };
        foreach (var (name, value) in fields)
        {
            signed[name] = value;
        }

        return signed;
    }

    private byte[] Put(string role, IReadOnlyList<TestKey> keys, (string Name, JsonNode? Value) field)
    {
        var version = Versions[role] = Versions.GetValueOrDefault(role) + 1;
        var document = Sign(role, Signed(role, version, field), keys);
        return Files[IsConsistent && role != "timestamp" ? $"{version}.{role}.json" : $"{role}.json"] = document;
    }

    private byte[] Sign(string role, JsonObject signed, IReadOnlyList<TestKey> keys)
    {
        Alter(role, signed);
        var payload = Encoding.UTF8.GetBytes(Canonical(signed));
        JsonObject document = new()
        {
            ["signatures"] = new JsonArray(
            [
                .. (Signers(role) ?? keys).Select(k => (JsonNode)new JsonObject
                {
                    ["keyid"] = IdOf(k),
                    ["sig"] = Convert.ToHexStringLower(k.Sign(payload)),
                }),
            ]),
            ["signed"] = signed,
        };
        Forge(role, document);
        return Encoding.UTF8.GetBytes(document.ToJsonString());
    }

    // Not the program's own: what signs must not agree with what verifies by being the same code.
    private static string Canonical(JsonNode? node) => node switch
    {
        JsonObject fields =>
            $"{{{string.Join(',', fields.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => $"{Quoted(f.Key)}:{Canonical(f.Value)}"))}}}",
        JsonArray items => $"[{string.Join(',', items.Select(Canonical))}]",
        JsonValue value when value.GetValueKind() == JsonValueKind.String => Quoted((string)value!),
        _ => node?.ToJsonString() ?? "null",
    };

    private static string Quoted(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private TestKey KeyOf(TestKey key)
    {
        _all.Add(key);
        return key;
    }
}
