using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Hyperkube.Sigstore.Trust;

namespace Hyperkube.Sigstore.Logs;

/// <summary>A log's signed tree head, in the form of a signed note.</summary>
/// <param name="Origin">Which tree.</param>
/// <param name="TreeSize">How many entries it has.</param>
/// <param name="RootHash">Its root, 32 bytes.</param>
/// <remarks>Source: https://github.com/C2SP/C2SP/blob/tlog-checkpoint/v1.0.0/tlog-checkpoint.md and
/// https://github.com/C2SP/C2SP/blob/signed-note/v1.0.0/signed-note.md</remarks>
internal sealed record Checkpoint(string Origin, long TreeSize, byte[] RootHash)
{
    private const string SignaturePrefix = "\u2014 ";
    private const int HintBytes = 4;
    private const int MaxSignatures = 100;

    /// <summary>Checks a note and reads it.</summary>
    /// <param name="note">All of it.</param>
    /// <param name="log">Who has to have signed it. Signatures of others, witnesses for example, are not looked at.</param>
    /// <exception cref="SignatureException">It is none, or not this log's.</exception>
    internal static Checkpoint Check(string note, TransparencyLog log)
    {
        // The text ends with the line feed before the empty line.
        var end = note.LastIndexOf("\n\n", StringComparison.Ordinal);
        if (end < 0 || end + 2 >= note.Length || !note.EndsWith('\n'))
        {
            throw Failed("it is no signed note");
        }

        var text = note[..(end + 1)];
        var checkpoint = Read(text);
        var lines = note[(end + 2)..^1].Split('\n');
        if (lines.Length > MaxSignatures)
        {
            throw Failed($"it has {lines.Length} signatures; expected at most {MaxSignatures}");
        }

        // All lines are read, so that a broken one is never taken for somebody else's.
        var own = lines.Select(ReadLine).Where(l => IsOwn(l, checkpoint, log)).ToList();
        if (own.Count == 0)
        {
            throw Failed($"no signature is from {log.Name}");
        }

        var (key, scheme) = log.Open(SignatureFailure.BadCheckpoint);
        var content = Encoding.UTF8.GetBytes(text);
        return own.Exists(l => key.Verify(content, l.Signature, scheme))
            ? checkpoint
            : throw Failed($"the signature is not that of {log.Name}");
    }

    private static Checkpoint Read(string text)
    {
        var lines = text.Split('\n');
        if (lines.Length < 4 || lines[0].Length == 0)
        {
            throw Failed("expected an origin, a size and a root hash");
        }

        return long.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            && size.ToString(CultureInfo.InvariantCulture) == lines[1]
            && CanonicalBase64.TryDecode(lines[2], out var root)
            && root.Length == SHA256.HashSizeInBytes
                ? new Checkpoint(lines[0], size, root)
                : throw Failed("its size or its root hash is none");
    }

    private static Line ReadLine(string line)
    {
        if (line.StartsWith(SignaturePrefix, StringComparison.Ordinal)
            && line[SignaturePrefix.Length..].Split(' ') is [{ Length: > 0 } name, var encoded]
            && CanonicalBase64.TryDecode(encoded, out var bytes)
            && bytes.Length > HintBytes)
        {
            return new Line(name, bytes[..HintBytes], bytes[HintBytes..]);
        }

        throw Failed("a line of signatures is none");
    }

    // Of the log's key, and under the log's name, where the trusted root tells it. The note begins with that name too.
    private static bool IsOwn(Line line, Checkpoint checkpoint, TransparencyLog log) =>
        log.CheckpointKeyId.Length >= HintBytes
        && line.Hint.AsSpan().SequenceEqual(log.CheckpointKeyId.Span[..HintBytes])
        && (log.Hosts.Count == 0 || log.Hosts.Contains(line.Name, StringComparer.Ordinal))
        && (checkpoint.Origin == line.Name || checkpoint.Origin.StartsWith($"{line.Name} - ", StringComparison.Ordinal));

    private static SignatureException Failed(string what) => new(SignatureFailure.BadCheckpoint, $"checkpoint: {what}");

    private sealed record Line(string Name, byte[] Hint, byte[] Signature);
}
