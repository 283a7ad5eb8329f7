using System.Text.Json;
using System.Text.Json.Serialization;
using Hyperkube.Sigstore;

namespace Hyperkube.Host;

/// <summary>A part of the receipt: what a later version has written into it stays there.</summary>
public abstract record ReceiptPart
{
    /// <summary>What this version does not know.</summary>
    [JsonExtensionData, JsonInclude]
    internal Dictionary<string, JsonElement>? Extra { get; set; }
}

/// <summary>What is installed on a host: from where, what exactly, how it was checked, and when.</summary>
/// <remarks>Versioned JSON. A later version reads it; what a later version adds, an earlier one keeps.</remarks>
public sealed record InstallReceipt : ReceiptPart
{
    /// <summary>The version of this form.</summary>
    public const int CurrentSchema = 1;

    /// <summary>The version of the form it was written in.</summary>
    public int Schema { get; init; } = CurrentSchema;

    /// <summary>What is installed, by path.</summary>
    public IReadOnlyList<InstalledBinary> Binaries
    {
        get;
        init => field = [.. Whole(value).Where(b => WantedBinary.IsDestination(b.Path))]; // Other paths can be nobody's.
    } = [];

    /// <summary>What must not be installed again.</summary>
    public IReadOnlyList<Hold> Holds { get; init => field = Whole(value); } = [];

    /// <summary>What is still to be done with units.</summary>
    public IReadOnlyList<OwedRestart> Owed { get; init => field = Whole(value); } = [];

    /// <summary>What is installed at a path; null if nothing is.</summary>
    public InstalledBinary? At(string path) => Binaries.FirstOrDefault(b => b.Path == path);

    /// <summary>Where something is installed.</summary>
    [JsonIgnore]
    internal IEnumerable<string> Directories => Binaries.Select(b => Path.GetDirectoryName(b.Path)!).Distinct(StringComparer.Ordinal);

    /// <summary>The holds once other images have come to some paths; a hold on no path is none.</summary>
    /// <param name="paths">Where they have come to.</param>
    /// <param name="but">A digest that stays on hold; null for none.</param>
    internal IReadOnlyList<Hold> HoldsBut(IReadOnlyList<string> paths, string? but = null) =>
    [
        .. Holds.Select(h => h.Digest == but || !h.Paths.Intersect(paths, StringComparer.Ordinal).Any() ? h
            : h with { Paths = [.. h.Paths.Except(paths, StringComparer.Ordinal)] }).Where(h => h.Paths.Count > 0),
    ];

    // The generated reader sets what the JSON has not to null, and lets null stand in lists.
    private static IReadOnlyList<T> Whole<T>(IReadOnlyList<T?>? list)
        where T : class => [.. list?.OfType<T>() ?? []];

    /// <summary>With some binaries put in place of what was at their paths.</summary>
    internal InstallReceipt With(IEnumerable<InstalledBinary> binaries)
    {
        var added = binaries.ToDictionary(b => b.Path, StringComparer.Ordinal);
        return this with
        {
            Binaries =
            [
                .. Binaries.Where(b => !added.ContainsKey(b.Path)).Concat(added.Values).OrderBy(b => b.Path, StringComparer.Ordinal),
            ],
        };
    }
}

/// <summary>How what was installed was checked, the weakest first.</summary>
public enum VerificationMode
{
    /// <summary>By nothing but the digests that the registry gave: <c>--insecure-skip-signature</c>.</summary>
    None,

    /// <summary>By a digest that the caller gave.</summary>
    Digest,

    /// <summary>By an entry for exactly these bytes in the host's own list of binaries whose signature is wrong.</summary>
    Exception,

    /// <summary>By the signature of the Kubernetes release team.</summary>
    Signature,
}

/// <summary>A binary on a host.</summary>
public sealed record InstalledBinary : ReceiptPart
{
    /// <summary>Where it lies, as the host sees it.</summary>
    public required string Path { get; init; }

    /// <summary>What it was called in the image.</summary>
    public required string Name { get; init; }

    /// <summary>The image as the caller called it.</summary>
    public required string Reference { get; init; }

    /// <summary>What the reference stood for.</summary>
    public required string Digest { get; init; }

    /// <summary>The manifest of the platform.</summary>
    public required string Manifest { get; init; }

    /// <summary>For what it was built.</summary>
    public required string Platform { get; init; }

    /// <summary>What the image, or the binary itself, says it is; null when nobody says.</summary>
    public string? Version { get; init; }

    /// <summary><c>probed</c> if the binary itself said its version, <c>pinned</c> if the image of the caller's digest did,
    /// <c>policy</c> if
    /// an image did that the caller's policy vouches for, <c>claimed</c> if any image did.</summary>
    public string VersionProof { get; init => field = value ?? Claimed; } = Claimed;

