using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases;

/// <summary>The file of exceptions: exact, dated, with a reason.</summary>
public sealed class ExemptBinariesTests : IDisposable
{
    private static readonly Platform Amd64 = new("linux", "amd64");
    private static readonly KubernetesVersion Version = KubernetesVersion.Parse("v1.35.0");
    private static readonly Digest Sha256 = Digest.Parse("sha256:" + new string('a', 64));

    private readonly TempDirectory _directory = new();
    private readonly RecordingLog _log = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void An_entry_is_found_by_all_that_it_says()
    {
        var list = Load($"# why\n\nkubectl v1.35.0 linux/amd64 {Sha256.Hex} 2027-01-31 signed before it was built, see k/k#1\r\n");

        Assert.Equal("signed before it was built, see k/k#1", list.Find("kubectl", Version, Amd64, Sha256, _log)?.Reason);
        Assert.Null(list.Find("kubelet", Version, Amd64, Sha256, _log));
        Assert.Null(list.Find("kubectl", KubernetesVersion.Parse("v1.35.1"), Amd64, Sha256, _log));
        Assert.Null(list.Find("kubectl", null, Amd64, Sha256, _log));
        Assert.Null(list.Find("kubectl", Version, new Platform("linux", "arm64"), Sha256, _log));
        Assert.Null(list.Find("kubectl", Version, Amd64, Digest.Parse("sha256:" + new string('b', 64)), _log));
        Assert.Empty(_log.Warnings);
    }

    [Theory]
    [InlineData("2026-12-07", true, false)]
    [InlineData("2026-12-06", true, true)]
    [InlineData("2026-11-23", true, true)]
    [InlineData("2026-11-22", false, true)]
    public void It_ends_by_itself_and_warns_fourteen_days_before(string expires, bool holds, bool warns)
    {
        var list = Load($"kubectl v1.35.0 linux/amd64 {Sha256.Hex} {expires} a reason");

        Assert.Equal(holds, list.Find("kubectl", Version, Amd64, Sha256, _log) is not null);
        Assert.Equal(warns, _log.Warnings.Count == 1);
        Assert.All(_log.Warnings, w => Assert.Contains("a reason", w, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("kubectl v1.35.0 linux/amd64 abc 2027-01-31 reason")]
    [InlineData("kubectl v1.35.0 linux/amd64 SHA 2027-01-31")]
    [InlineData("kubectl v1.35.0 linux/amd64 SHA 31.1.2027 reason")]
    [InlineData("kubectl 1.35 linux/amd64 SHA 2027-01-31 reason")]
    [InlineData("../x v1.35.0 linux/amd64 SHA 2027-01-31 reason")]
    [InlineData("kubectl v1.35.0 amd64 SHA 2027-01-31 reason")]
    public void A_line_that_is_no_entry_is_an_error_with_its_number(string line)
    {
        var error = Assert.Throws<HyperkubeException>(() => Load("# first\n" + line.Replace("SHA", Sha256.Hex, StringComparison.Ordinal)));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Contains("list:2: ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("expected NAME VERSION OS/ARCH SHA256 YYYY-MM-DD REASON", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_that_is_not_there_is_an_error() =>
        Assert.Equal(
            ErrorKind.Usage,
            Assert.Throws<HyperkubeException>(() => ExemptBinaries.Load(_directory["none"], TimeProvider.System)).Kind);

    private ExemptBinaries Load(string text)
    {
        File.WriteAllText(_directory["list"], text);
        return ExemptBinaries.Load(_directory["list"], new SkippingTime { Now = new DateTimeOffset(2026, 11, 23, 9, 0, 0, TimeSpan.Zero) });
    }
}
