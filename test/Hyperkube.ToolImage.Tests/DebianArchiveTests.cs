using Hyperkube.Oci;
using Hyperkube.Testing;
using Hyperkube.ToolImage.Tests.Fixtures;

namespace Hyperkube.ToolImage.Tests;

public sealed class DebianArchiveTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task A_package_that_is_not_what_is_pinned_is_not_unpacked(int extra)
    {
        var package = await Deb.MakeAsync(_directory["debs"], "p", [("usr/share/doc/p/copyright", "free")]);
        var path = _directory[$"debs/{package.File}"];
        var bytes = await File.ReadAllBytesAsync(path, Ct);
        bytes[^10] ^= 1;
        await File.WriteAllBytesAsync(path, bytes[..(bytes.Length + extra)], Ct);

        var error = await Assert.ThrowsAnyAsync<HyperkubeException>(() => UnpackAsync(package));

        Assert.Equal(ErrorKind.BadDigest, error.Kind);
        Assert.Contains(package.File, error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_directory["work/files"]));
    }

    [Fact]
    public async Task A_package_that_is_missing_says_how_to_fetch_it()
    {
        var package = await Deb.MakeAsync(_directory["elsewhere"], "p", []);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => UnpackAsync(package));

        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.EndsWith("p_1.0-1_amd64.deb: no such package; expected p 1.0-1", error.Message, StringComparison.Ordinal);
        Assert.StartsWith("fetch what is pinned: tools/Hyperkube.ToolImage/fetch-packages ", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pinned_bytes_that_are_no_package_are_told_in_dpkgs_words()
    {
        Directory.CreateDirectory(_directory["debs"]);
        await File.WriteAllTextAsync(_directory["debs/p.deb"], "an error page", Ct);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => UnpackAsync(Deb.Pin(_directory["debs"], "p", "amd64", "p.deb")));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains("dpkg-deb ended with code 2: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_dpkg_it_says_what_to_install()
    {
        var package = await Deb.MakeAsync(_directory["debs"], "p", []);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => UnpackAsync(package, searchPath: ""));

        Assert.Equal(ErrorKind.HostFailed, error.Kind);
        Assert.StartsWith("install dpkg", error.Hint, StringComparison.Ordinal);
    }

    private Task<UnpackedPackage> UnpackAsync(PinnedPackage package, string? searchPath = null)
    {
        Directory.CreateDirectory(_directory["work"]);
        return new DebianArchive(_directory["debs"], searchPath ?? Environment.GetEnvironmentVariable("PATH"), TimeProvider.System)
            .UnpackAsync(package, _directory["work"], Ct);
    }
}
