namespace Hyperkube.Oci;

/// <summary>The bytes are not the ones their descriptor names: corrupted or tampered with. Never worth a retry
/// from the same source.</summary>
public sealed class DigestMismatchException(Descriptor expected, Digest actual, long actualLength)
    : HyperkubeException(ErrorKind.BadDigest,
        $"content is not {expected.Digest} ({expected.Size} bytes): got {actual} ({actualLength} bytes)")
{
    /// <summary>What was promised.</summary>
    public Descriptor Expected { get; } = expected;

    /// <summary>What came.</summary>
    public Digest Actual { get; } = actual;
}
