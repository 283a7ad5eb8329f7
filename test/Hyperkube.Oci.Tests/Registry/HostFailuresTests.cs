using CsCheck;
using Hyperkube.Oci.Registry;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class HostFailuresTests
{
    private static readonly Gen<ErrorKind[]> Kinds = Gen.OneOf(
        ErrorKind.NotFound, ErrorKind.Unavailable, ErrorKind.AccessDenied, ErrorKind.BadDigest, ErrorKind.BadContent, ErrorKind.Usage)
        .Array[1, 6];

    [Theory]
    [InlineData(ErrorKind.NotFound, ErrorKind.NotFound, ErrorKind.NotFound)]
    [InlineData(ErrorKind.NotFound, ErrorKind.Unavailable, ErrorKind.Unavailable)]
    [InlineData(ErrorKind.AccessDenied, ErrorKind.Unavailable, ErrorKind.AccessDenied)]
    [InlineData(ErrorKind.Unavailable, ErrorKind.AccessDenied, ErrorKind.AccessDenied)]
    [InlineData(ErrorKind.BadDigest, ErrorKind.NotFound, ErrorKind.BadDigest)]
    public void The_most_serious_decides(ErrorKind first, ErrorKind second, ErrorKind expected) =>
        Assert.Equal(expected, Of([first, second]).Summary("it").Kind);

    [Fact]
    public void A_single_failure_is_left_as_it_is()
    {
        HyperkubeException only = new(ErrorKind.Unavailable, "down");
        HostFailures failures = new();
        failures.Add(only);

        Assert.Same(only, failures.Summary("it"));
    }

    [Fact]
    public void No_host_at_all_has_nothing() => Assert.Equal(ErrorKind.NotFound, new HostFailures().Summary("it").Kind);

    [Fact]
    public void The_order_of_the_hosts_does_not_matter_for_the_kind() =>
        Kinds.Sample(kinds => Assert.Equal(Of(kinds).Summary("it").Kind, Of([.. kinds.Reverse()]).Summary("it").Kind), iter: 500);

    [Fact]
    public void The_summary_tells_what_every_host_said_and_is_of_a_kind_that_one_of_them_had() =>
        Kinds.Sample(
            kinds =>
            {
                var summary = Of(kinds).Summary("it");
                Assert.Contains(summary.Kind, kinds);
                Assert.All(kinds.Index(), k => Assert.Contains($"host {k.Index} said", summary.Message, StringComparison.Ordinal));
                Assert.Equal(kinds.All(k => k == ErrorKind.NotFound), summary.Kind == ErrorKind.NotFound);
                Assert.Equal(Of(kinds).AllSayNotFound, summary.Kind == ErrorKind.NotFound);
            }, iter: 500);

    private static HostFailures Of(ErrorKind[] kinds)
    {
        HostFailures failures = new();
        foreach (var (index, kind) in kinds.Index())
        {
            failures.Add(new HyperkubeException(kind, $"host {index} said {kind}"));
        }

        return failures;
    }
}
