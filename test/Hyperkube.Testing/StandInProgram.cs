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
