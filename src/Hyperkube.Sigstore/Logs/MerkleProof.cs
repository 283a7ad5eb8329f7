using System.Numerics;
using System.Security.Cryptography;

namespace Hyperkube.Sigstore.Logs;

/// <summary>Computes the root of a tree of hashes from one entry and what stands beside its way up.</summary>
/// <remarks>Source: https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3.2</remarks>
internal static class MerkleProof
{
    private const byte LeafPrefix = 0;
    private const byte NodePrefix = 1;

    /// <summary>The hash of an entry, which is also its name in a log of the first version.</summary>
    internal static byte[] LeafHash(ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([LeafPrefix]);
        hash.AppendData(body);
        return hash.GetHashAndReset();
    }

    /// <summary>The hash of two that stand side by side.</summary>
    internal static byte[] NodeHash(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        Span<byte> node = stackalloc byte[1 + (2 * SHA256.HashSizeInBytes)];
        node[0] = NodePrefix;
        left.CopyTo(node[1..]);
        right.CopyTo(node[(1 + SHA256.HashSizeInBytes)..]);
        return SHA256.HashData(node);
    }

    /// <summary>The root that the way leads to; null when there is no such way in a tree of this size.</summary>
    internal static byte[]? RootOf(ReadOnlySpan<byte> leafHash, long index, long size, IReadOnlyList<byte[]> beside)
    {
        if (index < 0 || index >= size)
        {
            return null;
        }

        // Below the point where the way leaves that of the last entry there is a hash for each level, above it only
        // where something stands on the left.
        var inner = 64 - BitOperations.LeadingZeroCount((ulong)(index ^ (size - 1)));
        var border = BitOperations.PopCount((ulong)index >> inner);
        if (inner >= 64 || beside.Count != inner + border)
        {
            return null;
        }

        var hash = leafHash.ToArray();
        for (var level = 0; level < beside.Count; level++)
        {
            var isRight = level >= inner || ((index >> level) & 1) == 1;
            hash = isRight ? NodeHash(beside[level], hash) : NodeHash(hash, beside[level]);
        }

        return hash;
    }
}
