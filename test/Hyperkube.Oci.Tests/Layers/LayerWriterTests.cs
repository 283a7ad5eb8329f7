using CsCheck;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layers;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Layers;

public sealed class LayerWriterTests
{
    private static readonly byte[] Kubelet = Sample.Bytes(2_500_000);
    private static readonly byte[] Evidence = Sample.Bytes(700, seed: 2);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> CompressedGoldens => new()
    {
        { "gzip:1", "sha256:01e995730d23ff1df59a520d6eb0b3d25407b2c19169b83db72b51d5e9f91770" },
        { "gzip:6", "sha256:cb68909ebbe8c7fc73a973fa88a9a7169732d5ca813b21cdc7e654b613aa3a6d" },
        { "gzip:9", "sha256:54bda2e33c6bf712b711f7499bf5d9b43ea0641e66e2cec4b3cd79f1cda93036" },
        { "zstd:3", "sha256:b51f8ca2e74a849ddaac1052ba57e5d99751211383d2ae3e777595ce4c568342" },
        { "zstd:19", "sha256:5cf59c4a2455f4fb6c9fb67cd33659897bf734f46f74435101ed45e087f0a696" },
    };

    // Golden: made with Python's tarfile (format=USTAR) and hashlib. Every machine and every level make this tar.
    [Theory]
    [InlineData("gzip:1")]
    [InlineData("gzip:9")]
    [InlineData("zstd:3")]
    public async Task The_same_files_make_the_same_diff_ID_for_ever(string compression)
    {
        var (layer, _) = await WriteAsync(compression, jobs: 2, Files());

        Assert.Equal(Digest.Parse("sha256:9bb4fe7cd7f7a6525d6fa61e1541c208a399b7e39c20c7fcc5be645b042731d9"), layer.DiffId);
    }

    // Compressed bytes are a promise of the published exe, whose runtime is pinned; another runtime may make others.
    [Theory]
    [MemberData(nameof(CompressedGoldens))]
    public async Task The_pinned_runtime_makes_the_same_blob_for_ever(string compression, string digest)
    {
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("HYPERKUBE_GOLDEN_COMPRESSED") == "1",
            "compressed bytes are promised with the published exe's runtime; set HYPERKUBE_GOLDEN_COMPRESSED=1 under it");

        var (layer, _) = await WriteAsync(compression, jobs: 2, Files());

