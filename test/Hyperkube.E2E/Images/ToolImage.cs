using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Images;

/// <summary>The image of the tool itself, made of the published exes and of Debian's packages.</summary>
public sealed class ToolImage : IDisposable
{
    internal const string Tag = "v1.2.3";

    private readonly TempDirectory _directory = new();
    private readonly Lock _once = new();
    private Task<Layout>? _layout;

    /// <summary>Where the packages are, with the list that pins them.</summary>
    internal static string Packages => Machine.Input("tool-image");

    /// <summary>What is pinned, a line each: architecture, name, version, size, SHA-256, path.</summary>
    internal static IEnumerable<string[]> Pins(string architecture) =>
        File.ReadAllLines(Path.Combine(Packages, "packages.txt")).Where(l => l[0] != '#').Select(l => l.Split(' '))
            .Where(p => p[0] == architecture || p[0] == "all");

    /// <summary>The one that all tests look at.</summary>
    internal Task<Layout> LayoutAsync()
    {
        lock (_once)
        {
            return _layout ??= BuildAsync(_directory["oci"]);
        }
    }

    /// <summary>Builds it as <c>make tool-image</c> does.</summary>
    internal static async Task<Layout> BuildAsync(string directory)
    {
        Machine.Needs("dpkg-deb");
        var amd64 = Machine.Variable("HYPERKUBE_EXE");
        var arm64 = Machine.Variable("HYPERKUBE_EXE_ARM64");
        if (amd64 is null || arm64 is null)
        {
            Machine.Missing("no published exes; publish them and name them in HYPERKUBE_EXE and HYPERKUBE_EXE_ARM64");
        }

        (await Run.ProgramAsync(
            Path.Combine(Machine.Repository, "artifacts/bin/Hyperkube.ToolImage/debug/Hyperkube.ToolImage"),
            [
                Machine.Repository, "--packages", Packages, "--list", Path.Combine(Packages, "packages.txt"),
                "--exe", $"linux/amd64={amd64}", "--exe", $"linux/arm64={arm64}", "--output", $"oci:{directory}:{Tag}",
            ],
            new Dictionary<string, string>
            {
                ["HOME"] = Machine.Variable("HOME") ?? "",
                ["NUGET_PACKAGES"] = Machine.Variable("NUGET_PACKAGES") ?? "",
            })).Well();
        return new Layout(directory, Tag);
    }

    public void Dispose() => _directory.Dispose();
}
