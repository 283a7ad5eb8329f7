using System.Text.Encodings.Web;
using System.Text.Json.Serialization;

namespace Hyperkube.Cli.Output;

/// <summary>The JSON that other programs read. Field names are promises.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ErrorBody))]
[JsonSerializable(typeof(BuildResult))]
[JsonSerializable(typeof(FetchResult))]
[JsonSerializable(typeof(VersionsResult))]
[JsonSerializable(typeof(IReadOnlyList<ReleasedVersion>))]
[JsonSerializable(typeof(InspectResult))]
[JsonSerializable(typeof(CopyResult))]
[JsonSerializable(typeof(ExplainResult))]
[JsonSerializable(typeof(InstallOutput))]
[JsonSerializable(typeof(VerifyOutput))]
[JsonSerializable(typeof(StatusOutput))]
[JsonSerializable(typeof(RollbackOutput))]
[JsonSerializable(typeof(SignResult))]
[JsonSerializable(typeof(TrustResult))]
[JsonSerializable(typeof(TrustUpdateResult))]
internal sealed partial class CliJson : JsonSerializerContext
{
    /// <summary>Leaves <c>+</c> and letters of all languages as they are.</summary>
    internal static JavaScriptEncoder Encoder => JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
}

/// <summary>Why a command failed.</summary>
internal sealed record ErrorBody(int Code, string Kind, string Message, string? Hint);

/// <summary>What <c>build</c> built.</summary>
internal sealed record BuildResult(
    string Version, string Digest, long Size, IReadOnlyList<BuiltPlatform> Platforms, IReadOnlyList<string> Outputs);

/// <summary>One platform of it.</summary>
internal sealed record BuiltPlatform(string Platform, string Digest, long Size, IReadOnlyList<BinaryEntry> Binaries);

/// <summary>A binary, and how it and its version were checked.</summary>
internal sealed record BinaryEntry(string Name, string Sha256, long Size, string Verified, string VersionProof);

/// <summary>What <c>fetch</c> has put into a directory.</summary>
internal sealed record FetchResult(string Version, string Directory, IReadOnlyList<FetchedFile> Files);

/// <summary>One file of it.</summary>
internal sealed record FetchedFile(
    string Platform, string Name, string Path, string Sha256, long Size, string Verified, string Action, string VersionProof);

/// <summary>Which releases there are.</summary>
internal sealed record VersionsResult(string Source, string? Minimum, string? Published, IReadOnlyList<ListedVersion> Versions);

/// <summary>One of them.</summary>
internal sealed record ListedVersion(string Version, string Minor, bool? Published);

/// <summary>What <c>release</c> did about a release, or would do.</summary>
internal sealed record ReleasedVersion(string Version, string Action, string? Digest, ErrorBody? Error, string? Reason);

/// <summary>What <c>copy</c> copied.</summary>
internal sealed record CopyResult(IReadOnlyList<CopiedImage> Images, long BytesDownloaded, long Requests);

/// <summary>One image of it.</summary>
internal sealed record CopiedImage(string Source, string Destination, string Digest, string Action);

/// <summary>How an image would be had.</summary>
internal sealed record ExplainResult(
    string Reference, IReadOnlyList<string> Directories, string? Directory, IReadOnlyList<ExplainedHost> Hosts,
    IReadOnlyList<MachineCheck> Machine);

/// <summary>One host, in the order in which it would be asked.</summary>
internal sealed record ExplainedHost(
    string Url, string? Origin, IReadOnlyList<string> Capabilities, string? Namespace, IReadOnlyList<string> Headers, string? Proxy,
    IReadOnlyList<string> Authorities, IReadOnlyList<string> ClientCertificates, bool SkipVerify, IReadOnlyList<ExplainedLogin> Logins,
    ExplainedAnswer Answer);

/// <summary>A place of logins.</summary>
internal sealed record ExplainedLogin(string Place, string Outcome, string Says);

/// <summary>What a host answered.</summary>
internal sealed record ExplainedAnswer(
    string? Digest, string? MediaType, long? Size, string? Kind, string? Message, string? Hint, long Milliseconds);

/// <summary>What the job needs of this machine.</summary>
internal sealed record MachineCheck(string Name, bool Ok, string Says);

/// <summary>What <c>inspect</c> saw.</summary>
internal sealed record InspectResult(
    string Reference, string Digest, string MediaType, string? Version, string? Created, IReadOnlyList<InspectedPlatform> Platforms,
    IReadOnlyList<InspectedReferrer> Referrers);

/// <summary>What refers to the image, or to one platform of it.</summary>
internal sealed record InspectedReferrer(string Digest, string? ArtifactType, string Subject, string? Tag);

/// <summary>One platform of it.</summary>
internal sealed record InspectedPlatform(
    string Platform, string Digest, long Size, string? User, IReadOnlyList<string> Entrypoint,
    IReadOnlyList<InspectedFile> Binaries, IReadOnlyList<string> Evidence, IReadOnlyList<InspectedLayer> Layers);

