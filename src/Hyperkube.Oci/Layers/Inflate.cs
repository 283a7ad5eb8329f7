using System.Runtime.InteropServices;

namespace Hyperkube.Oci.Layers;

/// <summary>The runtime's own zlib, of which <c>DeflateStream</c> shows too little: it does not tell where a
/// compressed stream ended, and reads a truncated one without complaint.</summary>
/// <remarks>
/// The entry points are those that System.IO.Compression itself calls; they come with the pinned runtime, and are
/// linked into the native exe.
/// Source: https://github.com/dotnet/runtime/blob/v10.0.0/src/native/libs/System.IO.Compression.Native/pal_zlib.h
/// </remarks>
internal sealed unsafe partial class Inflate : SafeHandle
{
    private const string Library = "libSystem.IO.Compression.Native";
    private const int GzipWindowBits = 15 + 16; // The largest window, in gzip's framing with its CRC checked.
    private const int NoFlush = 0;
    private const int Ok = 0;
    private const int StreamEnd = 1;
    private const int BufferError = -5; // No progress was possible: not an error, give more room or input.

    internal Inflate()
        : base(invalidHandleValue: 0, ownsHandle: true)
    {
        var state = (State*)NativeMemory.AllocZeroed((nuint)sizeof(State));
        handle = (nint)state;
        Check(Init(state, GzipWindowBits));
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Whether the member has ended and its length and CRC were right.</summary>
    internal bool Ended { get; private set; }

    /// <summary>Inflates as far as input and room allow.</summary>
    /// <exception cref="InvalidDataException">It is no gzip, or a damaged one.</exception>
    internal (int Consumed, int Produced) Run(ReadOnlySpan<byte> input, Span<byte> output)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        var state = (State*)handle;
        fixed (byte* from = input, to = output)
        {
            state->NextIn = from;
            state->AvailableIn = (uint)input.Length;
            state->NextOut = to;
            state->AvailableOut = (uint)output.Length;
            var result = Go(state, NoFlush);
            Ended = result == StreamEnd;
            Check(result is StreamEnd or BufferError ? Ok : result);
            return (input.Length - (int)state->AvailableIn, output.Length - (int)state->AvailableOut);
        }
    }

    /// <summary>Gets ready for the next member.</summary>
    internal void Reset()
    {
        Ended = false;
        Check(Again((State*)handle, GzipWindowBits));
    }

    protected override bool ReleaseHandle()
    {
        _ = End((State*)handle);
        NativeMemory.Free((void*)handle);
        return true;
    }

    private static void Check(int result)
    {
        if (result != Ok)
        {
            throw new InvalidDataException("the gzip stream is damaged");
        }
    }

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateInit2_")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Init(State* state, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Inflate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Go(State* state, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateReset2_")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Again(State* state, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateEnd")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int End(State* state);

    [StructLayout(LayoutKind.Sequential)]
    private struct State
    {
        public byte* NextIn;
        public byte* NextOut;
        public nint Message;
        public nint Internal;
        public uint AvailableIn;
        public uint AvailableOut;
    }
}
