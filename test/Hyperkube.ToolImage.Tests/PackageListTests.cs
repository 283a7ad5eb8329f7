using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.ToolImage.Tests;

public sealed class PackageListTests : IDisposable
{
    private const string Good = "amd64 libc6 2.36-9+deb12u14 2759320 ba4f88f73dbc3ae9055f3c20f4523bfdbaf1ad13ff95e258924f77d20b4fbedf pool/main/g/glibc/libc6.deb";

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_is_pinned_makes_the_image_of_both_platforms()
    {
        var packages = PackageList.Read(Repository.PathOf("tools/Hyperkube.ToolImage/packages.txt"));

        Assert.All((string[])["linux/amd64", "linux/arm64"], platform => Assert.Equal(
            ["base-files", "ca-certificates", "libc6", "libssl3"],
            packages.Where(p => p.IsFor(Platform.Parse(platform))).Select(p => p.Name).Order()));
    }

    [Fact]
    public void A_line_pins_a_file()
    {
        var package = Assert.Single(Read($"# a comment\n\n{Good}\n"));

        Assert.Equal(("amd64", "libc6", "2.36-9+deb12u14", "libc6.deb"), (package.Architecture, package.Name, package.Version, package.File));
        Assert.Equal(2759320, package.Content.Size);
        Assert.Equal("ba4f88f73dbc3ae9055f3c20f4523bfdbaf1ad13ff95e258924f77d20b4fbedf", package.Content.Digest.Hex);
    }

    [Theory]
    [InlineData(" ", " x ")]
    [InlineData("2759320", "-1")]
    [InlineData("2759320", "275932000")]
    [InlineData("ba4f", "BA4F")]
    [InlineData("pool/", "../pool/")]
    [InlineData("glibc", "../glibc")]
    [InlineData("libc6 ", "../libc6 ")]
    [InlineData(".deb", ".tar")]
    public void What_is_no_pin_is_told_with_its_line(string what, string instead)
    {
        var error = Assert.Throws<HyperkubeException>(() => Read($"# a comment\n{Good.Replace(what, instead, StringComparison.Ordinal)}\n"));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Contains("packages.txt:2: '", error.Message, StringComparison.Ordinal);
        Assert.Contains("update-packages", error.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("amd64")]
    [InlineData("all")]
    public void A_package_has_one_pin(string first)
    {
        var error = Assert.Throws<HyperkubeException>(() => Read($"{Good.Replace("amd64", first, StringComparison.Ordinal)}\n{Good}\n"));

        Assert.Contains("packages.txt:2: libc6 for amd64 a second time", error.Message, StringComparison.Ordinal);
    }

    private IReadOnlyList<PinnedPackage> Read(string text)
    {
        File.WriteAllText(_directory["packages.txt"], text);
        return PackageList.Read(_directory["packages.txt"]);
    }
}
