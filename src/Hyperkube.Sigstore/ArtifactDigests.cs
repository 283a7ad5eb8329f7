using System.Security.Cryptography;

namespace Hyperkube.Sigstore;

/// <summary>The hashes of what was signed. Whoever reads the content computes them; this room never needs the content.
/// </summary>
/// <remarks>SHA-256 is what nearly all signatures are over, and always there. A P-384, P-521 or Ed25519 key may have
/// signed a longer hash; without it such a signature is <see cref="SignatureFailure.MissingEvidence"/>.</remarks>
public sealed class ArtifactDigests
{
    private const int BufferBytes = 128 << 10;

    private readonly byte[] _sha256;
    private readonly byte[]? _sha384;
    private readonly byte[]? _sha512;

    private ArtifactDigests(byte[] sha256, byte[]? sha384 = null, byte[]? sha512 = null)
    {
        _sha256 = sha256;
        _sha384 = sha384;
        _sha512 = sha512;
    }

    /// <summary>The SHA-256, 32 bytes.</summary>
    public ReadOnlyMemory<byte> Sha256 => _sha256;

    /// <summary>Takes a SHA-256 that was computed while the content passed by.</summary>
    /// <param name="sha256">Exactly 32 bytes.</param>
    public static ArtifactDigests FromSha256(ReadOnlySpan<byte> sha256) =>
        sha256.Length == SHA256.HashSizeInBytes
            ? new ArtifactDigests(sha256.ToArray())
            : throw new ArgumentException($"A SHA-256 has 32 bytes, not {sha256.Length}.", nameof(sha256));

    /// <summary>Hashes content in memory.</summary>
    public static ArtifactDigests Of(ReadOnlySpan<byte> content) =>
        new(SHA256.HashData(content), SHA384.HashData(content), SHA512.HashData(content));

    /// <summary>Hashes a stream to its end; the caller disposes it.</summary>
    public static async Task<ArtifactDigests> ComputeAsync(Stream content, CancellationToken cancellationToken)
    {
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var sha384 = IncrementalHash.CreateHash(HashAlgorithmName.SHA384);
        using var sha512 = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        var buffer = new byte[BufferBytes];
        int count;
        while ((count = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            sha256.AppendData(buffer, 0, count);
            sha384.AppendData(buffer, 0, count);
            sha512.AppendData(buffer, 0, count);
        }

        return new ArtifactDigests(sha256.GetHashAndReset(), sha384.GetHashAndReset(), sha512.GetHashAndReset());
    }

    /// <summary>The digest by one algorithm, or null when it was not computed.</summary>
    internal byte[]? Find(HashAlgorithmName algorithm) =>
        algorithm == HashAlgorithmName.SHA256 ? _sha256
        : algorithm == HashAlgorithmName.SHA384 ? _sha384
        : algorithm == HashAlgorithmName.SHA512 ? _sha512
        : null;
}
