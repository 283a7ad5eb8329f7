using System.Text;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Trust;

namespace Hyperkube.Sigstore.Logs;

/// <summary>A log's promise to take an entry in, the SET, which also says when it did.</summary>
/// <remarks>Source: https://github.com/sigstore/rekor/blob/v1.4.2/openapi.yaml (signedEntryTimestamp)</remarks>
internal static class EntryTimestamp
{
    /// <summary>Checks the promise of an entry that has one.</summary>
    /// <returns>When the log took the entry in.</returns>
    internal static DateTimeOffset Check(LogEntry entry, TransparencyLog log)
    {
        // The canonical form of RFC 8785, which has the fields in this order.
        var body = Convert.ToBase64String(entry.Body);
        var id = Convert.ToHexStringLower(entry.LogId);
        var content =
            $$"""{"body":"{{body}}","integratedTime":{{entry.IntegratedTime}},"logID":"{{id}}","logIndex":{{entry.LogIndex}}}""";
        var (key, scheme) = log.Open(SignatureFailure.BadEntryTimestamp);
        if (!key.Verify(Encoding.UTF8.GetBytes(content), entry.Promise, scheme))
        {
            throw new SignatureException(
                SignatureFailure.BadEntryTimestamp, $"entry timestamp: the signature is not that of {log.Name}, or is over another entry");
        }

        if (entry.IntegratedTime <= 0 || entry.IntegratedTime > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
        {
            throw new SignatureException(SignatureFailure.BadEntryTimestamp, "entry timestamp: it names no time");
        }

        return DateTimeOffset.FromUnixTimeSeconds(entry.IntegratedTime);
    }
}
