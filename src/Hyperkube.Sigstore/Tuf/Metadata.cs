using System.Globalization;
using System.Text.Json;

namespace Hyperkube.Sigstore.Tuf;

/// <summary>A document of a repository: what all roles' have in common. Nothing of it is believed before its signatures are checked.
/// </summary>
/// <remarks>Source: https://theupdateframework.github.io/specification/v1.0.33/#file-formats-object-format</remarks>
internal abstract class Metadata
{
    /// <summary>No repository has as many; more would only cost time.</summary>
    private const int MaxSignatures = 64;

    private const int MaxSignatureChars = 1024;

    private readonly Dictionary<string, byte[]> _signatures = new(StringComparer.Ordinal);

    /// <summary>Reads the common fields.</summary>
    /// <param name="document">The whole document.</param>
    /// <param name="role">Whose it has to be.</param>
    protected Metadata(JsonPart document, TufRole role)
    {
        Role = role;
        var signed = document["signed"].Object();
        Payload = CanonicalJson.Encode(signed.Value);
        foreach (var signature in document["signatures"].Objects(MaxSignatures))
        {
            if (!_signatures.TryAdd(signature["keyid"].Text(), Bytes(signature["sig"].Text())))
            {
                throw new FormatException($"'{signature.Path}.keyid' is there twice");
            }
        }

        var name = TufException.Name(role);
        if (signed["_type"].Text() is var type && type != name)
        {
            throw new FormatException($"'signed._type' is '{type}'; expected '{name}'");
        }

        if (signed["spec_version"].Text() is var version && version.Split('.')[0] != "1")
        {
            throw new FormatException($"'signed.spec_version' is '{version}'; expected 1.0");
        }

        Version = Number(signed["version"], min: 1);
        Expires = signed["expires"].Time();
    }

    /// <summary>Whose it is.</summary>
    internal TufRole Role { get; }

    /// <summary>Which one of this role; 1 is the first.</summary>
    internal long Version { get; }

    /// <summary>From when on it is not to be believed any more.</summary>
    internal DateTimeOffset Expires { get; }

    /// <summary>What is signed, byte for byte.</summary>
    internal byte[] Payload { get; }

    /// <summary>Reads a document.</summary>
    /// <param name="role">Whose it has to be, for messages.</param>
    /// <param name="json">UTF-8, already capped.</param>
    /// <param name="read">Takes out what is wanted.</param>
    /// <exception cref="TufException">It is none.</exception>
    protected static T Read<T>(TufRole role, ReadOnlyMemory<byte> json, Func<JsonPart, T> read)
    {
        try
        {
            return JsonPart.Read(json, json.Length, SignatureFailure.Malformed, "the document", read);
        }
        catch (SignatureException e)
        {
            throw new TufException(role, TufCheck.Format, e.Message, e);
        }
    }

    /// <summary>A whole number, which must not stand in quotes: other readers would take it for a text.</summary>
    internal static long Number(JsonPart number, long min) =>
        number.Value.ValueKind == JsonValueKind.Number
        && long.TryParse(number.Value.GetRawText(), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
        && value >= min
            ? value
            : throw new FormatException($"'{number.Path}' is {number.Value.GetRawText()}; expected a whole number, {min} or more");

    /// <summary>How many of a role's keys have signed it. Signatures of others, and those of no use, do not count.</summary>
    internal int CountSigners(RoleKeys keys)
    {
        HashSet<string> signers = new(StringComparer.Ordinal);
        foreach (var (id, key) in keys.Keys)
        {
            if (_signatures.TryGetValue(id, out var signature) && key.HasSigned(Payload, signature))
            {
                signers.Add(key.Fingerprint);
            }
        }

        return signers.Count;
    }

    /// <summary>Demands the signatures of a role.</summary>
    /// <param name="keys">Whose.</param>
    /// <param name="by">Which document demands them, for the message.</param>
    internal void DemandSigners(RoleKeys keys, RootMetadata by)
    {
        var signers = CountSigners(keys);
        if (signers < keys.Threshold)
        {
            throw new TufException(Role, TufCheck.Threshold,
                $"version {Version} is signed by {signers} of the keys that version {by.Version} of root names; expected {keys.Threshold}");
        }
    }

    /// <summary>Demands that its time is not over.</summary>
    internal void DemandFresh(DateTimeOffset now)
    {
        if (now >= Expires)
        {
            throw new TufException(Role, TufCheck.Expiry,
                $"version {Version} was good until {Moment.Of(Expires)}; now it is {Moment.Of(now)}");
        }
    }

    // An empty one stands for a key that has not signed yet: tuf-on-ci publishes such.
    private static byte[] Bytes(string hex) =>
        hex.Length <= MaxSignatureChars && hex.Length % 2 == 0 && hex.All(char.IsAsciiHexDigit) ? Convert.FromHexString(hex) : [];
}

/// <summary>Who has to sign for a role.</summary>
/// <param name="Keys">Those of its keys that can be used, by the names that signatures call them.</param>
/// <param name="Threshold">How many of them, at least one.</param>
internal sealed record RoleKeys(IReadOnlyDictionary<string, TufKey> Keys, int Threshold);
