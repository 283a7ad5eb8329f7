using System.Security.Cryptography;

namespace Hyperkube.Testing.Sigstore;

/// <summary>A tree of hashes over a list of entries, by the definition: no shortcut that the verifier might share.</summary>
/// <remarks>Source: https://www.rfc-editor.org/rfc/rfc6962#section-2.1</remarks>
public sealed class MerkleTree(IReadOnlyList<byte[]> entries)
{
    public int Size => entries.Count;

    public byte[] Root => RootOf(0, entries.Count);

    /// <summary>What stands beside the way of an entry to the root, from the bottom.</summary>
    public IReadOnlyList<byte[]> ProofOf(int index) => [.. Path(index, 0, entries.Count)];

    public static byte[] LeafHash(byte[] entry) => SHA256.HashData([0, .. entry]);

    private byte[] RootOf(int start, int count)
    {
        if (count == 0)
        {
            return SHA256.HashData([]);
        }

        if (count == 1)
        {
            return LeafHash(entries[start]);
        }

        var left = LeftSize(count);
        return SHA256.HashData([1, .. RootOf(start, left), .. RootOf(start + left, count - left)]);
    }

    private IEnumerable<byte[]> Path(int index, int start, int count)
    {
        if (count == 1)
        {
            return [];
        }

        var left = LeftSize(count);
        return index < left
            ? Path(index, start, left).Append(RootOf(start + left, count - left))
            : Path(index - left, start + left, count - left).Append(RootOf(start, left));
    }

    private static int LeftSize(int count)
    {
        var size = 1;
        while (size * 2 < count)
        {
            size *= 2;
        }

        return size;
    }
}
