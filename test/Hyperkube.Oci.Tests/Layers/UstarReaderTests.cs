using System.Formats.Tar;
using System.Text;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layers;
using Hyperkube.Oci.Tests.Fixtures;
using TarEntry = Hyperkube.Oci.Layers.TarEntry;

namespace Hyperkube.Oci.Tests.Layers;

/// <summary>Against archives of another writer.</summary>
public sealed class UstarReaderTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<TarEntryFormat> Formats => [TarEntryFormat.V7, TarEntryFormat.Ustar, TarEntryFormat.Pax, TarEntryFormat.Gnu];

    public static TheoryData<TarEntryFormat, string> LongNames => new()
    {
        { TarEntryFormat.Ustar, $"{new string('d', 100)}/{new string('f', 90)}" },
        { TarEntryFormat.Ustar, $"{new string('d', 155)}/{new string('f', 100)}" },
        { TarEntryFormat.Pax, new string('f', 101) },
        { TarEntryFormat.Pax, $"{new string('d', 200)}/{new string('f', 200)}" },
        { TarEntryFormat.Pax, $"{new string('ü', 200)}/kubelet" },
        { TarEntryFormat.Pax, $"{string.Join('/', Enumerable.Repeat("directory", 400))}/kubelet" },
        { TarEntryFormat.Gnu, new string('f', 101) },
        { TarEntryFormat.Gnu, $"{new string('d', 200)}/{new string('f', 200)}" },
        { TarEntryFormat.Gnu, $"{string.Join('/', Enumerable.Repeat("directory", 400))}/kubelet" },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Files_directories_and_links_of_every_format_are_read(TarEntryFormat format)
    {
        using MemoryStream archive = new();
        await using (TarWriter writer = new(archive, format, leaveOpen: true))
        {
            await writer.WriteEntryAsync(Entry(format, TarEntryType.Directory, "bin/", null), Ct);
            await writer.WriteEntryAsync(Entry(format, TarEntryType.RegularFile, "bin/kubelet", "the kubelet"), Ct);
            await writer.WriteEntryAsync(Entry(format, TarEntryType.SymbolicLink, "bin/link", null), Ct);
            await writer.WriteEntryAsync(Entry(format, TarEntryType.HardLink, "bin/hard", null), Ct);
            await writer.WriteEntryAsync(Entry(format, TarEntryType.RegularFile, "bin/empty", ""), Ct);
        }

        archive.Position = 0;

        Assert.Equal(
            [
                (new TarEntry("bin", TarEntryKind.Directory, FileModes.Executable, 0), ""),
                (new TarEntry("bin/kubelet", TarEntryKind.File, FileModes.Executable, 11), "the kubelet"),
                (new TarEntry("bin/link", TarEntryKind.Link, FileModes.Executable, 0), ""),
                (new TarEntry("bin/hard", TarEntryKind.Link, FileModes.Executable, 0), ""),
                (new TarEntry("bin/empty", TarEntryKind.File, FileModes.Executable, 0), ""),
            ],
            await RawTar.ReadAsync(archive));
    }

    [Theory]
    [MemberData(nameof(LongNames))]
    public async Task A_long_name_is_read_whole_and_the_next_entry_has_its_own(TarEntryFormat format, string name)
    {
        using MemoryStream archive = new();
        await using (TarWriter writer = new(archive, format, leaveOpen: true))
        {
            await writer.WriteEntryAsync(Entry(format, TarEntryType.RegularFile, name, "long"), Ct);
            await writer.WriteEntryAsync(Entry(format, TarEntryType.RegularFile, "short", "short"), Ct);
        }

        archive.Position = 0;

        Assert.Equal([(name, "long"), ("short", "short")], (await RawTar.ReadAsync(archive)).Select(e => (e.Entry.Path, e.Content)));
    }

    [Fact]
    public async Task The_long_target_of_a_link_is_not_its_name()
    {
        using MemoryStream archive = new();
        await using (TarWriter writer = new(archive, TarEntryFormat.Gnu, leaveOpen: true))
        {
            await writer.WriteEntryAsync(new GnuTarEntry(TarEntryType.SymbolicLink, "link") { LinkName = new string('t', 300) }, Ct);
        }

        archive.Position = 0;

        Assert.Equal("link", Assert.Single(await RawTar.ReadAsync(archive)).Entry.Path);
    }

    [Fact]
    public async Task Words_about_the_whole_archive_are_passed_over()
    {
        using MemoryStream archive = new();
        await using (TarWriter writer = new(archive, TarEntryFormat.Pax, leaveOpen: true))
        {
            await writer.WriteEntryAsync(new PaxGlobalExtendedAttributesTarEntry([new("path", "elsewhere")]), Ct);
            await writer.WriteEntryAsync(Entry(TarEntryFormat.Pax, TarEntryType.RegularFile, "kubelet", "content"), Ct);
        }

        archive.Position = 0;

        Assert.Equal("kubelet", Assert.Single(await RawTar.ReadAsync(archive)).Entry.Path);
    }

    [Theory]
    [InlineData('0', TarEntryKind.File)]
    [InlineData('\0', TarEntryKind.File)]
    [InlineData('7', TarEntryKind.File)]
    [InlineData('1', TarEntryKind.Link)]
    [InlineData('2', TarEntryKind.Link)]
    [InlineData('3', TarEntryKind.Other)]
    [InlineData('4', TarEntryKind.Other)]
    [InlineData('5', TarEntryKind.Directory)]
    [InlineData('6', TarEntryKind.Other)]
    [InlineData('S', TarEntryKind.Other)]
    [InlineData('Z', TarEntryKind.Other)]
    public async Task Every_type_has_a_kind(char type, TarEntryKind kind) =>
        Assert.Equal(kind, Assert.Single(await RawTar.ReadAsync(RawTar.Entry("a", "", type), RawTar.End)).Entry.Kind);

    [Fact]
    public async Task The_size_in_an_extended_header_is_the_one_that_counts()
    {
        var entries = await RawTar.ReadAsync(
            RawTar.Pax(("size", "7")), RawTar.Header("kubelet", 0), [.. "content"u8, .. new byte[505]],
            RawTar.Entry("next", ""), RawTar.End);

        Assert.Equal([("kubelet", "content"), ("next", "")], entries.Select(e => (e.Entry.Path, e.Content)));
    }

    [Fact]
    public async Task A_size_in_base_256_is_read()
    {
        var entry = RawTar.Entry("kubelet", "content", change: header => Base256(header, 7));

        Assert.Equal("content", Assert.Single(await RawTar.ReadAsync(entry, RawTar.End)).Content);
    }

    [Theory]
    [InlineData("./kubelet", "kubelet")]
    [InlineData("/kubelet", "kubelet")]
    [InlineData("//bin///kubelet//", "bin/kubelet")]
    [InlineData("bin/./kubelet", "bin/kubelet")]
    [InlineData("./", "")]
    [InlineData("..kubelet..", "..kubelet..")]
    public async Task Paths_are_relative_and_plain(string written, string path) =>
        Assert.Equal(path, Assert.Single(await RawTar.ReadAsync(RawTar.Entry(written, ""), RawTar.End)).Entry.Path);

    [Fact]
    public async Task Content_that_nobody_read_is_passed_over()
    {
        using MemoryStream archive = new([.. RawTar.Entry("a", new string('x', 300_000)), .. RawTar.Entry("b", "content"), .. RawTar.End]);
        UstarReader reader = new(archive);

        var first = await reader.NextAsync(Ct);
        var second = await reader.NextAsync(Ct);

        Assert.Equal(("a", "b"), (first!.Path, second!.Path));
        Assert.Null(await reader.NextAsync(Ct));
    }

    [Fact]
    public async Task One_byte_at_a_time_is_enough() =>
        Assert.Equal(
            [("a", "content"), ("b", "")],
            (await RawTar.ReadAsync(new TrickleStream([.. RawTar.Entry("a", "content"), .. RawTar.Entry("b", ""), .. RawTar.End])))
            .Select(e => (e.Entry.Path, e.Content)));

    [Fact]
    public async Task Any_number_of_blocks_of_zeros_is_an_end() =>
        Assert.Single(await RawTar.ReadAsync(RawTar.Entry("a", ""), RawTar.End, new byte[300 * RawTar.Block]));

    // ArchiveReader promises that no more than the header is read of a blob that nobody asked for.
    [Fact]
    public async Task A_source_that_can_seek_is_not_read_where_nobody_asked()
    {
        using CountingStream archive = new([.. RawTar.Entry("a", new string('x', 3_000_000)), .. RawTar.Entry("b", ""), .. RawTar.End]);
        UstarReader reader = new(archive);

        await reader.NextAsync(Ct);
        await reader.NextAsync(Ct);

        Assert.InRange(archive.BytesRead, 2 * RawTar.Block, 1_000_000);
    }

    internal static void Base256(byte[] header, long size)
    {
        header.AsSpan(124, 12).Clear();
        header[124] = 0x80;
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(128), size);
    }

    private static System.Formats.Tar.TarEntry Entry(TarEntryFormat format, TarEntryType type, string name, string? content)
    {
        System.Formats.Tar.TarEntry entry = format switch
        {
            TarEntryFormat.V7 => new V7TarEntry(type == TarEntryType.RegularFile ? TarEntryType.V7RegularFile : type, name),
            TarEntryFormat.Ustar => new UstarTarEntry(type, name),
#pragma warning disable RS0030 // Another writer: any bytes that it makes will do.
            TarEntryFormat.Pax => new PaxTarEntry(type, name),
#pragma warning restore RS0030
            _ => new GnuTarEntry(type, name),
        };
        entry.Mode = FileModes.Executable;
        if (content is not null)
        {
            entry.DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content));
        }

        if (type is TarEntryType.SymbolicLink or TarEntryType.HardLink)
        {
            entry.LinkName = "bin/kubelet";
        }

        return entry;
    }

    private sealed class CountingStream(byte[] content) : MemoryStream(content)
    {
        public long BytesRead { get; private set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await base.ReadAsync(buffer, cancellationToken);
            BytesRead += count;
            return count;
        }
    }
}
