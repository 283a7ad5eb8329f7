using System.Security.Cryptography;

namespace Hyperkube.Sigstore.Tuf;

/// <summary>What one document says about another file.</summary>
/// <param name="Version">Of a document; zero for other files.</param>
/// <param name="Length">In bytes, where it is said.</param>
/// <param name="Sha256">Where it is said.</param>
/// <param name="Sha512">Where it is said.</param>
internal sealed record FileMetadata(long Version, long? Length, byte[]? Sha256, byte[]? Sha512)
{
    /// <summary>Reads the fields that all kinds of files share.</summary>
    /// <param name="file">As a document has it.</param>
    /// <param name="version">Its version.</param>
    /// <param name="isComplete">Whether length and hashes have to be said; of documents they may be left out.</param>
    internal static FileMetadata Read(JsonPart file, long version, bool isComplete)
    {
        var hashes = (isComplete ? file["hashes"] : file.Find("hashes"))?.Object();
        var length = isComplete ? file["length"] : file.Find("length");
        FileMetadata read = new(
            version,
            length is { } number ? Metadata.Number(number, min: 0) : null,
            hashes?.Find("sha256")?.HexBytes(SHA256.HashSizeInBytes),
            hashes?.Find("sha512")?.HexBytes(SHA512.HashSizeInBytes));
        return hashes is not null && read is { Sha256: null, Sha512: null }
            ? throw new FormatException($"'{file.Path}.hashes' has neither sha256 nor sha512")
            : read;
    }

    /// <summary>Demands that this is the file.</summary>
    internal void Demand(TufRole role, string path, ReadOnlySpan<byte> content)
    {
        if (Length is { } length && content.Length != length)
        {
            throw new TufException(role, TufCheck.Length, $"{path} has {content.Length} bytes; expected {length}");
        }

        Demand(role, path, Sha256, SHA256.HashData(content));
        Demand(role, path, Sha512, SHA512.HashData(content));
    }

    private static void Demand(TufRole role, string path, byte[]? expected, byte[] actual)
    {
        if (expected is not null && !actual.AsSpan().SequenceEqual(expected))
        {
            throw new TufException(role, TufCheck.Hash,
                $"{path} is {Convert.ToHexStringLower(actual)}; expected {Convert.ToHexStringLower(expected)}");
        }
    }
}

/// <summary>The document that names the versions of others: a timestamp, of the snapshot; a snapshot, of all others.</summary>
/// <remarks>Source: https://theupdateframework.github.io/specification/v1.0.33/#file-formats-snapshot</remarks>
internal sealed class VersionsMetadata : Metadata
{
    private const int MaxFiles = 1024;

    private readonly Dictionary<string, FileMetadata> _files = new(StringComparer.Ordinal);

    private VersionsMetadata(JsonPart document, TufRole role)
        : base(document, role)
    {
        foreach (var (name, file) in document["signed"]["meta"].Fields())
        {
            _files.Add(name, _files.Count < MaxFiles
                ? FileMetadata.Read(file.Object(), Number(file["version"], min: 1), isComplete: false)
                : throw new FormatException($"'signed.meta' has more than {MaxFiles} files"));
        }

        _ = this[Names];
    }

    /// <summary>All it names.</summary>
    internal IReadOnlyDictionary<string, FileMetadata> Files => _files;

    /// <summary>The document that every one of this role has to name.</summary>
    internal TufRole Names => Role == TufRole.Timestamp ? TufRole.Snapshot : TufRole.Targets;

    internal FileMetadata this[TufRole role] => _files.GetValueOrDefault($"{TufException.Name(role)}.json")
        ?? throw new FormatException($"'signed.meta' does not name {TufException.Name(role)}.json");

    internal static VersionsMetadata ReadTimestamp(ReadOnlyMemory<byte> json) =>
        Read(TufRole.Timestamp, json, document => new VersionsMetadata(document, TufRole.Timestamp));

    internal static VersionsMetadata ReadSnapshot(ReadOnlyMemory<byte> json) =>
        Read(TufRole.Snapshot, json, document => new VersionsMetadata(document, TufRole.Snapshot));
}

/// <summary>The document that names files. Delegations are not followed: the file that is wanted is the repository's own.</summary>
/// <remarks>Source: https://theupdateframework.github.io/specification/v1.0.33/#file-formats-targets</remarks>
internal sealed class TargetsMetadata : Metadata
{
    private const int MaxFiles = 4096;

    private readonly Dictionary<string, FileMetadata> _files = new(StringComparer.Ordinal);

    private TargetsMetadata(JsonPart document)
        : base(document, TufRole.Targets)
    {
        foreach (var (name, file) in document["signed"]["targets"].Fields())
        {
            _files.Add(name, _files.Count < MaxFiles
                ? FileMetadata.Read(file.Object(), version: 0, isComplete: true)
                : throw new FormatException($"'signed.targets' has more than {MaxFiles} files"));
        }
    }

    /// <summary>What it says of a file, or null.</summary>
    internal FileMetadata? Find(string name) => _files.GetValueOrDefault(name);

    internal static TargetsMetadata Read(ReadOnlyMemory<byte> json) =>
        Read(TufRole.Targets, json, document => new TargetsMetadata(document));
}
