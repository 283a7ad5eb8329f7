using System.Buffers.Binary;

namespace Hyperkube.Sigstore.Certificates;

/// <summary>Reads structures in the form of TLS: numbers with the big end first, vectors after their length.</summary>
/// <remarks>Source: https://www.rfc-editor.org/rfc/rfc8446#section-3</remarks>
internal sealed class TlsReader(byte[] content)
{
    private int _position;

    internal bool HasData => _position < content.Length;

    internal byte Byte() => Bytes(1)[0];

    internal byte[] Vector16() => Bytes(BinaryPrimitives.ReadUInt16BigEndian(Bytes(sizeof(ushort))));

    internal byte[] Bytes(int count)
    {
        if (count > content.Length - _position)
        {
            throw new FormatException($"ends after {content.Length} bytes, in the middle of a value");
        }

        _position += count;
        return content[(_position - count).._position];
    }

    internal void End()
    {
        if (HasData)
        {
            throw new FormatException($"{content.Length - _position} bytes follow where nothing may");
        }
    }
}
