namespace Hyperkube.Oci;

/// <summary>The bytes are not the ones their descriptor names: corrupted or tampered with. Never worth a retry
/// from the same source.</summary>
/// <param name="where">Which content, for a person.</param>
/// <param name="expected">What was promised.</param>
/// <param name="actual">What came, as far as it was read.</param>
/// <param name="actualLength">How many bytes were read: at most one more than promised.</param>
public sealed class DigestMismatchException(string where, Descriptor expected, Digest actual, long actualLength)
    : HyperkubeException(ErrorKind.BadDigest,
        $"{where}: got {actual} ({actualLength} bytes); expected {expected.Digest} ({expected.Size} bytes)")
{
    /// <summary>What was promised.</summary>
    public Descriptor Expected { get; } = expected;

    /// <summary>What came.</summary>
    public Digest Actual { get; } = actual;
}
