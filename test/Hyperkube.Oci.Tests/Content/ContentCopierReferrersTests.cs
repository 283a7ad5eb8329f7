using System.Text;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Tests.Fixtures;

namespace Hyperkube.Oci.Tests.Content;

public sealed class ContentCopierReferrersTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    // Repositories hold no cycles of content; of referrers a registry can say what it likes.
    [Fact]
    public async Task Referrers_that_refer_to_each_other_do_not_hold_the_copy_up_for_ever()
    {
        MemoryStore source = new(), target = new();
        var (one, two) = (Add(source, "1"), Add(source, "2"));
        source.Attached[one.Digest] = [two];
        source.Attached[two.Digest] = [one];

        await new ContentCopier(source, target).CopyAsync(one, withReferrers: true, Ct).WaitAsync(TimeSpan.FromSeconds(20), Ct);

        Assert.True(target.Holds(two));
    }

    [Theory]
    [InlineData(4, true)]
    [InlineData(5, false)]
    public async Task Referrers_of_referrers_end_at_a_depth(int depth, bool isCopied)
    {
        MemoryStore source = new(), target = new();
        var chain = Enumerable.Range(0, depth + 1).Select(i => Add(source, $"{i}")).ToList();
        for (var i = 0; i < depth; i++)
        {
            source.Attached[chain[i].Digest] = [chain[i + 1]];
        }

        var failure = await Record.ExceptionAsync(
            () => new ContentCopier(source, target).CopyAsync(chain[0], withReferrers: true, Ct));

        Assert.Equal(isCopied, failure is null);
        Assert.Equal(isCopied, target.Holds(chain[^1]));
    }

    private static Descriptor Add(MemoryStore store, string name) =>
        store.Add(Encoding.UTF8.GetBytes($$$"""{"schemaVersion":2,"manifests":[],"annotations":{"is":"{{{name}}}"}}"""), MediaTypes.Index);
}
