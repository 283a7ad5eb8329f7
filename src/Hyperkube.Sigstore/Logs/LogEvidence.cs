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
    internal static LogEvidence Check(LogEntry entry, IReadOnlyList<TransparencyLog> logs)
    {
        var candidates = logs.Where(l => l.KeyId.Span.SequenceEqual(entry.LogId)).ToList();
        if (candidates.Count == 0)
        {
            throw new SignatureException(
                SignatureFailure.BadLogEntry, $"log entry: its log {Convert.ToHexStringLower(entry.LogId)} is not in the trusted root");
        }

        // A key may be listed twice, each time for a while of its own.
        return candidates.Count == 1 ? Check(entry, candidates[0]) : First(candidates, log => Check(entry, log));
    }

    /// <summary>Checks that the log was trusted when the entry was made.</summary>
    internal void CheckTimes(IEnumerable<DateTimeOffset> times)
    {
        foreach (var time in times.Where(time => !Log.ValidFor.Contains(time)))
        {
            throw new SignatureException(
                SignatureFailure.OutsideValidity, $"log entry: {Log.Name} is trusted {Log.ValidFor}, not at {Moment.Of(time)}");
        }
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

        LogEvidence evidence = new(entry, log, time, time is null ? entry.Proof!.LogIndex : entry.LogIndex);
        evidence.CheckTimes(time is { } logged ? [logged] : []);
        return evidence;
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

    private static LogEvidence First(List<TransparencyLog> logs, Func<TransparencyLog, LogEvidence> check)
    {
        foreach (var log in logs[..^1])
        {
            try
            {
                return check(log);
            }
            catch (SignatureException)
            {
                // The next one may be the right one; the last one's complaint is the caller's.
            }
        }

        return check(logs[^1]);
    }
}
