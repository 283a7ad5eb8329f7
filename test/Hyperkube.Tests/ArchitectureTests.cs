using System.Text;
using System.Xml.Linq;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests;

/// <summary>What the design says about rooms and files.</summary>
public sealed class ArchitectureTests
{
    private const int MaxLines = 400;
    private const int MaxColumns = 140;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Rooms { get; } =
        [.. Directory.EnumerateDirectories(Repository.PathOf("src")).Select(d => Path.GetFileName(d)!)];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void Dependencies_point_one_way(string room)
    {
        string[] allowed = room switch
        {
            "Hyperkube.Cli" => ["Hyperkube", "Hyperkube.Oci", "Hyperkube.Sigstore"],
            "Hyperkube" => ["Hyperkube.Oci", "Hyperkube.Sigstore"],
            "Hyperkube.Oci" or "Hyperkube.Sigstore" => [],
            _ => throw new InvalidOperationException($"src/{room} is not in the design"),
        };

        Assert.Empty(ReferencesOf(room).Except(allowed, StringComparer.Ordinal));
    }

    [Fact]
    public void The_formats_know_no_product()
    {
        var references = typeof(Oci.Digest).Assembly.GetReferencedAssemblies().Select(a => a.Name!);

        Assert.DoesNotContain(references, r => r.StartsWith("Hyperkube", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void The_product_knows_no_command_line()
    {
        var references = typeof(BinaryName).Assembly.GetReferencedAssemblies().Select(a => a.Name!).ToList();

        Assert.DoesNotContain(
            references, r => r is "hyperkube" or "System.CommandLine" || r.StartsWith("Spectre", StringComparison.Ordinal));
    }

    // Comments may say where a number was measured. One file holds the names of an interface that is kubelet's.
    [Fact]
    public async Task The_code_of_the_formats_has_no_word_of_Kubernetes()
    {
        foreach (var file in SourcesBelow("src/Hyperkube.Oci").Where(f => Path.GetFileName(f) != "ProviderApi.cs"))
        {
            var code = (await File.ReadAllLinesAsync(file, Ct)).Select(line => line.Split("//")[0]);
            Assert.DoesNotContain(code, line => line.Contains("kubelet", StringComparison.OrdinalIgnoreCase)
                || line.Contains("kubectl", StringComparison.OrdinalIgnoreCase)
                || line.Contains("kubernetes", StringComparison.OrdinalIgnoreCase));
        }
    }

    [Fact]
    public async Task Every_source_file_can_be_read_at_one_sitting()
    {
        foreach (var file in SourcesBelow("src").Concat(SourcesBelow("tools")))
        {
            var lines = await File.ReadAllLinesAsync(file, Ct);
            Assert.True(lines.Length <= MaxLines, $"{file}: {lines.Length} lines; expected at most {MaxLines}");
            Assert.All(lines, line => Assert.True(
                line.Length <= MaxColumns, $"{file}: a line of {line.Length} columns; expected at most {MaxColumns}: {line}"));
        }
    }

    // A file that says where it was made is another file on the next machine.
    [Fact]
    public async Task No_file_says_where_this_working_copy_lies()
    {
        var root = Encoding.UTF8.GetBytes(Repository.Root);
        foreach (var file in FilesBelow(Repository.Root).Where(f => new FileInfo(f) is { LinkTarget: null, Length: < 64 << 20 }))
        {
            Assert.False(Mentions(await File.ReadAllBytesAsync(file, Ct), root), $"{file} contains {Repository.Root}");
        }
    }

    // The path as a whole: not the end of a longer one, nor the beginning of another name.
    private static bool Mentions(ReadOnlySpan<byte> content, ReadOnlySpan<byte> path)
    {
        for (int at; (at = content.IndexOf(path)) >= 0; content = content[(at + 1)..])
        {
            var end = at + path.Length;
            if ((at == 0 || !IsOfPath(content[at - 1])) && (end == content.Length || content[end] == '/' || !IsOfPath(content[end])))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsOfPath(byte b) => char.IsAsciiLetterOrDigit((char)b) || b is (byte)'.' or (byte)'_' or (byte)'-' or (byte)'/';

    private static IEnumerable<string> ReferencesOf(string room) =>
        XDocument.Load(Repository.PathOf($"src/{room}/{room}.csproj")).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value));

    private static IEnumerable<string> SourcesBelow(string folder) =>
        FilesBelow(Repository.PathOf(folder)).Where(f => f.EndsWith(".cs", StringComparison.Ordinal));

    private static IEnumerable<string> FilesBelow(string folder) =>
        Directory.EnumerateFiles(folder).Concat(
            Directory.EnumerateDirectories(folder)
                .Where(d => new DirectoryInfo(d) is { LinkTarget: null, Name: not (".git" or "artifacts" or "bin" or "obj" or "dist") })
                .SelectMany(FilesBelow));
}
