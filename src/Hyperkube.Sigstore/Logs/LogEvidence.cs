using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Trust;

namespace Hyperkube.Sigstore.Logs;

/// <summary>What a log entry proves by itself, whatever it is about.</summary>
/// <param name="Entry">The entry.</param>
/// <param name="Log">Who logged it.</param>
/// <param name="Time">When, as far as the log has signed that; null when it has not.</param>
/// <param name="Index">Its number: among all entries of the log where that is signed, else in its tree.</param>
internal sealed record LogEvidence(LogEntry Entry, TransparencyLog Log, DateTimeOffset? Time, long Index)
{
    /// <summary>Checks the promise and the proof of an entry, each if it is there; one of them has to be.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="logs">Those that are trusted.</param>
    /// <param name="times">When timestamps say that the signature was there. A log of the second version puts no time on its entries: these
    /// say when it has to have been trusted.</param>
    /// <returns>Null if the log is not among them: then the entry proves nothing.</returns>
    internal static LogEvidence? Check(LogEntry entry, IReadOnlyList<TransparencyLog> logs, IReadOnlyList<DateTimeOffset> times)
    {
        // A key may be listed twice, each time for a while of its own.
        List<TransparencyLog> candidates = [.. logs.Where(l => l.KeyId.Span.SequenceEqual(entry.LogId))];
        return candidates.Count == 0 ? null : FirstGood.Of(candidates, log =>
        {
            var evidence = Check(entry, log);
            foreach (var time in (evidence.Time is { } own ? [own, .. times] : times).Where(time => !log.ValidFor.Contains(time)))
            {
                throw new SignatureException(
                    SignatureFailure.OutsideValidity, $"log entry: {log.Name} is trusted {log.ValidFor}, not at {Moment.Of(time)}");
            }

            return evidence;
        });
    }

    private static LogEvidence Check(LogEntry entry, TransparencyLog log)
    {
        if (entry.Promise is null && entry.Proof is null)
        {
            throw new SignatureException(SignatureFailure.BadInclusionProof, "log entry: neither a promise nor a proof");
        }

        DateTimeOffset? time = entry.Promise is null ? null : EntryTimestamp.Check(entry, log);
        if (entry.Proof is { } proof)
        {
            CheckProof(entry, proof, log);
        }

        return new LogEvidence(entry, log, time, time is null ? entry.Proof!.LogIndex : entry.LogIndex);
    }

    private static void CheckProof(LogEntry entry, InclusionProof proof, TransparencyLog log)
    {
        var checkpoint = Checkpoint.Check(proof.Checkpoint, log);
        if (checkpoint.TreeSize != proof.TreeSize || !checkpoint.RootHash.AsSpan().SequenceEqual(proof.RootHash))
        {
            throw new SignatureException(
                SignatureFailure.BadInclusionProof, "inclusion proof: its tree is not the one of the signed checkpoint");
        }

        var root = MerkleProof.RootOf(MerkleProof.LeafHash(entry.Body), proof.LogIndex, checkpoint.TreeSize, proof.Hashes);
        if (root is null || !root.AsSpan().SequenceEqual(checkpoint.RootHash))
        {
            throw new SignatureException(
                SignatureFailure.BadInclusionProof,
                $"inclusion proof: the entry is not number {proof.LogIndex} of the {checkpoint.TreeSize} of the signed checkpoint");
        }
    }
}
