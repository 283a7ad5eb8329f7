using System.Buffers.Binary;
using System.Text;
using Hyperkube.Oci;

namespace Hyperkube.Testing;

/// <summary>Tiny real ELF programs that print a line and exit: stand-ins for kubelet and kubectl where size does not
/// matter.</summary>
public static class StandInProgram
{
    private const int HeadersBytes = 64 + 56;
    private const ulong LoadAddress = 0x400000;

    /// <summary>A stand-in for a binary of Kubernetes that says what upstream's linker would have it say: version, name, platform, commit.
    /// </summary>
    /// <param name="platform">For what.</param>
    /// <param name="name">Which: <c>kubelet</c>.</param>
    /// <param name="version">What it answers when it is asked for its version.</param>
    /// <param name="padTo">The file's length is at least this.</param>
    public static byte[] Kubernetes(Platform platform, string name, string version, int padTo = 0) => WithBuildInfo(
        Create(platform, name == "kubectl" ? $"Client Version: {version}\n" : $"Kubernetes {version}\n", padTo),
        BuildInfo($"k8s.io/kubernetes/cmd/{name}", platform, version));

    /// <summary>The text that Go's linker writes.</summary>
    public static string BuildInfo(string package, Platform platform, string version) => string.Concat(
        $"path\t{package}\n",
        $"mod\tk8s.io/kubernetes\t{version}\t\n",
        "dep\tgithub.com/spf13/cobra\tv1.9.1\th1:CXSaggrXdbHK9CF+8ywj8Amf7PBRmPCOJugH954Nnlo=\n",
        "dep\tk8s.io/api\tv0.0.0\n=>\t./staging/src/k8s.io/api\t(devel)\t\n",
        "build\t-buildmode=exe\nbuild\t-trimpath=true\nbuild\tCGO_ENABLED=0\n",
        $"build\tGOARCH={platform.Architecture}\nbuild\tGOOS={platform.Os}\n",
        "build\tvcs=git\nbuild\tvcs.revision=8cc511e399b929453cd98ae65b419c3cc227ec79\nbuild\tvcs.modified=false\n");

    /// <summary>Appends a table of sections to a program, with Go's build information.</summary>
    public static byte[] WithBuildInfo(byte[] program, string modules, string goVersion = "go1.25.1")
    {
        const int EntryBytes = 64, Align = 16;
        byte[] sentinel = [0x30, 0x77, 0xaf, 0x0c, 0x92, 0x74, 0x08, 0x02, 0x41, 0xe1, 0xc1, 0x07, 0xe6, 0xd6, 0x18, 0xe6];
        byte[] text = modules.Length == 0 ? [] : [.. sentinel, .. Encoding.UTF8.GetBytes(modules), .. sentinel];
        byte[] info =
        [
            0xff, .. " Go buildinf:"u8, 8, 2, .. new byte[16],
            .. Counted(Encoding.UTF8.GetBytes(goVersion)), .. Counted(text),
        ];
        byte[] names = [0, .. ".go.buildinfo"u8, 0, .. ".shstrtab"u8, 0];
        var infoAt = (program.Length + Align - 1) / Align * Align;
        var namesAt = infoAt + info.Length;
        var tableAt = (namesAt + names.Length + Align - 1) / Align * Align;
        var file = new byte[tableAt + (3 * EntryBytes)];
        program.CopyTo(file, 0);
        info.CopyTo(file, infoAt);
        names.CopyTo(file, namesAt);
        var bigEndian = file[5] == 2;

        void Write(int at, ulong value, int bytes)
        {
            for (var i = 0; i < bytes; i++)
            {
                file[at + (bigEndian ? bytes - 1 - i : i)] = (byte)(value >> (8 * i));
            }
        }

        void Section(int index, int name, uint type, int offset, int size)
        {
            var at = tableAt + (index * EntryBytes);
            Write(at, (ulong)name, 4);
            Write(at + 4, type, 4);
            Write(at + 24, (ulong)offset, 8);
            Write(at + 32, (ulong)size, 8);
        }

        Section(1, 1, type: 1, infoAt, info.Length);
        Section(2, 15, type: 3, namesAt, names.Length);
        Write(40, (ulong)tableAt, 8);
        Write(60, 3, 2);
        Write(62, 2, 2);
        return file;
    }

