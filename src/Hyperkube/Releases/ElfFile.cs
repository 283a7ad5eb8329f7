using System.Buffers.Binary;
using System.Text;
using Hyperkube.Oci;

namespace Hyperkube.Releases;

/// <summary>What an ELF file says of itself: for which machine it is, and where its parts are.</summary>
/// <remarks>
/// A signature or checksum says that bytes are upstream's, not that they are for this machine, and an error page that
/// was saved as a binary has a checksum too. Every program and section must lie inside the file.
/// Source: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
/// </remarks>
internal sealed class ElfFile
{
    private const int HeaderBytes = 64;
    private const int ProgramHeaderBytes = 56;
    private const int SectionHeaderBytes = 64;
    private const uint NoBits = 8; // A section that takes no room in the file.
    private const int MaxNameBytes = 64;

    private readonly Stream _content;
    private readonly byte[] _header;
    private readonly bool _isLittleEndian;
    private readonly string _where;

    private ElfFile(Stream content, byte[] header, string where) =>
        (_content, _header, _isLittleEndian, _where) = (content, header, header[5] == 1, where);

    /// <summary>The machine that it is for, as platforms spell it: <c>amd64</c>.</summary>
    internal string Architecture => U16(_header, 18) switch
    {
        62 => "amd64",
        183 => "arm64",
        21 => "ppc64le",
        22 => "s390x",
        var machine => $"ELF machine {machine}",
    };

    /// <summary>Reads the header.</summary>
    /// <param name="content">The file from its start; it can seek. The caller disposes it, after its last use here.</param>
    /// <param name="where">Which file, for messages.</param>
    /// <exception cref="HyperkubeException">It is no ELF file of 64 bits.</exception>
    internal static ElfFile Open(Stream content, string where) => Open(content, where, "an ELF program");

    /// <summary>Reads all headers of what must be a whole program for a platform.</summary>
    /// <param name="content">The file from its start; it can seek. The caller disposes it, after its last use here.</param>
    /// <param name="platform">What it must be for.</param>
    /// <param name="where">Which file, for messages.</param>
    /// <exception cref="HyperkubeException">It is no whole program for the platform.</exception>
    internal static ElfFile Check(Stream content, Platform platform, string where)
    {
        var expected = $"a program for {platform}";
        var file = Open(content, where, expected);
        var isLittleEndian = platform.Architecture != "s390x";
        file.Expect(file._isLittleEndian == isLittleEndian, "an ELF file of another class or byte order", expected);
        file.Expect(file.Architecture == platform.Architecture, $"a program for {file.Architecture}", expected);
        file.Expect(file.U16(file._header, 16) is 2 or 3, "an ELF file that is no executable", expected); // 3 runs at any address.
        foreach (var (offset, size) in file.Segments(expected).Concat(file.Sections(expected).Select(s => (s.Offset, s.Size))))
        {
            file.Expect(
                IsInside(offset, size, content.Length),
                $"a truncated ELF file: {content.Length} bytes, and a part of it ends at byte {offset + size}", expected);
        }

        return file;
    }

    /// <summary>Reads a section.</summary>
    /// <returns>Its bytes, or null when the file has no such section, or a larger one.</returns>
    internal byte[]? ReadSection(string name, int maxBytes)
    {
        var sections = Sections("a program").ToList();
        var names = U16(_header, 62); // The section that holds the sections' names.
        if (names >= sections.Count)
        {
            return null;
        }

        foreach (var section in sections.Where(s => s.Size > 0 && s.Size <= (ulong)maxBytes && IsInside(s.Offset, s.Size, _content.Length)))
        {
            if (NameAt(sections[names], section.Name) == name)
            {
                return ReadAt(section.Offset, (int)section.Size);
            }
        }

        return null;
    }

    private static ElfFile Open(Stream content, string where, string expected)
    {
        var header = new byte[HeaderBytes];
        content.Position = 0;
        var count = content.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false);
        if (count < 4 || !header.AsSpan().StartsWith("\u007fELF"u8))
        {
            throw NoProgram(where, header.AsSpan(0, count));
        }