/// <summary>A program in the image.</summary>
internal sealed record InspectedFile(string Name, string Path, string Sha256, long Size, string Layer, bool Claimed);

/// <summary>A layer.</summary>
internal sealed record InspectedLayer(string Digest, string MediaType, long Size);

/// <summary>What <c>install</c> did.</summary>
internal sealed record InstallOutput(
    string Reference, string? Version, string Digest, bool Changed, PreviousOutput? Previous, IReadOnlyList<InstalledOutput> Binaries,
    IReadOnlyList<string> Restarted, long BytesDownloaded, long Requests, bool? Downgrade);

/// <summary>What was there before.</summary>
internal sealed record PreviousOutput(string? Version, string? Digest, string? Sha256 = null, string? Link = null);

/// <summary>One file of an install.</summary>
internal sealed record InstalledOutput(
    string Name, string Path, string Sha256, long Size, string Verified, string Action, string? Version, string VersionProof,
    string? ReplacedLink, string? Signer, DateTimeOffset? SignedAt, long? LogIndex);

/// <summary>What <c>verify</c> proved.</summary>
internal sealed record VerifyOutput(
    string? Reference, string? Digest, IReadOnlyList<VerifiedPlatform> Platforms, IReadOnlyList<VerifiedSignature>? Signatures);

/// <summary>A signature of the image that counts.</summary>
internal sealed record VerifiedSignature(string Image, string Signer, string Form, DateTimeOffset? SignedAt);

/// <summary>One platform of it.</summary>
internal sealed record VerifiedPlatform(string Platform, string? Digest, IReadOnlyList<VerifiedOutput> Binaries);

/// <summary>A binary, and what proves it, or why nothing does.</summary>
internal sealed record VerifiedOutput(
    string Name, string Path, string Sha256, long Size, string Verified, string? Signer, string? Issuer, DateTimeOffset? SignedAt,
    long? LogIndex, string? Version, string? Package, string? Commit, ErrorBody? Error);

/// <summary>What <c>status</c> saw.</summary>
internal sealed record StatusOutput(
    IReadOnlyList<StatusFile> Files, IReadOnlyList<HoldOutput> Holds, IReadOnlyList<string> RestartsOwed, bool Interrupted);

/// <summary>One installed file.</summary>
internal sealed record StatusFile(
    string Name, string Path, string Reference, string Digest, string? Version, string VersionProof, string Sha256, long Size,
    string Verified, DateTimeOffset InstalledAt, string State, PreviousOutput? Previous, IReadOnlyList<RunningOutput> Running,
    string? Signer, DateTimeOffset? SignedAt, long? LogIndex, string? Commit);

/// <summary>A process that runs it.</summary>
internal sealed record RunningOutput(int Pid, bool Older);

/// <summary>What is not installed again.</summary>
internal sealed record HoldOutput(string Digest, IReadOnlyList<string> Paths, string Because, DateTimeOffset Since);

/// <summary>What <c>rollback</c> put back.</summary>
internal sealed record RollbackOutput(IReadOnlyList<RolledBackOutput> Binaries, IReadOnlyList<string> Restarted);

/// <summary>One file of it.</summary>
internal sealed record RolledBackOutput(string Name, string Path, PreviousOutput From, PreviousOutput To);

/// <summary>What <c>sign</c> signed.</summary>
internal sealed record SignResult(string Reference, string Digest, IReadOnlyList<SignedEntry> Signatures);

/// <summary>One index or manifest of it, and what was written: nothing, where a good signature was there.</summary>
internal sealed record SignedEntry(string Digest, string Action, string? Bundle, string? Tag);

/// <summary>Whom this program believes.</summary>
internal sealed record TrustResult(
    string Source, string Sha256, long Size, string MediaType, IReadOnlyList<TrustedLog> SignatureLogs,
    IReadOnlyList<TrustedLog> CertificateLogs, IReadOnlyList<TrustedAuthority> CertificateAuthorities,
    IReadOnlyList<TrustedAuthority> TimestampAuthorities, TrustedSigner Release, TrustedRepository Repository);

/// <summary>A log of it.</summary>
internal sealed record TrustedLog(string Url, string KeyId, string KeyKind, DateTimeOffset? Start, DateTimeOffset? End);

/// <summary>An authority of it.</summary>
internal sealed record TrustedAuthority(string Url, string Name, string Fingerprint, DateTimeOffset? Start, DateTimeOffset? End);

/// <summary>Who has to have signed.</summary>
internal sealed record TrustedSigner(string Identity, string Issuer);

/// <summary>Where updates come from unless told.</summary>
internal sealed record TrustedRepository(string Url, string RootSha256, long RootVersion, DateTimeOffset RootExpires);

/// <summary>What <c>trust update</c> brought.</summary>
internal sealed record TrustUpdateResult(
    string Output, bool Changed, string Sha256, long Size, string Mirror, RepositoryVersions Versions, DateTimeOffset Expires);

/// <summary>The versions of a repository's documents.</summary>
internal sealed record RepositoryVersions(long Root, long Timestamp, long Snapshot, long Targets);
