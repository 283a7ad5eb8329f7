using Hyperkube.Oci;

namespace Hyperkube.Cli.Tests;

public sealed class ExitCodesTests
{
    [Theory]
    [InlineData(ErrorKind.Usage, 2, "usage")]
    [InlineData(ErrorKind.NotFound, 3, "not-found")]
    [InlineData(ErrorKind.BadDigest, 4, "bad-digest")]
    [InlineData(ErrorKind.BadContent, 4, "bad-content")]
    [InlineData(ErrorKind.TagConflict, 4, "tag-conflict")]
    [InlineData(ErrorKind.AccessDenied, 5, "access-denied")]
    [InlineData(ErrorKind.Unavailable, 6, "unavailable")]
    [InlineData(ErrorKind.TimedOut, 6, "timed-out")]
    [InlineData(ErrorKind.HostFailed, 7, "host-failed")]
    public void Each_kind_has_its_code_and_its_name(ErrorKind kind, int code, string name)
    {
        Assert.Equal(code, ExitCodes.Of(kind));
        Assert.Equal(name, ExitCodes.NameOf(kind));
    }

    [Fact]
    public void No_kind_is_a_bug() => Assert.All(Enum.GetValues<ErrorKind>(), kind =>
    {
        Assert.NotEqual(ExitCodes.Bug, ExitCodes.Of(kind));
        Assert.False(ExitCodes.NameOf(kind) == "bug", $"{kind} has no name");
    });

    // 4 before 7, 8, 5, 6, 3; a call that is wrong for one of several comes behind an alarm about another.
    [Fact]
    public void The_most_serious_of_several_decides()
    {
        ErrorKind[] bySeriousness =
            [ErrorKind.BadDigest, ErrorKind.Usage, ErrorKind.HostFailed, ErrorKind.AccessDenied, ErrorKind.Unavailable, ErrorKind.NotFound];

        for (var i = 0; i < bySeriousness.Length; i++)
        {
            Assert.Equal(bySeriousness[i], Seriousness.Most(bySeriousness[i..].Reverse(), kind => kind));
        }
    }
}
