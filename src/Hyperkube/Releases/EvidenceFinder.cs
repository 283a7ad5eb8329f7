using Hyperkube.Oci;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Bundles;

namespace Hyperkube.Releases;

/// <summary>Finds the evidence about the files of a release, or mints it: once, and then it is used again.</summary>
/// <param name="trust">Whom to believe.</param>
/// <param name="exempt">What is accepted without good evidence.</param>
/// <param name="before">Where it is looked for first, in this order.</param>
/// <param name="cache">Where it is looked for after the source, and kept; null for nowhere.</param>
/// <param name="rekor">The log that is asked last.</param>
/// <param name="log">Told what is passed over.</param>
public sealed class EvidenceFinder(
    ReleaseTrust trust, ExemptBinaries exempt, IReadOnlyList<IEvidenceStore> before, EvidenceCache? cache, RekorClient rekor,
        IActivityLog log)
{
    /// <summary>A signature of P-521 in base64 has 190 characters, a certificate 2,000.</summary>
    private const int MaxSignatureBytes = 16 << 10;

    private const string Unsigned =
        "--verify checksum, if the source alone is trusted; or name the file in --exceptions if that is known and looked into";

    /// <summary>Finds the evidence of several files of one source.</summary>
    /// <param name="source">Where their signatures are.</param>
    /// <param name="files">What they should hash to.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>What was found of each, in their order.</returns>
    internal async Task<IReadOnlyList<FoundEvidence>> FindAsync(
        IReleaseSource source, IReadOnlyList<SignedFile> files, CancellationToken cancellationToken)
    {
        var found = new FoundEvidence?[files.Count];
        List<(int At, LegacySignature Signature)> toMint = [];
        for (var i = 0; i < files.Count; i++)
        {
            var file = files[i];
            try
            {
                var (kept, refused) = await FindKeptAsync(source, file, cancellationToken).ConfigureAwait(false);
                if (kept is not null)
                {
                    found[i] = new FoundEvidence(kept);
                }
                else if (await ReadSignatureAsync(source, file.Path, cancellationToken).ConfigureAwait(false) is { } signature)
                {
                    toMint.Add((i, signature));
                }
                else
                {
                    found[i] = Refused(file, refused ?? NotSigned(source, file.Path));
                }
            }
            catch (HyperkubeException e) when (e.Kind != ErrorKind.Usage)
            {
                found[i] = Refused(file, e);
            }
        }

        if (toMint.Count > 0)
        {
            await MintAsync(source, files, toMint, found, cancellationToken).ConfigureAwait(false);
        }

        return [.. found.Select(f => f!)];
    }

    // Whatever is wrong with what was kept, the next place may be right.
    private async Task<(BinaryEvidence? Kept, HyperkubeException? Refused)> FindKeptAsync(
        IReleaseSource source, SignedFile file, CancellationToken cancellationToken)
    {
        HyperkubeException? refused = null;
        IEnumerable<IEvidenceStore> stores = [.. before, new PublishedEvidence(source)];
        foreach (var store in cache is null ? stores : stores.Append(cache))
        {
            try
            {
                if (await store.FindAsync(file.Path, file.Sha256, cancellationToken).ConfigureAwait(false) is { } bundle)
                {
                    return (trust.Check(bundle, file.Sha256, $"{store.Location}: evidence of {file.Path}"), null);
                }
            }
            catch (HyperkubeException e) when (
                e.Kind is ErrorKind.BadSignature or ErrorKind.Unsigned or ErrorKind.BadContent or ErrorKind.BadDigest
                || (e.Kind == ErrorKind.Unavailable && store.IsOptional))
            {
                refused ??= e.Kind is ErrorKind.BadDigest or ErrorKind.Unavailable ? null : e; // No word about the file itself.
                log.Warn($"{e.Message}; looking further");
            }
        }

        return (null, refused);
    }

    private static async Task<LegacySignature?> ReadSignatureAsync(IReleaseSource source, string path, CancellationToken cancellationToken)
    {
        if (await source.ReadAsync($"{path}.sig", MaxSignatureBytes, cancellationToken).ConfigureAwait(false) is not { } signature
            || await source.ReadAsync($"{path}.cert", MaxSignatureBytes, cancellationToken).ConfigureAwait(false) is not { } certificate)
        {
            return null;
        }

        try
        {
            return LegacySignature.Parse(System.Text.Encoding.ASCII.GetString(signature),
                System.Text.Encoding.ASCII.GetString(certificate));
        }
        catch (SignatureException e)
        {
            throw ReleaseTrust.Refused(e, $"{source.Location}/{path}");
        }
    }

    private async Task MintAsync(
        IReleaseSource source, IReadOnlyList<SignedFile> files, List<(int At, LegacySignature Signature)> toMint, FoundEvidence?[] found,
        CancellationToken cancellationToken)
    {
        using var activity = log.Begin($"ask {rekor.Location} for {toMint.Count} {(toMint.Count == 1 ? "entry" : "entries")}",
            totalBytes: null);
        ILookup<string, RekorEntry> entries;
        try
        {
            entries = await rekor.FindAsync(
                toMint.Select(m => m.Signature.EntryId(Artifact(files[m.At]))), cancellationToken).ConfigureAwait(false);
        }
        catch (HyperkubeException e) when (e.Kind != ErrorKind.Usage)
        {
            toMint.ForEach(m => found[m.At] = Refused(files[m.At], e));
            return;
        }

        foreach (var (at, signature) in toMint)
        {
            try
            {
                var evidence = Mint(source, files[at], signature, entries);
                found[at] = new FoundEvidence(evidence);
                if (cache is not null)
                {
                    await cache.KeepAsync(files[at].Sha256, evidence.Bundle, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (HyperkubeException e) when (e.Kind is ErrorKind.BadSignature or ErrorKind.Unsigned)
            {
                found[at] = Refused(files[at], e);
            }
        }

        activity.Complete("done");
    }

    // One signature may be in several trees of the log: one good entry is enough.
    private BinaryEvidence Mint(IReleaseSource source, SignedFile file, LegacySignature signature, ILookup<string, RekorEntry> entries)
    {
        var where = $"{source.Location}/{file.Path}";
        SignatureException? failure = null;
        foreach (var entry in entries[signature.EntryId(Artifact(file))].OrderBy(e => e.LogIndex))
        {
            try
            {
                // What is shipped is what was checked: the bytes, read again.
                return trust.Check(signature.ToBundle(Artifact(file), entry).ToJson(), file.Sha256, where);
            }
            catch (SignatureException e)
            {
                failure ??= e;
            }
            catch (HyperkubeException e) when (e.InnerException is SignatureException inner)
            {
                failure ??= inner;
            }
        }

        throw ReleaseTrust.Refused(
            failure ?? new SignatureException(
                SignatureFailure.MissingEvidence,
                $"log entry: {rekor.Location} has none about this file, signature and certificate; "
                + "they do not belong together, or were never logged"),
            where);
    }

    private FoundEvidence Refused(SignedFile file, HyperkubeException failure) =>
        failure.Kind is ErrorKind.BadSignature or ErrorKind.Unsigned && file.Binary is { } binary
        && exempt.Find(binary.Name.Text, binary.Version, binary.Platform, file.Sha256, log) is { } entry
            ? new FoundEvidence(entry)
            : new FoundEvidence(failure);

    private static HyperkubeException NotSigned(IReleaseSource source, string path) =>
        new(ErrorKind.Unsigned, $"{source.Location}/{path}: no signature: "
            + $"neither {path[(path.LastIndexOf('/') + 1)..]}.sigstore.json nor .sig and .cert are there")
        {
            Hint = Unsigned,
        };

    private static ArtifactDigests Artifact(SignedFile file) => ArtifactDigests.FromSha256(Convert.FromHexString(file.Sha256.Hex));
}

/// <summary>A file whose signature is looked for.</summary>
/// <param name="Path">Below the root of its source.</param>
/// <param name="Sha256">The digest of its bytes.</param>
/// <param name="Binary">Which binary it is; null for another document of the release.</param>
internal sealed record SignedFile(string Path, Digest Sha256, ReleaseFile? Binary);

/// <summary>What was found about a file: evidence, an exception to the rule, or why there is neither.</summary>
internal sealed record FoundEvidence
{
    internal FoundEvidence(BinaryEvidence evidence) => Evidence = evidence;

    internal FoundEvidence(ExemptBinary exempt) => Exempt = exempt;

    internal FoundEvidence(HyperkubeException failure) => Failure = failure;

    internal BinaryEvidence? Evidence { get; }

    internal ExemptBinary? Exempt { get; }

    internal HyperkubeException? Failure { get; }
}
