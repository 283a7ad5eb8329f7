using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Testing;

namespace Hyperkube.ToolImage.Tests.Fixtures;

/// <summary>A small package, made by the real dpkg-deb.</summary>
internal static class Deb
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Makes a package and its pin.</summary>
    /// <param name="directory">Gets the file.</param>
    /// <param name="name">Of the package; its version is 1.0-1.</param>
    /// <param name="files">Path and content; what begins with an arrow is a link.</param>
    /// <param name="architecture">In Debian's words.</param>
    internal static async Task<PinnedPackage> MakeAsync(
        string directory, string name, IEnumerable<(string Path, string Content)> files, string architecture = "amd64")
    {
        var dpkg = ChildProgram.Locate("dpkg-deb", Environment.GetEnvironmentVariable("PATH"));
        if (dpkg is null)
        {
            Assert.SkipWhen(Environment.GetEnvironmentVariable("CI") != "true", "dpkg-deb is not on PATH");
            Assert.Fail("dpkg-deb is not on PATH");
        }

        using TempDirectory tree = new();
        foreach (var (path, content) in files.Append(
            ("DEBIAN/control", $"Package: {name}\nVersion: 1.0-1\nArchitecture: {architecture}\nMaintainer: A <a@example.org>\nDescription: a test's\n")))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(tree[path])!);
            if (content.StartsWith("-> ", StringComparison.Ordinal))
            {
                File.CreateSymbolicLink(tree[path], content[3..]);
            }
            else
            {
                await File.WriteAllTextAsync(tree[path], content, Ct);
                File.SetUnixFileMode(tree[path], path.Contains("/ld-", StringComparison.Ordinal) ? FileModes.Executable : FileModes.Plain);
            }
        }

        Directory.CreateDirectory(directory);
        var file = $"{name}_1.0-1_{architecture}.deb";
        ChildProgram program = new(
            dpkg, ["--root-owner-group", "-Zgzip", "--build", tree.Path, Path.Combine(directory, file)], [new("SOURCE_DATE_EPOCH", "1")]);
        File.SetUnixFileMode(tree["DEBIAN"], FileModes.Executable);
        var answer = await program.AskAsync(default, TimeProvider.System, Ct);
        Assert.True(answer is { Failure: null, ExitCode: 0 }, $"{answer.Failure}{answer.Errors}");
        return Pin(directory, name, architecture, file);
    }

    /// <summary>What pins a file, whatever is in it.</summary>
    internal static PinnedPackage Pin(string directory, string name, string architecture, string file) => new(
        architecture, name, "1.0-1", Descriptor.Of(MediaTypes.Bytes, File.ReadAllBytes(Path.Combine(directory, file))), $"pool/main/{file}");

    /// <summary>The line of the list.</summary>
    internal static string Line(PinnedPackage p) => $"{p.Architecture} {p.Name} {p.Version} {p.Content.Size} {p.Content.Digest.Hex} {p.Path}\n";
}
