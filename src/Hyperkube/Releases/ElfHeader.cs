using System.Buffers.Binary;
using System.Text;
using Hyperkube.Oci;

namespace Hyperkube.Releases;

/// <summary>Whether a file is a whole program for a platform, as far as its ELF headers tell.</summary>
/// <remarks>
/// A signature or checksum says that bytes are upstream's, not that they are for this machine, and an error page that
/// was saved as a binary has a checksum too. Every program and section must lie inside the file.
/// Source: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
/// </remarks>
internal static class ElfHeader
{
    private const int HeaderBytes = 64;
    private const int ProgramHeaderBytes = 56;
    private const int SectionHeaderBytes = 64;
    private const uint NoBits = 8; // A section that takes no room in the file.

    /// <summary>Reads the headers.</summary>
    /// <exception cref="HyperkubeException">It is no whole program for the platform.</exception>
    internal static void Check(HashedFile file, Platform platform, string where)
    {
        using var content = file.OpenRead();
        Check(content, platform, where);
    }

    /// <summary>Reads the headers.</summary>
    /// <param name="content">The file from its start; it can seek.</param>
    /// <param name="platform">What it must be for.</param>
    /// <param name="where">Which file, for the message.</param>
    /// <exception cref="HyperkubeException">It is no whole program for the platform.</exception>
    internal static void Check(Stream content, Platform platform, string where)
    {
        Span<byte> start = stackalloc byte[HeaderBytes];
        var count = content.ReadAtLeast(start, HeaderBytes, throwOnEndOfStream: false);
        if (count < 4 || !start.StartsWith("\u007fELF"u8))
        {
            throw NoProgram(where, start[..count]);
        }

        var (machine, littleEndian) = Machine(platform);
        if (count < HeaderBytes || start[4] != 2 || start[5] != (littleEndian ? 1 : 2))
        {
            throw Wrong(where, platform, count < HeaderBytes ? "a truncated ELF header" : "an ELF file of another class or byte order");
        }

        Reader read = new(littleEndian);
        if (read.U16(start[18..]) is var actual && actual != machine)
        {
            throw Wrong(where, platform, $"a program for {MachineName(actual)}");
        }

        if (read.U16(start[16..]) is not (2 or 3)) // An executable, or one that runs at any address.
        {
            throw Wrong(where, platform, "an ELF file that is no executable");
        }

        CheckTable(content, read, where, platform, ProgramHeaderBytes, offset: read.U64(start[32..]), size: read.U16(start[54..]),
            count: read.U16(start[56..]), static (r, h) => (r.U64(h[8..]), r.U64(h[32..])));
        CheckTable(content, read, where, platform, SectionHeaderBytes, offset: read.U64(start[40..]), size: read.U16(start[58..]),
            count: read.U16(start[60..]), static (r, h) => r.U32(h[4..]) == NoBits ? (0, 0) : (r.U64(h[24..]), r.U64(h[32..])));
    }

    private static void CheckTable(
        Stream content, Reader read, string where, Platform platform, int entryBytes, ulong offset, ushort size, ushort count,
        Func<Reader, ReadOnlySpan<byte>, (ulong Offset, ulong Size)> extent)
    {
        var length = (ulong)content.Length;
        if (count == 0)
        {
            return;
        }

        if (size != entryBytes || !Inside(offset, (ulong)count * size, length))
        {
            throw Wrong(where, platform, "a truncated or damaged ELF file: a table of headers lies outside");
        }

        Span<byte> entry = stackalloc byte[SectionHeaderBytes];
        content.Position = (long)offset;
        for (var i = 0; i < count; i++)
        {
            content.ReadExactly(entry[..entryBytes]);
            var (from, bytes) = extent(read, entry[..entryBytes]);
            if (!Inside(from, bytes, length))
            {
                throw Wrong(where, platform, $"a truncated ELF file: {length} bytes, and a part of it ends at byte {from + bytes}");
            }
        }
    }

    private static bool Inside(ulong offset, ulong size, ulong length) => offset <= length && size <= length - offset;

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

    private static HyperkubeException Wrong(string where, Platform platform, string what) =>
        new(ErrorKind.BadContent, $"{where}: {what}; expected a program for {platform}");

    private static (ushort Machine, bool LittleEndian) Machine(Platform platform) =>
        (MachineOf(platform.Architecture), platform.Architecture != "s390x");

    private static ushort MachineOf(string architecture) => architecture switch
    {
        "amd64" => 62,
        "arm64" => 183,
        "ppc64le" => 21,
        "s390x" => 22,
        _ => 0,
    };

    private static string MachineName(ushort machine) => machine switch
    {
        62 => "amd64",
        183 => "arm64",
        21 => "ppc64le",
        22 => "s390x",
        _ => $"ELF machine {machine}",
    };

    private readonly struct Reader(bool littleEndian)
    {
        public ushort U16(ReadOnlySpan<byte> from) =>
            littleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(from) : BinaryPrimitives.ReadUInt16BigEndian(from);

        public uint U32(ReadOnlySpan<byte> from) =>
            littleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(from) : BinaryPrimitives.ReadUInt32BigEndian(from);

        public ulong U64(ReadOnlySpan<byte> from) =>
            littleEndian ? BinaryPrimitives.ReadUInt64LittleEndian(from) : BinaryPrimitives.ReadUInt64BigEndian(from);
    }
}
