using System.Buffers.Binary;
using System.Text;
using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.ToolImage.Tests.Fixtures;

/// <summary>A stand-in for the exe that has the names of what it is linked with.</summary>
internal static class LinkedProgram
{
    private const int EntryBytes = 64;
    private const int Align = 16;

    internal static byte[] Create(Platform platform, params string[] names)
    {
        var program = StandInProgram.Create(platform, "hyperkube\n");
        byte[] dynstr = [0, .. names.SelectMany(n => Encoding.ASCII.GetBytes(n).Append((byte)0))];
        byte[] titles = [0, .. ".dynstr"u8, 0, .. ".shstrtab"u8, 0];
        var tableAt = (program.Length + dynstr.Length + titles.Length + Align - 1) / Align * Align;
        var file = new byte[tableAt + (3 * EntryBytes)];
        program.CopyTo(file, 0);
        dynstr.CopyTo(file, program.Length);
        titles.CopyTo(file, program.Length + dynstr.Length);
        Section(file.AsSpan(tableAt + EntryBytes), title: 1, program.Length, dynstr.Length);
        Section(file.AsSpan(tableAt + (2 * EntryBytes)), title: 9, program.Length + dynstr.Length, titles.Length);
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(40), tableAt);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(58), EntryBytes);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(60), 3);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(62), 2);
        return file;
    }

    private static void Section(Span<byte> entry, int title, int offset, int size)
    {
        BinaryPrimitives.WriteInt32LittleEndian(entry, title);
        BinaryPrimitives.WriteInt32LittleEndian(entry[4..], 3); // a table of strings
        BinaryPrimitives.WriteInt64LittleEndian(entry[24..], offset);
        BinaryPrimitives.WriteInt64LittleEndian(entry[32..], size);
    }
}
