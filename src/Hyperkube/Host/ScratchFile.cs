using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Microsoft.Win32.SafeHandles;

namespace Hyperkube.Host;

/// <summary>A file without a name, for one binary at a time: what is read forwards once can be looked at anywhere here.</summary>
/// <param name="directory">Where its space is taken from.</param>
internal sealed class ScratchFile(string directory) : IDisposable
{
    private SafeFileHandle? _file;
    private long _length;

    /// <summary>Begins anew.</summary>
    internal void Clear() => _length = 0;

    /// <summary>Appends.</summary>
    /// <exception cref="HyperkubeException">There is no space, or no right to write there (<see cref="ErrorKind.HostFailed"/>).</exception>
    internal void Append(ReadOnlySpan<byte> content)
    {
        try
        {
            _file ??= Open();
            RandomAccess.Write(_file, content, _length);
            _length += content.Length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HyperkubeException(ErrorKind.HostFailed, $"{directory}: {e.Message}", e)
            {
                Hint = "name a directory with room for one binary in TMPDIR",
            };
        }
    }

    /// <summary>What was appended, to be read; the file stays open.</summary>
    internal HandleStream Read()
    {
        if (_file is null)
        {
            Append([]);
        }

        return new HandleStream(_file!, 0, _length);
    }

    public void Dispose() => _file?.Dispose();

    // Gone with this process, however that ends.
    private SafeFileHandle Open()
    {
        var path = Path.Combine(directory, $".hyperkube-{Guid.NewGuid():N}");
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete | FileShare.ReadWrite);
        File.Delete(path);
        return file;
    }
}
