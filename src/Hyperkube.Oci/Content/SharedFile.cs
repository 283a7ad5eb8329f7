using Microsoft.Win32.SafeHandles;

namespace Hyperkube.Oci.Content;

/// <summary>Opens files for reading without a lock (.NET itself always takes one, which fails while a writer holds the file that it has
/// just renamed), and flushes them.</summary>
public static class SharedFile
{
    /// <summary>Opens a file as a stream; the caller disposes it.</summary>
    /// <exception cref="IOException">It cannot be opened; a <see cref="FileNotFoundException"/> if it is not there.</exception>
    public static FileStream OpenRead(string path) => new(OpenHandle(path), FileAccess.Read, bufferSize: 0);

    /// <summary>Opens a file as a handle; the caller disposes it.</summary>
    /// <inheritdoc cref="OpenRead" path="/exception"/>
    public static SafeFileHandle OpenHandle(string path) => Posix.OpenRead(path);

    /// <summary>Waits until a file, or the names in a directory, are on the disk.</summary>
    /// <remarks>Not the runtime's own flush: that says nothing when the disk says that it failed (measured with .NET 10.0.12).</remarks>
    /// <exception cref="IOException">They are not.</exception>
    public static void Flush(SafeFileHandle file)
    {
        if (!Posix.TryFlush(file))
        {
            throw new IOException($"cannot be written to the disk: {System.Runtime.InteropServices.Marshal.GetLastPInvokeErrorMessage()}");
        }
    }
}