    /// <summary>A program for a platform; on amd64 and arm64 it runs.</summary>
    /// <param name="platform">For what.</param>
    /// <param name="prints">What it prints, whatever its arguments; at most 65,535 bytes.</param>
    /// <param name="padTo">The file's length is at least this; the rest is filled with bytes that do not compress well.</param>
    public static byte[] Create(Platform platform, string prints, int padTo = 0)
    {
        var message = Encoding.UTF8.GetBytes(prints);
        var (machine, code) = platform.Architecture switch
        {
            "amd64" => (62, Amd64(message.Length)),
            "arm64" => (183, Arm64(message.Length)),
            "ppc64le" => (21, new byte[8]),
            "s390x" => (22, new byte[8]),
            _ => throw new ArgumentException($"no stand-in for {platform}", nameof(platform)),
        };
        var length = HeadersBytes + code.Length + message.Length;
        var file = new byte[Math.Max(length, padTo)];
        WriteHeaders(file, machine, bigEndian: platform.Architecture == "s390x");
        code.CopyTo(file, HeadersBytes);
        message.CopyTo(file, HeadersBytes + code.Length);
        Fill(file.AsSpan(length));
        return file;
    }

    // The length, seven bits a byte, and the bytes.
    private static byte[] Counted(byte[] bytes)
    {
        List<byte> length = [];
        for (var rest = bytes.Length; ; rest >>= 7)
        {
            length.Add((byte)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0)));
            if (rest <= 0x7f)
            {
                return [.. length, .. bytes];
            }
        }
    }

    // write(1, message, length); exit(0). The message follows the code.
    private static byte[] Amd64(int length) =>
    [
        0xb8, 1, 0, 0, 0, // mov eax, 1
        0xbf, 1, 0, 0, 0, // mov edi, 1
        0x48, 0x8d, 0x35, 16, 0, 0, 0, // lea rsi, [rip + 16]
        0xba, (byte)length, (byte)(length >> 8), 0, 0, // mov edx, length
        0x0f, 0x05, // syscall
        0xb8, 60, 0, 0, 0, // mov eax, 60
        0x31, 0xff, // xor edi, edi
        0x0f, 0x05, // syscall
    ];

    private static byte[] Arm64(int length)
    {
        uint[] instructions =
        [
            0xd2800020, // mov x0, #1
            0x100000e1, // adr x1, . + 28
            0xd2800002 | ((uint)length << 5), // mov x2, #length
            0xd2800808, // mov x8, #64
            0xd4000001, // svc #0
            0xd2800000, // mov x0, #0
            0xd2800ba8, // mov x8, #93
            0xd4000001, // svc #0
        ];
        var code = new byte[4 * instructions.Length];
        for (var i = 0; i < instructions.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(code.AsSpan(4 * i), instructions[i]);
        }

        return code;
    }

    private static void WriteHeaders(Span<byte> file, int machine, bool bigEndian)
    {
        "\u007fELF"u8.CopyTo(file);
        file[4] = 2;
        file[5] = (byte)(bigEndian ? 2 : 1);
        file[6] = 1;

        void U16(Span<byte> at, int value)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(at, (ushort)value);
            Turn(at[..2]);
        }

        void U32(Span<byte> at, uint value)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(at, value);
            Turn(at[..4]);
        }

        void U64(Span<byte> at, ulong value)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(at, value);
            Turn(at[..8]);
        }

        void Turn(Span<byte> field)
        {
            if (bigEndian)
            {
                field.Reverse();
            }
        }

        U16(file[16..], 2); // executable
        U16(file[18..], machine);
        U32(file[20..], 1);
        U64(file[24..], LoadAddress + HeadersBytes);
        U64(file[32..], 64); // program headers
        U16(file[52..], 64);
        U16(file[54..], 56);
        U16(file[56..], 1);
        U16(file[58..], 64);
        var segment = file[64..];
        U32(segment, 1); // load
        U32(segment[4..], 5); // read, execute
        U64(segment[16..], LoadAddress);
        U64(segment[24..], LoadAddress);
        U64(segment[32..], (ulong)file.Length);
        U64(segment[40..], (ulong)file.Length);
        U64(segment[48..], 0x10000);
    }

    // A small generator whose bytes are the same for ever; half of them repeat, as in a program.
    private static void Fill(Span<byte> rest)
    {
        var state = 0x2545f491u;
        for (var i = 0; i < rest.Length; i++)
        {
            state = (state * 1664525) + 1013904223;
            rest[i] = (i & 64) == 0 ? (byte)(state >> 24) : (byte)i;
        }
    }
}