    /// <summary>64 hex digits.</summary>
    public required string Sha256 { get; init; }

    /// <summary>In bytes.</summary>
    public required long Size { get; init; }

    /// <summary>How it was checked.</summary>
    [JsonIgnore]
    public VerificationMode Verified
    {
        get => (VerificationMode)Math.Max(0, Array.IndexOf(Words, VerifiedWord));
        init => VerifiedWord = value == Verified ? VerifiedWord : Words[(int)value];
    }

    /// <summary>The same as the receipt says it: a word of a later version proves nothing here, and stays.</summary>
    [JsonPropertyName("verified")]
    public string VerifiedWord { get; init => field = value ?? Words[0]; } = Words[0];

    /// <summary>Who signed it, and by whose word; null unless a signature proved it.</summary>
    public SignatureProof? Signature { get; init; }

    /// <summary>The main package, by the build information inside the signed bytes; null unless that was looked at.</summary>
    public string? Package { get; init; }

    /// <summary>The commit, by the same information; null unless it says one.</summary>
    public string? Commit { get; init; }

    /// <summary>The <see cref="ImageDemand.Fingerprint"/> that the image met; null if nothing was demanded of it.</summary>
    public string? Policy { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset InstalledAt { get; init; }

    /// <summary>What the file system said of it right after; null while it is on its way.</summary>
    public FileStamp? Stamp { get; init; }

    /// <summary>What it replaced; null if there was nothing, or if that has been put back.</summary>
    public ReplacedFile? Previous { get; init; }

    /// <summary>Whether more than the image's own word proves the version.</summary>
    [JsonIgnore]
    public bool IsVersionProved => VersionProof is Probed or Pinned or ByPolicy;

    private static readonly string[] Words = ["none", "digest", "exception", "signature"]; // In the order of the modes.

    internal const string Claimed = "claimed";
    internal const string Pinned = "pinned";
    internal const string Probed = "probed";
    internal const string ByPolicy = "policy";
}

/// <summary>What a signature proved of a binary. The evidence itself is kept beside the receipt.</summary>
public sealed record SignatureProof : ReceiptPart
{
    /// <summary>The <see cref="Releases.ReleaseTrust.Fingerprint"/> of what was believed.</summary>
    public required string Trust { get; init; }

    /// <summary>Who signed.</summary>
    public string? Signer { get; init; }

    /// <summary>Who vouched for the signer's name.</summary>
    public string? Issuer { get; init; }

    /// <summary>When the signature was there, by a log's or an authority's own signature.</summary>
    public DateTimeOffset? SignedAt { get; init; }

    /// <summary>The number of its entry in the log.</summary>
    public long? LogIndex { get; init; }

    internal static SignatureProof Of(VerifiedEvidence proof, string trust) => new()
    {
        Trust = trust,
        Signer = proof.Signer?.Subject,
        Issuer = proof.Signer?.Issuer,
        SignedAt = proof.SignedAt,
        LogIndex = proof.LogIndex,
    };
}

/// <summary>A file that was replaced and is kept.</summary>
public sealed record ReplacedFile : ReceiptPart
{
    /// <summary>Under which name it is kept in the same directory.</summary>
    public required string Kept { get; init; }

    /// <summary>64 hex digits; null for a symbolic link.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Where the symbolic link led; null for a file.</summary>
    public string? Link { get; init; }

    /// <summary>What the receipt said of it; null if it was not installed by this program.</summary>
    public InstalledBinary? Installed { get; init; }
}

/// <summary>A digest that is not installed again until the reference points elsewhere.</summary>
/// <param name="Digest">What the reference stood for.</param>
/// <param name="Manifest">The manifest of the platform.</param>
/// <param name="Paths">Where it must not go.</param>
/// <param name="Because">Why.</param>
/// <param name="Since">From when on.</param>
public sealed record Hold(string Digest, string Manifest, IReadOnlyList<string> Paths, string Because, DateTimeOffset Since)
    : ReceiptPart;

/// <summary>A unit that has not been seen healthy with what is installed now.</summary>
/// <param name="Unit">The unit.</param>
/// <param name="IsRestarted">Whether it was restarted, and only its health is not known.</param>
/// <param name="Paths">What was changed.</param>
public sealed record OwedRestart(string Unit, bool IsRestarted, IReadOnlyList<string> Paths) : ReceiptPart;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    WriteIndented = true)]
[JsonSerializable(typeof(InstallReceipt))]
[JsonSerializable(typeof(SwitchIntent))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
internal sealed partial class HostJson : JsonSerializerContext;
