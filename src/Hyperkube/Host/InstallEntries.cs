using System.Collections.Concurrent;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Releases;

namespace Hyperkube.Host;

/// <summary>What the receipt says of each file of one install, once that is done.</summary>
/// <remarks>Safe for several threads.</remarks>
internal sealed class InstallEntries(
    InstallRequest request, PlatformImage image, BinaryProofs proofs, Installed installed, TimeProvider time)
{
    private readonly ConcurrentDictionary<Destination, KubernetesVersion?> _probed = [];
    private readonly ConcurrentDictionary<Destination, GoBuildInfo?> _built = [];

    /// <summary>The version that somebody vouches for without a look at the binary; null if nobody does. What the caller's digest stands
    /// for was looked at by whoever chose the digest; what a policy vouches for, by those whom it names.</summary>
    internal KubernetesVersion? VouchedVersion =>
        (IsPinned || request.Demand is not null) && KubernetesVersion.TryParse(image.SaidVersion, null, out var version) ? version : null;

    /// <summary>Whether the bytes are somebody's who is believed. Others may say any version of themselves.</summary>
    internal bool AreAuthentic => request.Verify != VerificationMode.None || request.Demand is not null;

    private bool IsPinned => request.Verify != VerificationMode.None && request.Reference.Pin is not null;

    /// <summary>Takes note of the version that a file says it is; null if it was not asked.</summary>
    internal void NoteProbe(Destination destination, KubernetesVersion? version) => _probed[destination] = version;

    /// <summary>Takes note of what a file was built from; null if it was not looked into.</summary>
    internal void NoteBuild(Destination destination, GoBuildInfo? built) => _built[destination] = built;

    /// <summary>The entry of a file, by all that is known of it so far.</summary>
    internal InstalledBinary Of(Destination destination, Descriptor content)
    {
        var probed = _probed.GetValueOrDefault(destination);
        var proof = proofs.Of(destination.Name, content.Digest);
        var built = _built.GetValueOrDefault(destination);
        return new InstalledBinary
        {
            Path = destination.Path,
            Name = destination.Name,
            Reference = request.Reference.ToString(),
            Digest = image.Root.Digest.ToString(),
            Manifest = image.Manifest.Digest.ToString(),
            Platform = request.Platform.ToString(),
            Version = probed?.ToString() ?? image.Version,
            VersionProof = probed is not null && AreAuthentic ? InstalledBinary.Probed
                : VouchedVersion is null ? InstalledBinary.Claimed
                : IsPinned ? InstalledBinary.Pinned
                : InstalledBinary.ByPolicy,
            Sha256 = content.Digest.Hex,
            Size = content.Size,
            Verified = proof.Verified,
            Signature = proof.Signature,
            Package = built?.Path,
            Commit = built?.Settings.GetValueOrDefault("vcs.revision"),
            Policy = request.Demand?.Fingerprint,
            InstalledAt = time.GetUtcNow(),
        };
    }

    /// <summary>The entry of a file that stays. The bytes are the same: only where they came from, and how they are proved, is said
    /// anew.</summary>
    internal InstalledBinary Refreshed(Destination destination)
    {
        var look = installed.LookOf(destination);
        var hash = look.Hash!.Value;
        Descriptor content = new(MediaTypes.Bytes, hash, look.Stamp!.Size);
        var entry = Of(destination, content) with { Stamp = look.Stamp };
        if (installed.At(destination) is not { } there)
        {
            return entry;
        }

        // A weaker question does not make a proof of the bytes wrong; a strong one is answered by what it has found.
        var isStronger = request.Verify != VerificationMode.Signature && there.Verified > entry.Verified;
        return there.Sha256 != hash.Hex ? entry with { Previous = there.Previous }
            : entry with
            {
                Previous = there.Previous,
                InstalledAt = there.InstalledAt,
                Version = there.IsVersionProved ? there.Version : entry.Version ?? there.Version,
                VersionProof = there.IsVersionProved ? there.VersionProof : entry.VersionProof,
                Verified = isStronger ? there.Verified : entry.Verified,
                Signature = isStronger ? there.Signature : entry.Signature,
                Package = entry.Package ?? there.Package,
                Commit = entry.Commit ?? there.Commit,
                Policy = entry.Policy ?? (there.Digest == entry.Digest ? there.Policy : null),
                Extra = there.Extra,
            };
    }

    /// <summary>The entry of a file that nobody has looked into yet.</summary>
    internal InstalledBinary Foreseen(Destination destination, Digest sha256, long size) =>
        Of(destination, new Descriptor(MediaTypes.Bytes, sha256, size));

    /// <summary>What can be gone back to. The same content with another owner or mode is no history.</summary>
    internal ReplacedFile? PreviousOf(Destination destination, SwitchStep step) => !step.KeepsOld
        ? (step.HasOld ? installed.At(destination)?.Previous : null)
        : new ReplacedFile
        {
            Kept = SwitchStep.PreviousOf(step.Name),
            Sha256 = step.OldSha256,
            Link = step.OldLink,
            Installed = installed.At(destination) is { } there && there.Sha256 == step.OldSha256 ? there with { Previous = null } : null,
        };
}
