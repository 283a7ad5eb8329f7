using System.Formats.Tar;
using CsCheck;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layers;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;
using TarEntry = Hyperkube.Oci.Layers.TarEntry;

namespace Hyperkube.Oci.Tests.Layers;

public sealed class UstarWriterTests
{
    private static readonly byte[] Kubelet = [.. Enumerable.Range(0, 1000).Select(i => (byte)i)];

    private static readonly Gen<string> Name = Gen.String[Gen.Char["abcXYZ019._-"], 1, 30].Where(n => n is not ("." or ".."))
        .Array[1, 3].Select(parts => string.Join('/', parts));

    private static readonly Gen<(string Name, UnixFileMode Mode, byte[] Content)> File =
        Gen.Select(Name, Gen.Int[0, 0xFFF], Gen.Byte.Array[0, 1200]).Select((name, mode, content) => (name, (UnixFileMode)mode, content));

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    // Golden: this digest is a promise to everyone who pins a layer. If it must change, that is a new major version.
    [Fact]
    public async Task The_same_entries_make_the_same_bytes_for_ever() =>
        Assert.Equal(
            Digest.Parse("sha256:d9f8194c59b1c8130fb49364d83191df950c7f9657167bbd2eb1d1858352aea7"), Digest.Of(await KubeletTarAsync()));

    [Fact]
    public async Task Another_reader_finds_what_was_written()
    {
        using TarReader reader = new(new MemoryStream(await KubeletTarAsync()));

        var directory = Assert.IsType<UstarTarEntry>(await reader.GetNextEntryAsync(copyData: false, Ct));
        Assert.Equal(("bin/", TarEntryType.Directory), (directory.Name, directory.EntryType));

        var file = Assert.IsType<UstarTarEntry>(await reader.GetNextEntryAsync(copyData: true, Ct));
        Assert.Equal(("bin/kubelet", FileModes.Executable, 0, 0), (file.Name, file.Mode, file.Uid, file.Gid));
        Assert.Equal(DateTimeOffset.UnixEpoch, file.ModificationTime);
        Assert.Equal(Kubelet, await Unpack.AllAsync(file.DataStream!, Ct));

        Assert.Null(await reader.GetNextEntryAsync(copyData: false, Ct));
    }

    [Fact]
    public async Task Another_reader_finds_links_and_directories_that_are_given_away()
    {
        using MemoryStream archive = new();
        UstarWriter tar = new(archive);
        await tar.AddDirectoryAsync("home/nonroot/", (UnixFileMode)0b111_000_000, owner: 65532, Ct);
        await tar.AddLinkAsync("lib64/ld.so", "/lib/ld.so", Ct);
        await tar.FinishAsync(Ct);
        archive.Position = 0;
        using TarReader reader = new(archive, leaveOpen: true);

        var directory = (await reader.GetNextEntryAsync(copyData: false, Ct))!;
        Assert.Equal((TarEntryType.Directory, 65532, 65532, (UnixFileMode)0b111_000_000), (directory.EntryType, directory.Uid, directory.Gid, directory.Mode));
        var link = (await reader.GetNextEntryAsync(copyData: false, Ct))!;
        Assert.Equal((TarEntryType.SymbolicLink, "lib64/ld.so", "/lib/ld.so", 0L), (link.EntryType, link.Name, link.LinkName, link.Length));
        archive.Position = 0;
        Assert.Equal([TarEntryKind.Directory, TarEntryKind.Link], (await RawTar.ReadAsync(archive)).Select(e => e.Entry.Kind));
    }

    [Theory]
    [InlineData("")]
    [InlineData("nicht-ascii-ä")]
    [InlineData("new\nline")]
    public async Task A_link_says_printable_text(string target) =>
        await Assert.ThrowsAsync<ArgumentException>(() => new UstarWriter(Stream.Null).AddLinkAsync("link", target, Ct).AsTask());

