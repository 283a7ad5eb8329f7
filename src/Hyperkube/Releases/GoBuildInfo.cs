using System.Text;

namespace Hyperkube.Releases;

/// <summary>What the Go linker has written into a program: what it was built from, and for what.</summary>
/// <remarks>
/// It lies inside the signed bytes, and says what the signature does not: which program this is, and for which platform.
/// Source: https://pkg.go.dev/debug/buildinfo, and its format since Go 1.18:
/// https://github.com/golang/go/blob/go1.25.0/src/debug/buildinfo/buildinfo.go
/// </remarks>
internal sealed class GoBuildInfo
{
    private const string Section = ".go.buildinfo";
    private const int HeaderBytes = 32;
    private const int SentinelBytes = 16; // Before and behind the text of the modules.
    private const byte InlineStrings = 2; // The flag of Go 1.18 and later.

    private static readonly byte[] Magic = [0xff, .. " Go buildinf:"u8];

    /// <summary>A kubelet's takes 15 KiB.</summary>
    private const int MaxBytes = 4 << 20;

    private GoBuildInfo(string goVersion, string text)
    {
        GoVersion = goVersion;
        Dictionary<string, string> settings = new(StringComparer.Ordinal);
        List<GoModule> dependencies = [];
        foreach (var line in text.Split('\n'))
        {
            var fields = line.Split('\t');
            switch (fields[0])
            {
                case "path" when fields.Length == 2:
                    Path = fields[1];
                    break;
                case "mod" when fields.Length >= 3:
                    Main = ModuleOf(fields);
                    break;
                case "dep" when fields.Length >= 3:
                    dependencies.Add(ModuleOf(fields));
                    break;
                case "=>" when fields.Length >= 3 && dependencies.Count > 0:
                    dependencies[^1] = dependencies[^1] with { Replacement = ModuleOf(fields) };
                    break;
                case "build" when fields.Length == 2 && fields[1].IndexOf('=', StringComparison.Ordinal) is > 0 and var at:
                    settings.TryAdd(fields[1][..at], fields[1][(at + 1)..].Trim('"'));
                    break;
                default:
                    break; // Later versions may say more.
            }
        }

        Dependencies = dependencies;
        Settings = settings;
    }

    /// <summary>The compiler: <c>go1.25.1</c>.</summary>
    internal string GoVersion { get; }

    /// <summary>The main package, such as <c>k8s.io/kubernetes/cmd/kubelet</c>; null if it says none.</summary>
    internal string? Path { get; }

    /// <summary>The module of the main package; null if it says none.</summary>
    internal GoModule? Main { get; }

    /// <summary>All other modules in it, in the order of their names.</summary>
    internal IReadOnlyList<GoModule> Dependencies { get; }

    /// <summary>How it was built, by name: <c>GOOS</c>, <c>GOARCH</c>, <c>vcs.revision</c>.</summary>
    internal IReadOnlyDictionary<string, string> Settings { get; }

    /// <summary>Reads it out of a program.</summary>
    /// <param name="program">The program from its start; it can seek. The caller disposes it.</param>
    /// <param name="where">Which file, for messages.</param>
    /// <returns>Null when it carries none, or one of Go before 1.18.</returns>
    /// <exception cref="Oci.HyperkubeException">It is no ELF file, or a damaged one.</exception>
    internal static GoBuildInfo? Read(Stream program, string where) => Read(ElfFile.Open(program, where));

    /// <summary>Reads it out of a program.</summary>
    internal static GoBuildInfo? Read(ElfFile program)
    {
        ReadOnlySpan<byte> section = program.ReadSection(Section, MaxBytes);
        if (section.Length < HeaderBytes || !section.StartsWith(Magic) || (section[15] & InlineStrings) == 0)
        {
            return null;
        }

        var rest = section[HeaderBytes..];
        return TryTakeText(ref rest, out var version) && TryTakeText(ref rest, out var modules)
            ? new GoBuildInfo(Encoding.UTF8.GetString(version), Encoding.UTF8.GetString(WithoutSentinels(modules)))
            : null;
    }

    private static ReadOnlySpan<byte> WithoutSentinels(ReadOnlySpan<byte> text) =>
        text.Length > 2 * SentinelBytes && text[^(SentinelBytes + 1)] == '\n' ? text[SentinelBytes..^SentinelBytes] : [];

    // A length of seven bits a byte, and as many bytes.
    private static bool TryTakeText(ref ReadOnlySpan<byte> from, out ReadOnlySpan<byte> text)
    {
        var length = 0UL;
        text = [];
        for (var i = 0; i < Math.Min(from.Length, 5); i++)
        {
            length |= (ulong)(from[i] & 0x7f) << (7 * i);
            if (from[i] < 0x80)
            {
                var start = i + 1;
                if (length > (ulong)(from.Length - start))
                {
                    return false;
                }

                text = from.Slice(start, (int)length);
                from = from[(start + (int)length)..];
                return true;
            }
        }

        return false;
    }

    private static GoModule ModuleOf(string[] fields) => new(fields[1], fields[2], fields.ElementAtOrDefault(3) is { Length: > 0 } sum
        ? sum : null);
}

/// <summary>A module that a program was built from.</summary>
/// <param name="Path">Its name.</param>
/// <param name="Version">Its version; <c>(devel)</c> for a working copy.</param>
/// <param name="Sum">The checksum of its content, as go.sum writes it; null if it says none.</param>
internal sealed record GoModule(string Path, string Version, string? Sum)
{
    /// <summary>What was taken in its place; null if it was taken itself.</summary>
    internal GoModule? Replacement { get; init; }
}
