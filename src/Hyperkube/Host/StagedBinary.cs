using System.Security.Cryptography;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Releases;
using Microsoft.Win32.SafeHandles;

namespace Hyperkube.Host;

/// <summary>A binary on its way: written out of sight in the directory it is meant for, hashed as it is written.</summary>
/// <remarks>Disposing removes it, unless it was renamed. Not thread safe.</remarks>
internal sealed class StagedBinary : IDisposable
{
    internal const string Prefix = ".hyperkube-stage-";

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly long _size;
    private SafeFileHandle? _file;
    private long _written;

    private StagedBinary(HostDirectory directory, string staged, SafeFileHandle? file, long size) =>
        (Directory, StagedName, _file, _size) = (directory, staged, file, size);

    /// <summary>Where it lies.</summary>
    internal HostDirectory Directory { get; }

    /// <summary>Under which name.</summary>
    internal string StagedName { get; }

    /// <summary>What was written; known when the size is reached.</summary>
    internal Descriptor? Content { get; private set; }

    internal static string NewName(string name) => $"{Prefix}{name}-{Guid.NewGuid():N}";

    /// <summary>Begins a file and takes its space; the caller disposes it.</summary>
    /// <exception cref="HyperkubeException">There is no space, or no right to write there (<see cref="ErrorKind.HostFailed"/>).</exception>
    internal static StagedBinary Create(HostDirectory directory, string name, long size)
    {
        var staged = NewName(name);
        StagedBinary binary = new(directory, staged, directory.Create(staged), size);
        if (Posix.TryAllocate(binary._file!, size))
        {
            return binary;
        }

        var why = $"{Posix.LastMessage}: {name} takes {Sizes.Text(size)}, and {Sizes.Text(directory.FreeBytes)} are free";
        binary.Dispose();
        throw directory.Refused(name, why, $"free {Sizes.Text(size)} there");
    }

    /// <summary>Begins a file that is only hashed.</summary>
    internal static StagedBinary Measure(HostDirectory directory, string name, long size) =>
        new(directory, NewName(name), file: null, size);

    internal void Append(ReadOnlySpan<byte> content)
    {
        try
        {
            if (_file is not null)
            {
                RandomAccess.Write(_file, content, _written);
            }
        }
        catch (IOException e)
        {
            throw Directory.Refused(StagedName, e.Message);
        }

        _hash.AppendData(content);
        _written += content.Length;
        if (_written == _size)
        {
            Complete();
        }
    }

    /// <summary>Takes note that all of it is written.</summary>
    internal void Complete() => Content = new Descriptor(MediaTypes.Bytes, Digest.FromHash(_hash.GetCurrentHash()), _written);

    /// <summary>Looks whether it is a whole program for a platform, and, if its bytes are signed, the one of its name.</summary>
    /// <returns>What it was built from; null if nobody asked.</returns>
    /// <exception cref="HyperkubeException">It is not.</exception>
    internal GoBuildInfo? CheckProgram(Platform platform, string? name, string where) =>
        Directory.CheckProgram(StagedName, platform, name, where);

    /// <summary>Gives it its owner and label, makes it last, and closes it: nothing writes to it any more, so it can be run.</summary>
    internal void Seal(FileOwner owner, byte[]? label)
    {
        Directory.Dress(_file!, StagedName, owner, FileModes.Executable, label);
        Directory.Flush(_file!, StagedName);
        _file!.Dispose();
        _file = null;
    }

    public void Dispose()
    {
        _hash.Dispose();
        _file?.Dispose();
        try
        {
            Directory.Remove(StagedName); // Gone already after the rename, which is fine.
        }
        catch (HyperkubeException)
        {
            // What is being thrown matters more; the next run removes it.
        }
    }
}