    [Theory]
    [InlineData(-1)]
    [InlineData(1 << 21)]
    public async Task An_owner_fits_its_field(int owner) =>
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => new UstarWriter(Stream.Null).AddDirectoryAsync("home/", FileModes.Executable, owner, Ct).AsTask());

    [Fact]
    public async Task Any_files_are_read_back_by_another_reader_and_by_ours() =>
        await File.Array[0, 5].SampleAsync(async files =>
        {
            using MemoryStream archive = new();
            UstarWriter tar = new(archive);
            foreach (var (name, mode, content) in files)
            {
                await tar.AddFileAsync(name, mode, content.Length, new MemoryStream(content), Ct);
            }

            await tar.FinishAsync(Ct);

            Assert.Equal(0, archive.Length % RawTar.Block);
            archive.Position = 0;
            using TarReader theirs = new(archive, leaveOpen: true);
            foreach (var (name, mode, content) in files)
            {
                var entry = (await theirs.GetNextEntryAsync(copyData: true, Ct))!;
                Assert.Equal((name, mode, (long)content.Length), (entry.Name, entry.Mode, entry.Length));
            }

            Assert.Null(await theirs.GetNextEntryAsync(copyData: true, Ct));
            archive.Position = 0;
            var ours = await RawTar.ReadAsync(archive);
            Assert.Equal(files.Length, ours.Count);
            Assert.All(files.Zip(ours), pair => Assert.Equal(
                (new TarEntry(pair.First.Name, TarEntryKind.File, pair.First.Mode, pair.First.Content.Length),
                    System.Text.Encoding.Latin1.GetString(pair.First.Content)),
                pair.Second));
        });

    [Theory]
    [InlineData(999)]
    [InlineData(1001)]
    [InlineData(0)]
    public async Task Content_of_another_size_than_promised_is_refused(long promised)
    {
        UstarWriter tar = new(Stream.Null);

        var error = await Assert.ThrowsAsync<InvalidDataException>(
            () => tar.AddFileAsync("kubelet", FileModes.Executable, promised, new MemoryStream(Kubelet), Ct).AsTask());

        Assert.Contains("'kubelet'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/kubelet")]
    [InlineData("kübelet")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789x")]
    public async Task A_name_that_ustar_cannot_hold_is_refused(string name) =>
        await Assert.ThrowsAsync<ArgumentException>(
            () => new UstarWriter(Stream.Null).AddFileAsync(name, FileModes.Plain, 0, Stream.Null, Ct).AsTask());

    // What is written under one name and found under another, or not at all, is a trap.
    [Theory]
    [InlineData("kube\0let")]
    [InlineData("../kubelet")]
    public async Task A_name_that_would_be_read_as_another_is_refused(string name) =>
        await Assert.ThrowsAsync<ArgumentException>(
            () => new UstarWriter(Stream.Null).AddFileAsync(name, FileModes.Plain, 0, Stream.Null, Ct).AsTask());

    [Fact]
    public async Task A_name_of_100_bytes_fills_its_field()
    {
        var name = new string('k', 100);
        using MemoryStream archive = new();
        UstarWriter tar = new(archive);

        await tar.AddFileAsync(name, FileModes.Plain, 0, Stream.Null, Ct);
        await tar.FinishAsync(Ct);

        Assert.Equal(name, Assert.Single(await RawTar.ReadAsync(archive.ToArray())).Entry.Path);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(8L << 30)]
    public async Task A_size_that_ustar_cannot_hold_is_refused(long size) =>
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => new UstarWriter(Stream.Null).AddFileAsync("kubelet", FileModes.Plain, size, Stream.Null, Ct).AsTask());

    [Fact]
    public async Task Every_failing_write_raises_the_fault_itself()
    {
        for (var failAt = 1; ; failAt++)
        {
            IOException fault = new("no space");
            using FaultyStream destination = new(new MemoryStream(), failAt, () => fault);

            var error = await Record.ExceptionAsync(() => WriteAsync(destination));

            if (error is null)
            {
                Assert.InRange(failAt, 4, 10);
                return;
            }

            Assert.Same(fault, error);
        }
    }

    private static async Task<byte[]> KubeletTarAsync()
    {
        using MemoryStream archive = new();
        await WriteAsync(archive);
        return archive.ToArray();
    }

    private static async Task WriteAsync(Stream destination)
    {
        UstarWriter tar = new(destination);
        await tar.AddDirectoryAsync("bin/", FileModes.Executable, owner: 0, Ct);
        await tar.AddFileAsync("bin/kubelet", FileModes.Executable, Kubelet.Length, new MemoryStream(Kubelet), Ct);
        await tar.FinishAsync(Ct);
    }
}
