using System.Text.Json;

namespace Hyperkube.Sigstore.Tuf;

/// <summary>The document that names the keys of all roles.</summary>
/// <remarks>Source: https://theupdateframework.github.io/specification/v1.0.33/#file-formats-root</remarks>
internal sealed class RootMetadata : Metadata
{
    private const int MaxKeys = 128;

    private readonly Dictionary<TufRole, RoleKeys> _roles = [];

    private RootMetadata(JsonPart document)
        : base(document, TufRole.Root)
    {
        var signed = document["signed"];
        var consistent = signed["consistent_snapshot"];
        IsConsistent = consistent.Value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw new FormatException($"'{consistent.Path}' is not true or false"),
        };

        Dictionary<string, TufKey?> keys = new(StringComparer.Ordinal);
        foreach (var (id, key) in signed["keys"].Fields())
        {
            keys.Add(id, keys.Count < MaxKeys ? TufKey.Read(key.Object()) : throw new FormatException($"more than {MaxKeys} keys"));
        }

        foreach (var role in Enum.GetValues<TufRole>())
        {
            _roles.Add(role, Read(signed["roles"].Object()[TufException.Name(role)].Object(), keys));
        }
    }

    /// <summary>Whether paths carry versions and hashes.</summary>
    internal bool IsConsistent { get; }

    /// <summary>Who has to sign for a role.</summary>
    internal RoleKeys this[TufRole role] => _roles[role];

    internal static RootMetadata Read(ReadOnlyMemory<byte> json) => Read(TufRole.Root, json, document => new RootMetadata(document));

    private static RoleKeys Read(JsonPart role, Dictionary<string, TufKey?> keys)
    {
        Dictionary<string, TufKey> usable = new(StringComparer.Ordinal);
        HashSet<string> ids = new(StringComparer.Ordinal);
        foreach (var item in role["keyids"].Items(MaxKeys))
        {
            var id = item.Text();
            if (!ids.Add(id))
            {
                throw new FormatException($"'{item.Path}' is there twice");
            }

            if (keys.GetValueOrDefault(id) is { } key)
            {
                usable.Add(id, key);
            }
        }

        var threshold = Number(role["threshold"], min: 1);
        return threshold <= MaxKeys
            ? new RoleKeys(usable, (int)threshold)
            : throw new FormatException($"'{role.Path}.threshold' is {threshold}; expected at most {MaxKeys}");
    }
}