        ElfFile file = new(content, header, where);
        file.Expect(count == HeaderBytes, "a truncated ELF header", expected);
        file.Expect(header[4] == 2 && header[5] is 1 or 2, "an ELF file of another class or byte order", expected);
        return file;
    }

    private IEnumerable<(ulong Offset, ulong Size)> Segments(string expected) =>
        Table(U64(_header, 32), U16(_header, 54), U16(_header, 56), ProgramHeaderBytes, expected)
            .Select(h => (U64(h, 8), U64(h, 32)));

    private IEnumerable<Section> Sections(string expected) =>
        Table(U64(_header, 40), U16(_header, 58), U16(_header, 60), SectionHeaderBytes, expected)
            .Select(h => U32(h, 4) == NoBits ? new Section(U32(h, 0), 0, 0) : new Section(U32(h, 0), U64(h, 24), U64(h, 32)));

    private IEnumerable<byte[]> Table(ulong offset, ushort size, ushort count, int entryBytes, string expected)
    {
        if (count == 0)
        {
            yield break;
        }

        Expect(
            size == entryBytes && IsInside(offset, (ulong)count * size, _content.Length),
            "a truncated or damaged ELF file: a table of headers lies outside", expected);
        var table = ReadAt(offset, count * size); // At most 65,535 entries: 4 MiB.
        for (var i = 0; i < count; i++)
        {
            yield return table[(i * size)..((i + 1) * size)];
        }
    }

    private string? NameAt(Section names, uint at)
    {
        if (at >= names.Size || !IsInside(names.Offset, names.Size, _content.Length))
        {
            return null;
        }

        var bytes = ReadAt(names.Offset + at, (int)Math.Min(MaxNameBytes, names.Size - at));
        var end = bytes.AsSpan().IndexOf((byte)0);
        return end < 0 ? null : Encoding.ASCII.GetString(bytes, 0, end);
    }

    private byte[] ReadAt(ulong offset, int count)
    {
        var bytes = new byte[count];
        _content.Position = (long)offset;
        _content.ReadExactly(bytes);
        return bytes;
    }

    private static bool IsInside(ulong offset, ulong size, long length) => offset <= (ulong)length && size <= (ulong)length - offset;

    private void Expect(bool isTrue, string what, string expected)
    {
        if (!isTrue)
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"{_where}: {what}; expected {expected}");
        }
    }

    private static HyperkubeException NoProgram(string where, ReadOnlySpan<byte> start)
    {
        var text = Encoding.ASCII.GetString(start).TrimStart();
        var what = start.IsEmpty ? "an empty file"
            : text.StartsWith('<') ? $"an HTML or XML page that begins with {SmallText.Quote(text)}"
            : $"no program: it begins with {Convert.ToHexStringLower(start[..Math.Min(8, start.Length)])}";
        return new HyperkubeException(ErrorKind.BadContent, $"{where}: {what}; expected an ELF program")
        {
            Hint = "ask the source in a browser: it may have saved an error page under this name",
        };
    }

    private ushort U16(ReadOnlySpan<byte> from, int at) => _isLittleEndian
        ? BinaryPrimitives.ReadUInt16LittleEndian(from[at..]) : BinaryPrimitives.ReadUInt16BigEndian(from[at..]);

    private uint U32(ReadOnlySpan<byte> from, int at) => _isLittleEndian
        ? BinaryPrimitives.ReadUInt32LittleEndian(from[at..]) : BinaryPrimitives.ReadUInt32BigEndian(from[at..]);

    private ulong U64(ReadOnlySpan<byte> from, int at) => _isLittleEndian
        ? BinaryPrimitives.ReadUInt64LittleEndian(from[at..]) : BinaryPrimitives.ReadUInt64BigEndian(from[at..]);

    private sealed record Section(uint Name, ulong Offset, ulong Size);
}
