using System.Buffers.Binary;
using System.Text;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases;

public sealed class ElfFileTests : IDisposable
{
    private const int Type = 16, Machine = 18;
    private const int ProgramTable = 32, SectionTable = 40, ProgramEntryBytes = 54, SectionEntryBytes = 58, Sections = 60;
    private const int SegmentOffset = 64 + 8, SegmentSize = 64 + 32;
    private const int SectionBytes = 64;

    private static readonly Platform Amd64 = new("linux", "amd64");
    private static readonly Platform Arm64 = new("linux", "arm64");

    private readonly TempDirectory _directory = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Platforms { get; } = [.. SleepProgram.Platforms.Select(p => p.ToString())];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Platforms))]
    public async Task A_program_for_its_platform_passes(string platform) =>
        Assert.Null(await FailureAsync(Program(Platform.Parse(platform)), Platform.Parse(platform)));

    [Theory]
    [MemberData(nameof(Platforms))]
    public async Task Our_own_sleep_passes(string platform) =>
        Assert.Null(await FailureAsync(SleepProgram.For(Platform.Parse(platform)), Platform.Parse(platform)));

    [Fact]
    public async Task A_program_that_runs_at_any_address_passes()
    {
        var program = Program(Amd64);
        program[Type] = 3;

        Assert.Null(await FailureAsync(program, Amd64));
    }

    // Whatever linkers make: none of it may be refused.
    [Fact]
    public async Task Programs_of_this_machine_pass()
    {
        var programs = Directory.EnumerateFiles("/usr/bin").Order(StringComparer.Ordinal).Where(IsProgramOfThisMachine).Take(40).ToList();

        Assert.NotEmpty(programs);
        foreach (var path in programs)
        {
            await using var file = File.OpenRead(path);
            _ = ElfFile.Check(file, Platform.Host, path);
        }
    }

    [Theory]
    [InlineData("linux/amd64", "linux/arm64", "a program for amd64")]
    [InlineData("linux/arm64", "linux/amd64", "a program for arm64")]
    [InlineData("linux/ppc64le", "linux/arm64", "a program for ppc64le")]
    [InlineData("linux/s390x", "linux/amd64", "byte order")]
    [InlineData("linux/amd64", "linux/s390x", "byte order")]
    public async Task A_program_for_another_platform_is_refused(string actual, string expected, string because)
    {
        var failure = await FailureAsync(Program(Platform.Parse(actual)), Platform.Parse(expected));

        Assert.Contains(because, failure, StringComparison.Ordinal);
        Assert.EndsWith($"expected a program for {expected}", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_for_a_machine_nobody_knows_is_refused_by_its_number()
    {
        var program = Program(Amd64);
        program[Machine] = 243;

        Assert.Contains("ELF machine 243", await FailureAsync(program, Amd64), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_was_cut_anywhere_is_refused()
    {
        var program = WithSection(Program(Amd64), type: 1, offset: 0, size: 64);

        for (var length = 0; length < program.Length; length++)
        {
            Assert.True(await FailureAsync(program[..length], Amd64) is not null, $"cut at {length}");
        }
    }

    [Fact]
    public async Task An_empty_file_is_called_so() =>
        Assert.Contains("an empty file; expected an ELF program", await FailureAsync([], Amd64), StringComparison.Ordinal);

    [Theory]
    [InlineData("<!DOCTYPE html>\n<html><body>Sign in</body></html>")]
    [InlineData("<html>")]
    [InlineData("\r\n  <?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchKey</Code></Error>")]
    public async Task An_error_page_is_called_so_and_quoted(string page)
    {
        var failure = await FailureAsync(Encoding.UTF8.GetBytes(page), Amd64);

        Assert.Contains("an HTML or XML page that begins with '<", failure, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure!);
    }

    [Fact]
    public async Task Any_other_text_is_no_program() =>
        Assert.Contains(
            "no program: it begins with 4e6f7420", await FailureAsync("Not Found"u8.ToArray(), Amd64), StringComparison.Ordinal);

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task An_object_file_or_a_memory_dump_is_no_executable(byte type)
    {
        var program = Program(Amd64);
        program[Type] = type;

        Assert.Contains("no executable", await FailureAsync(program, Amd64), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_of_32_bits_is_refused()
    {
        var program = Program(Amd64);
        program[4] = 1;

        Assert.Contains("another class", await FailureAsync(program, Amd64), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SegmentSize, 1L << 40)]
    [InlineData(SegmentSize, -1)]
    [InlineData(SegmentOffset, 1L << 40)]
    [InlineData(SegmentOffset, -1)]
    [InlineData(ProgramTable, 1L << 40)]
    [InlineData(ProgramTable, -1)]
    [InlineData(ProgramTable, long.MinValue)]
    public async Task A_program_header_that_leads_outside_is_refused(int field, long value)
    {
        var program = Program(Amd64);
        BinaryPrimitives.WriteInt64LittleEndian(program.AsSpan(field), value);

        Assert.NotNull(await FailureAsync(program, Amd64));
    }

    [Theory]
    [InlineData(1, 0, 64, true)]
    [InlineData(1, 0, 1L << 40, false)]
    [InlineData(1, 1L << 40, 0, false)]
    [InlineData(1, -1, 1, false)]
    [InlineData(1, 1, -1, false)]
    [InlineData(8, 0, 1L << 40, true)] // takes no room in the file
    public async Task Every_section_must_lie_inside_the_file(uint type, long offset, long size, bool passes) =>
        Assert.Equal(passes, await FailureAsync(WithSection(Program(Amd64), type, offset, size), Amd64) is null);

    [Theory]
    [InlineData(SectionTable, 1L << 40)]
    [InlineData(SectionTable, -1)]
    public async Task A_section_table_outside_the_file_is_refused(int field, long value)
    {
        var program = WithSection(Program(Amd64), type: 1, offset: 0, size: 64);
        BinaryPrimitives.WriteInt64LittleEndian(program.AsSpan(field), value);

        Assert.Contains("a table of headers lies outside", await FailureAsync(program, Amd64), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ProgramEntryBytes)]
    [InlineData(SectionEntryBytes)]
    public async Task Headers_of_another_size_are_refused(int field)
    {
        var program = WithSection(Program(Amd64), type: 1, offset: 0, size: 64);
        program[field] = 1;

        Assert.NotNull(await FailureAsync(program, Amd64));
    }

    [Fact]
    public async Task Big_endian_headers_are_checked_too()
    {
        Platform s390x = new("linux", "s390x");
        var program = Program(s390x);
        BinaryPrimitives.WriteInt64BigEndian(program.AsSpan(SegmentSize), program.Length + 1);

        Assert.Contains("a truncated ELF file", await FailureAsync(program, s390x), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_failure_says_where_and_is_of_the_kind_bad_content()
    {
        var path = _directory["file"];
        await File.WriteAllBytesAsync(path, Program(Amd64), Ct);
        await using var file = File.OpenRead(path);

        var error = Assert.Throws<HyperkubeException>(() => ElfFile.Check(file, Arm64, "https://mirror/kubelet"));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.StartsWith("https://mirror/kubelet: ", error.Message, StringComparison.Ordinal);
    }

    private static byte[] Program(Platform platform) => StandInProgram.Create(platform, "hello\n");

    // Appends a table of one section.
    private static byte[] WithSection(byte[] program, uint type, long offset, long size)
    {
        var longer = new byte[program.Length + SectionBytes];
        program.CopyTo(longer, 0);
        BinaryPrimitives.WriteInt64LittleEndian(longer.AsSpan(SectionTable), program.Length);
        BinaryPrimitives.WriteInt16LittleEndian(longer.AsSpan(Sections), 1);
        var section = longer.AsSpan(program.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(section[4..], type);
        BinaryPrimitives.WriteInt64LittleEndian(section[24..], offset);
        BinaryPrimitives.WriteInt64LittleEndian(section[32..], size);
        return longer;
    }

    private static bool IsProgramOfThisMachine(string path)
    {
        var info = new FileInfo(path);
        if (!info.Exists || info.Length is < 64 or > 8_000_000)
        {
            return false;
        }

        using var file = File.OpenRead(path);
        Span<byte> start = stackalloc byte[5];
        file.ReadExactly(start);
        return start.SequenceEqual("\u007fELF\u0002"u8);
    }

    private async Task<string?> FailureAsync(byte[] content, Platform platform)
    {
        var path = _directory["file"];
        await File.WriteAllBytesAsync(path, content, Ct);
        await using var file = File.OpenRead(path);
        try
        {
            _ = ElfFile.Check(file, platform, "here");
            return null;
        }
        catch (HyperkubeException e) when (e.Kind == ErrorKind.BadContent)
        {
            return e.Message;
        }
    }
}
