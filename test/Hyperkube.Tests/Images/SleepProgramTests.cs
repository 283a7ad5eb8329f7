using System.Buffers.Binary;
using System.Diagnostics;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Images;

public sealed class SleepProgramTests : IDisposable
{
    private const string Sources = "src/Hyperkube/Images/Sleep";
    private const uint Load = 1, ReadAndRun = 5;

    private readonly TempDirectory _directory = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Architectures { get; } = [.. SleepProgram.Platforms.Select(p => p.Architecture)];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void There_is_one_for_each_platform_that_upstream_publishes() =>
        Assert.Equal("linux/amd64 linux/arm64 linux/ppc64le linux/s390x", string.Join(' ', SleepProgram.Platforms));

    [Theory]
    [InlineData("linux/riscv64")]
    [InlineData("windows/amd64")]
    [InlineData("linux/arm64/v8")]
    public void There_is_none_for_any_other(string platform)
    {
        var error = Assert.Throws<HyperkubeException>(() => SleepProgram.For(Platform.Parse(platform)));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.StartsWith($"--platform {platform}: ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void It_is_below_1_KiB_and_one_segment_that_suits_pages_of_64_KiB(string architecture)
    {
        var program = SleepProgram.For(new Platform("linux", architecture));
        var bigEndian = architecture == "s390x";

        Assert.InRange(program.Length, 1, 1023);
        List<(uint Type, uint Flags, ulong FileSize, ulong MemorySize, ulong Align, ulong Offset, ulong Address)> segments = [];
        for (var i = 0; i < U16(program, 56, bigEndian); i++)
        {
            var header = program.AsSpan(64 + (56 * i), 56).ToArray();
            segments.Add((U32(header, 0, bigEndian), U32(header, 4, bigEndian), U64(header, 32, bigEndian), U64(header, 40, bigEndian),
                U64(header, 48, bigEndian), U64(header, 8, bigEndian), U64(header, 16, bigEndian)));
        }

        var segment = Assert.Single(segments, s => s.Type == Load);
        Assert.Equal(ReadAndRun, segment.Flags);
        Assert.Equal((ulong)program.Length, segment.FileSize);
        Assert.Equal(segment.FileSize, segment.MemorySize);
        Assert.Equal(0x10000ul, segment.Align);
        Assert.Equal(0ul, segment.Offset);
        Assert.Equal(0ul, segment.Address % segment.Align);
    }

    [Fact]
    public async Task The_assembly_gives_the_same_bytes()
    {
        var prefixes = (string[])["x86_64", "aarch64", "powerpc64le", "s390x"];
        var missing = prefixes.Select(p => $"{p}-linux-gnu-as").Where(tool => !IsInstalled(tool)).ToList();
        if (missing.Count > 0)
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", $"missing: {string.Join(", ", missing)}");
            Assert.Skip($"not assembled again, for want of {string.Join(", ", missing)}");
        }

        await RunAsync("/bin/sh", Repository.PathOf($"{Sources}/assemble.sh"), _directory.Path);

        foreach (var platform in SleepProgram.Platforms)
        {
            var assembled = await File.ReadAllBytesAsync(_directory[$"sleep-{platform.Architecture}.elf"], Ct);
            Assert.Equal(Convert.ToHexString(SleepProgram.For(platform)), Convert.ToHexString(assembled));
        }
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task It_ends_well_within_100_ms_of_a_signal(string signal)
    {
        Assert.SkipUnless(SleepProgram.Platforms.Contains(Platform.Host), $"no program for {Platform.Host}");
        var path = _directory["sleep"];
        await File.WriteAllBytesAsync($"{path}.elf", SleepProgram.For(Platform.Host), Ct);
        await RunAsync("/bin/sh", "-c", $"install -m 755 {path}.elf {path}"); // A file that this process wrote may be "busy".

        using var sleep = Process.Start(new ProcessStartInfo(path) { UseShellExecute = false })!;
        try
        {
            await UntilItWaitsAsync(sleep.Id);
            Assert.False(sleep.HasExited);
            await RunAsync("/bin/sh", "-c", $"kill -{signal} {sleep.Id}");
            var begun = Stopwatch.GetTimestamp();
            await sleep.WaitForExitAsync(Ct);

            Assert.Equal(0, sleep.ExitCode);
            Assert.InRange(Stopwatch.GetElapsedTime(begun).TotalMilliseconds, 0, 100);
        }
        finally
        {
            sleep.Kill();
        }
    }

    // Asleep, it has blocked the signals and waits for one.
    private static async Task UntilItWaitsAsync(int id)
    {
        while (!(await File.ReadAllTextAsync($"/proc/{id}/status", Ct)).Contains("State:\tS", StringComparison.Ordinal))
        {
            await Task.Delay(1, Ct);
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { UseShellExecute = false, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var said = await process.StandardError.ReadToEndAsync(Ct);
        await process.WaitForExitAsync(Ct);
        Assert.True(process.ExitCode == 0, $"{program}: exit code {process.ExitCode}: {said}");
    }

    private static bool IsInstalled(string tool) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(directory => File.Exists(Path.Combine(directory, tool)));

    private static ushort U16(byte[] from, int at, bool bigEndian) => bigEndian
        ? BinaryPrimitives.ReadUInt16BigEndian(from.AsSpan(at)) : BinaryPrimitives.ReadUInt16LittleEndian(from.AsSpan(at));

    private static uint U32(byte[] from, int at, bool bigEndian) => bigEndian
        ? BinaryPrimitives.ReadUInt32BigEndian(from.AsSpan(at)) : BinaryPrimitives.ReadUInt32LittleEndian(from.AsSpan(at));

    private static ulong U64(byte[] from, int at, bool bigEndian) => bigEndian
        ? BinaryPrimitives.ReadUInt64BigEndian(from.AsSpan(at)) : BinaryPrimitives.ReadUInt64LittleEndian(from.AsSpan(at));
}
