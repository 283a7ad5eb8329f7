using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E;

/// <summary>The layers are what everyday tools call a tar in gzip or zstd.</summary>
public sealed class LayerTests(RealImages images)
{
    private static readonly string[] Names = ["sleep", "kubelet", "kubectl"];

    [Fact]
    public async Task Gnu_tar_lists_one_file_in_each_layer_with_mode_owner_and_time()
    {
        Machine.Needs("tar", "gzip", "zstd");
        foreach (var image in (Images.RealImage[])[await images.GzipAsync(), await images.ZstdAsync()])
        {
            foreach (var architecture in Images.RealRelease.Architectures)
            {
                foreach (var (layer, name) in image.Layout.Layers(architecture).Zip(Names))
                {
                    var line = (await Run.ProgramAsync("tar", ["--numeric-owner", "--full-time", "-tvf", layer])).Text;
                    Assert.Matches($@"^-rwxr-xr-x 0/0 +\d+ 1970-01-01 00:00:00 {name}$", line);
                }
            }
        }
    }

    [Fact]
    public async Task Gzip_and_zstd_find_nothing_wrong()
    {
        Machine.Needs("gzip", "zstd");

        (await Run.ShellAsync("for layer; do gzip -t <\"$layer\"; done", ["sh", .. (await images.GzipAsync()).Layout.Layers("arm64")])).Well();
        (await Run.ProgramAsync("zstd", ["-q", "-t", .. (await images.ZstdAsync()).Layout.Layers("arm64")])).Well();
    }

    [Fact]
    public async Task Both_encodings_hold_the_same_tar()
    {
        Machine.Needs("gzip", "zstd", "sha256sum");
        var (gzip, zstd) = (await images.GzipAsync(), await images.ZstdAsync());

        foreach (var (inGzip, inZstd) in gzip.Layout.Layers("amd64").Zip(zstd.Layout.Layers("amd64")))
        {
            Assert.Equal(
                (await Run.ShellAsync("gzip -dc <\"$1\" | sha256sum", "sh", inGzip)).Text,
                (await Run.ShellAsync("zstd -dc <\"$1\" | sha256sum", "sh", inZstd)).Text);
        }
    }

    [Fact]
    public async Task Pythons_tarfile_reads_the_archives()
    {
        Machine.Needs("python3");
        const string Script = """
            import sys, tarfile
            for path in sys.argv[1:]:
                with tarfile.open(path, 'r:') as archive:
                    for member in archive:
                        assert member.isfile() and (member.uid, member.gid, member.mtime, member.mode) == (0, 0, 0, 0o644), member
                        if member.size > 100000:
                            with tarfile.open(fileobj=archive.extractfile(member), mode='r:gz') as layer:
                                names = [(m.name, m.type, m.mode, m.pax_headers) for m in layer]
                                assert names in ([('kubelet', b'0', 0o755, {})], [('kubectl', b'0', 0o755, {})]), names
            """;
        var image = await images.GzipAsync();

        (await Run.ProgramAsync("python3", ["-c", Script, image.OciArchive, image.DockerArchive])).Well();
    }

    [Theory]
    [InlineData("amd64", "x86-64")]
    [InlineData("arm64", "ARM aarch64")]
    public async Task Sleep_is_a_small_static_program_whose_segments_suit_pages_of_64_KiB(string architecture, string machine)
    {
        Machine.Needs("tar", "file", "readelf");
        using Testing.TempDirectory work = new();
        (await Run.ProgramAsync("tar", ["-xzf", (await images.GzipAsync()).Layout.Layers(architecture)[0], "-C", work.Path])).Well();

        var kind = (await Run.ProgramAsync("file", ["-b", work["sleep"]])).Text;
        var segments = (await Run.ProgramAsync("readelf", ["-lW", work["sleep"]])).Text;

        Assert.Contains(machine, kind, StringComparison.Ordinal);
        Assert.Contains("statically linked", kind, StringComparison.Ordinal);
        Assert.All(
            segments.Split('\n').Where(l => l.TrimStart().StartsWith("LOAD", StringComparison.Ordinal)),
            line => Assert.EndsWith("0x10000", line.TrimEnd(), StringComparison.Ordinal));
        Assert.InRange(new FileInfo(work["sleep"]).Length, 1, 1023);
    }
}
