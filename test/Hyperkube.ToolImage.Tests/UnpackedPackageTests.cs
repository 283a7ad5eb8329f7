using System.Text;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layers;
using Hyperkube.Testing;
using Hyperkube.ToolImage.Tests.Fixtures;

namespace Hyperkube.ToolImage.Tests;

public sealed class UnpackedPackageTests : IDisposable
{
    private const string Copyright = "usr/share/doc/p/copyright";

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Libraries_licences_and_what_names_the_distribution_go_into_the_layer_and_nothing_else()
    {
        var entries = await LayerAsync(
        [
            ("lib/x/libc.so.6", "c"), ("lib/x/ld-x.so.2", "loader"), ("lib64/ld-x.so.2", "-> /lib/x/ld-x.so.2"),
            ("usr/lib/x/libssl.so.3", "ssl"), ("usr/lib/x/gconv/UTF-7.so", "table"), ("usr/lib/os-release", "ID=debian"),
            ("etc/os-release", "-> ../usr/lib/os-release"), ("etc/debian_version", "12"), ("etc/ld.so.conf", "x"),
            ("usr/share/common-licenses/GPL-2", "GPL"), ("usr/share/doc/p/changelog.gz", "x"), (Copyright, "free"), ("usr/bin/p", "x"),
        ]);

        Assert.Equal(
            [
                "etc/debian_version", "etc/os-release -> ../usr/lib/os-release", "lib/x/ld-x.so.2 755", "lib/x/libc.so.6 644",
                "lib64/ld-x.so.2 -> /lib/x/ld-x.so.2", "usr/lib/os-release 644", "usr/lib/x/libssl.so.3 644",
                "usr/share/common-licenses/GPL-2 644", $"{Copyright} 644", "var/lib/dpkg/status.d/p 644",
            ],
            entries.Select(Shown).Order(StringComparer.Ordinal).Select(e => e.Replace("debian_version 644", "debian_version", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Scanners_find_Debians_own_record_and_the_sums_of_what_is_there()
    {
        var sum = new string('a', 32);
        var entries = await LayerAsync(
            [(Copyright, "free"), ("usr/bin/p", "x"), ("DEBIAN/md5sums", $"{sum}  {Copyright}\n{sum}  usr/bin/p\n")]);

        Assert.StartsWith("Package: p\nVersion: 1.0-1\nArchitecture: amd64\n", Content(entries, "var/lib/dpkg/status.d/p"), StringComparison.Ordinal);
        Assert.Equal($"{sum}  {Copyright}\n", Content(entries, "var/lib/dpkg/status.d/p.md5sums"));
    }

    [Fact]
    public async Task A_package_without_a_licence_is_refused()
    {
        var error = await Assert.ThrowsAsync<HyperkubeException>(() => LayerAsync([("usr/lib/x", "x")]));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains($"expected a licence in {Copyright}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pin_that_names_another_package_than_is_in_the_file_is_refused()
    {
        var error = await Assert.ThrowsAsync<HyperkubeException>(() => LayerAsync([(Copyright, "free")], p => p with { Version = "2.0-1" }));

        Assert.Contains("expected p 2.0-1 for amd64", error.Message, StringComparison.Ordinal);
    }

    private async Task<IReadOnlyList<LayerEntry>> LayerAsync((string, string)[] files, Func<PinnedPackage, PinnedPackage>? change = null)
    {
        var package = await Deb.MakeAsync(_directory["debs"], "p", files);
        DebianArchive archive = new(_directory["debs"], Environment.GetEnvironmentVariable("PATH"), TimeProvider.System);
        Directory.CreateDirectory(_directory["work"]);
        var unpacked = await archive.UnpackAsync((change ?? (p => p))(package), _directory["work"], TestContext.Current.CancellationToken);
        return unpacked.Layer();
    }

    private static string Shown(LayerEntry entry) => entry switch
    {
        LayerLink link => $"{link.Path} -> {link.Target}",
        LayerFile file => $"{file.Path} {(file.Mode == FileModes.Executable ? "755" : "644")}",
        _ => entry.Path,
    };

    private static string Content(IEnumerable<LayerEntry> entries, string path)
    {
        using StreamReader reader = new(entries.OfType<LayerFile>().Single(e => e.Path == path).Open(), Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