        Assert.Equal(Digest.Parse(digest), layer.Descriptor.Digest);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("zstd")]
    public async Task The_layer_names_the_blob_and_the_tar_inside(string text)
    {
        var (layer, blob) = await WriteAsync(text, jobs: 2, Files());

        var compression = LayerCompression.Parse(text, null);
        var tar = Unpack.Elsewhere(compression, blob);
        Assert.Equal(Descriptor.Of(compression.LayerMediaType, blob), layer.Descriptor);
        Assert.Equal(Digest.Of(tar), layer.DiffId);
        Assert.Equal(
            [("evidence.json", FileModes.Plain, 700), ("kubelet", FileModes.Executable, 2_500_000)],
            (await RawTar.ReadAsync(tar)).Select(file => (file.Entry.Path, file.Entry.Mode, file.Entry.Size)));
    }

    [Fact]
    public async Task The_order_of_the_files_and_the_number_of_jobs_leave_no_trace()
    {
        var (once, _) = await WriteAsync("gzip:1", jobs: 1, Files());

        await Gen.Select(Gen.Shuffle(Files()), Gen.Int[1, 4]).SampleAsync(
            async (files, jobs) => Assert.Equal(once, (await WriteAsync("gzip:1", jobs, files)).Layer), iter: 6, threads: 1);
    }

    [Fact]
    public async Task Directories_and_links_stand_among_the_files_in_the_order_of_their_paths()
    {
        var (_, blob) = await WriteAsync(
            "gzip:1", jobs: 1, [.. Files(), new LayerLink("link", "kubelet"), new LayerDirectory("tmp", FileModes.Executable), new LayerDirectory("a", FileModes.Executable)]);

        Assert.Equal(
            [
                ("a", TarEntryKind.Directory), ("evidence.json", TarEntryKind.File), ("kubelet", TarEntryKind.File),
                ("link", TarEntryKind.Link), ("tmp", TarEntryKind.Directory),
            ],
            (await RawTar.ReadAsync(Unpack.Elsewhere(LayerCompression.Gzip, blob))).Select(file => (file.Entry.Path, file.Entry.Kind)));
    }

    [Fact]
    public async Task The_size_of_the_reads_leaves_no_trace()
    {
        var (once, _) = await WriteAsync("gzip:1", jobs: 1, Files());

        var (again, _) = await WriteAsync("gzip:1", jobs: 2, Files(open: () => new TrickleStream(Kubelet, 999)));

        Assert.Equal(once, again);
    }

    [Fact]
    public async Task No_files_make_the_layer_of_an_empty_tar()
    {
        var (layer, blob) = await WriteAsync("gzip", jobs: 1, []);

        Assert.Equal(RawTar.End, Unpack.Gunzip(blob));
        Assert.Equal(Digest.Of(RawTar.End), layer.DiffId);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(0)]
    public async Task A_file_that_is_not_what_was_promised_is_refused(int more)
    {
        var changed = Kubelet.ToArray();
        Array.Resize(ref changed, Kubelet.Length + more);
        changed[1_000_000] ^= 1;

        var error = await Assert.ThrowsAsync<DigestMismatchException>(() => WriteAsync("gzip:1", jobs: 2, Files(kubelet: changed)));

        Assert.Equal(Digest.Of(Kubelet), error.Expected.Digest);
    }

    [Fact]
    public async Task Every_failing_write_raises_the_fault_itself()
    {
        for (var failAt = 1; ; failAt++)
        {
            IOException fault = new("no space");
            using FaultyStream destination = new(new MemoryStream(), failAt, () => fault);

            var error = await Record.ExceptionAsync(
                () => new LayerWriter(LayerCompression.Parse("gzip:1", null), jobs: 2).WriteAsync(Files(), destination, null, Ct));

            if (error is null)
            {
                Assert.Equal(6, failAt); // The head, three blocks, the tail, and then no more writes.
                return;
            }

            Assert.Same(fault, error);
        }
    }

    [Fact]
    public async Task Every_failing_read_raises_the_fault_itself_and_closes_the_file()
    {
        for (var failAt = 1; failAt <= 20; failAt += 6)
        {
            IOException fault = new("bad sector");
            TrickleStream opened = new(Kubelet, StreamSizes.CopyBytes);

            var error = await Record.ExceptionAsync(
                () => WriteAsync("gzip:1", jobs: 2, Files(open: () => new FaultyStream(opened, failAt, () => fault))));

            Assert.Same(fault, error);
            Assert.True(opened.IsDisposed);
        }
    }

    [Fact]
    public async Task A_file_that_cannot_be_opened_raises_the_fault_itself()
    {
        IOException fault = new("no such file");

        Assert.Same(fault, await Record.ExceptionAsync(() => WriteAsync("zstd", jobs: 2, Files(open: () => throw fault))));
    }

    [Fact]
    public async Task Cancelling_in_the_middle_ends_it()
    {
        using CancellationTokenSource interrupted = new();
        Reports progress = new(read =>
        {
            if (read > 1_500_000)
            {
                interrupted.Cancel();
            }
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new LayerWriter(LayerCompression.Gzip, jobs: 2).WriteAsync(Files(), Stream.Null, progress, interrupted.Token));
    }

    [Fact]
    public async Task Progress_ends_with_the_last_byte_of_each_file()
    {
        List<long> reports = [];

        await new LayerWriter(LayerCompression.Gzip, jobs: 1).WriteAsync(Files()[..1], Stream.Null, new Reports(reports.Add), Ct);

        Assert.Equal((Kubelet.Length, reports.Max()), (reports[^1], reports[^1]));
    }

    private static LayerFile[] Files(byte[]? kubelet = null, Func<Stream>? open = null) =>
    [
        new("kubelet", FileModes.Executable, Sample.Describe(Kubelet), open ?? (() => new MemoryStream(kubelet ?? Kubelet))),
        new("evidence.json", FileModes.Plain, Sample.Describe(Evidence), () => new MemoryStream(Evidence)),
    ];

    private static async Task<(Layer Layer, byte[] Blob)> WriteAsync(string compression, int jobs, IReadOnlyList<LayerEntry> files)
    {
        using MemoryStream blob = new();
        var layer = await new LayerWriter(LayerCompression.Parse(compression, null), jobs).WriteAsync(files, blob, progress: null, Ct);
        return (layer, blob.ToArray());
    }

    private sealed class Reports(Action<long> report) : IProgress<long>
    {
        public void Report(long value) => report(value);
    }
}
