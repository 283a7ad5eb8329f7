using System.Globalization;
using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E.Host;

/// <summary>The memory that an install takes at most, whatever the size of the files.</summary>
public sealed class MemoryTests
{
    /// <summary>The promise is 32 MiB; half of what is measured are pages of the program and its libraries, which machines count
    /// differently.</summary>
    private const long MostKibibytes = 40 << 10;

    private const string Measure = """
        import resource, subprocess, sys
        code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
        sys.exit(code)
        """;

    [Theory]
    [InlineData("gzip")]
    [InlineData("zstd")]
    [InlineData("zstd:19")]
    public async Task The_peak_does_not_grow_with_the_files(string compression)
    {
        Machine.Needs("python3");
        if (!Exe.IsPublished)
        {
            Machine.Missing("no published exe; publish one and name it in HYPERKUBE_EXE");
        }

        await using var scene = await HostScene.CreateAsync(24 << 20);
        await scene.BuildAsync(HostScene.New, "-o", $"oci:{scene["packed"]}:it", "--compression", compression);

        var ended = (await Run.ProgramAsync(
            "python3", ["-c", Measure, Exe.Here.Program, .. scene.Words($"oci:{scene["packed"]}:it")])).Well();

        var peak = long.Parse(ended.Text, CultureInfo.InvariantCulture);
        TestContext.Current.SendDiagnosticMessage("{0}: {1} KiB", compression, peak);
        Assert.InRange(peak, 1, MostKibibytes);
    }
}
