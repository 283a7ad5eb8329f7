using CsCheck;
using Hyperkube.Sigstore.Logs;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests.Logs;

public sealed class MerkleProofTests
{
    private static readonly Gen<(byte[][] Entries, int Index)> Trees =
        from entries in Gen.Byte.Array[0, 20].Array[1, 70]
        from index in Gen.Int[0, entries.Length - 1]
        select (entries, index);

    [Fact]
    public void Every_entry_of_any_tree_is_proved() =>
        Trees.Sample(t =>
        {
            MerkleTree tree = new(t.Entries);
            return Root(t.Entries, t.Index, tree.Size, tree.ProofOf(t.Index)) is { } root && root.AsSpan().SequenceEqual(tree.Root);
        });

    [Fact]
    public void No_other_entry_number_or_size_is_proved_by_it() =>
        Gen.Select(Trees, Gen.Int[0, 80], Gen.Int[0, 80]).Sample((t, index, size) =>
        {
            MerkleTree tree = new(t.Entries);
            var root = Root(t.Entries, t.Index, tree.Size, tree.ProofOf(t.Index), index, size);
            return (index == t.Index && size == tree.Size)
                || root is null
                || !root.AsSpan().SequenceEqual(tree.Root)
                || IsSameWay(t.Index, tree.Size, index, size);
        });

    [Fact]
    public void A_changed_missing_or_added_hash_proves_nothing() =>
        Gen.Select(Trees, Gen.Int[0, 6], Gen.Int[0, 31]).Sample((t, at, bit) =>
        {
            MerkleTree tree = new(t.Entries);
            var proof = tree.ProofOf(t.Index);
            List<byte[]> changed = [.. proof.Select(h => (byte[])h.Clone())];
            if (changed.Count > 0)
            {
                changed[at % changed.Count][bit] ^= 1;
                Assert.Null(Root(t.Entries, t.Index, tree.Size, [.. proof.Skip(1)]));
                Assert.NotEqual(tree.Root, Root(t.Entries, t.Index, tree.Size, changed));
            }

            Assert.Null(Root(t.Entries, t.Index, tree.Size, [.. proof, new byte[32]]));
        });

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(0, -1)]
    [InlineData(long.MaxValue, long.MaxValue)]
    [InlineData(long.MinValue, long.MaxValue)]
    public void Numbers_that_are_in_no_tree_are_refused(long index, long size) =>
        Assert.Null(MerkleProof.RootOf(new byte[32], index, size, []));

    // Two numbers may stand for the same turns on the way up, when neither tree is full: the size is signed, so that is no harm.
    private static bool IsSameWay(long index, long size, long otherIndex, long otherSize) =>
        Turns(index, size).SequenceEqual(Turns(otherIndex, otherSize));

    private static IEnumerable<bool> Turns(long index, long size)
    {
        for (var last = size - 1; last > 0; index >>= 1, last >>= 1)
        {
            if ((index & 1) == 1)
            {
                yield return true;
            }
            else if (index != last)
            {
                yield return false;
            }
        }
    }

    private static byte[]? Root(byte[][] entries, int entry, long size, IReadOnlyList<byte[]> proof, long? index = null, long? otherSize = null) =>
        MerkleProof.RootOf(MerkleProof.LeafHash(entries[entry]), index ?? entry, otherSize ?? size, proof);
}
