using System.Security.Cryptography;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Microsoft.Win32.SafeHandles;

namespace Hyperkube.Releases;

/// <summary>An open file and the hashes of its content. Being open, it stays readable when its name goes away.</summary>
public sealed class HashedFile : IDisposable
{
    private readonly SafeFileHandle _file;

    internal HashedFile(SafeFileHandle file, string path, long size, Digest sha256, string sha512, bool wasCached)
    {
        _file = file;
        Path = path;
        Size = size;
        Sha256 = sha256;
        Sha512 = sha512;
        WasCached = wasCached;
    }

    /// <summary>Where it lay when it was opened.</summary>
    public string Path { get; }

    /// <summary>In bytes.</summary>
    public long Size { get; }

    /// <summary>The digest of its bytes.</summary>
    public Digest Sha256 { get; }

    /// <summary>The SHA-512 of its bytes, 128 lowercase hex digits.</summary>
    public string Sha512 { get; }

    /// <summary>Whether no byte of it had to be fetched.</summary>
    public bool WasCached { get; }

    /// <summary>Opens a file that is there and hashes all of it.</summary>
    /// <exception cref="HyperkubeException">It is larger than any binary may be.</exception>
    public static async Task<HashedFile> OpenAsync(string path, bool wasCached, IActivity activity, CancellationToken cancellationToken)
    {
        var file = SharedFile.OpenHandle(path);
        try
        {
            var size = RandomAccess.GetLength(file);
            FileLimits.Check(path, size);
            activity.Expect(size);
            using FileHashes hashes = new();
            await hashes.AppendAsync(new HandleStream(file, 0, size), activity, cancellationToken).ConfigureAwait(false);
            return new HashedFile(file, path, size, hashes.Sha256(), hashes.Sha512(), wasCached);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Opens the content from its start; several may read at once.</summary>
    public Stream OpenRead() => new HandleStream(_file, 0, Size);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}

/// <summary>The two hashes that upstream publishes, taken in one pass.</summary>
internal sealed class FileHashes : IDisposable
{
    private readonly IncrementalHash _sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly IncrementalHash _sha512 = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);

    /// <summary>Bytes hashed so far.</summary>
    internal long Length { get; private set; }

    internal void Append(ReadOnlySpan<byte> content)
    {
        _sha256.AppendData(content);
        _sha512.AppendData(content);
        Length += content.Length;
    }

    internal async Task AppendAsync(Stream content, IActivity activity, CancellationToken cancellationToken)
    {
        var buffer = new byte[StreamSizes.CopyBytes];
        for (int count; (count = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
        {
            Append(buffer.AsSpan(0, count));
            activity.Report(Length);
        }
    }

    internal void Restart()
    {
        _ = _sha256.GetHashAndReset();
        _ = _sha512.GetHashAndReset();
        Length = 0;
    }

    internal Digest Sha256() => Digest.FromHash(_sha256.GetCurrentHash());

    internal string Sha512() => Convert.ToHexStringLower(_sha512.GetCurrentHash());

    public void Dispose()
    {
        _sha256.Dispose();
        _sha512.Dispose();
    }
}

/// <summary>How large a binary may be.</summary>
internal static class FileLimits
{
    /// <summary>1 GiB: eight times the largest binary that upstream publishes today.</summary>
    internal const long MaxBytes = 1L << 30;

    internal static void Check(string where, long size)
    {
        if (size > MaxBytes)
        {
            throw new HyperkubeException(
                ErrorKind.BadContent, $"{where}: {size} bytes; expected a binary of at most {MaxBytes} bytes (1 GiB)");
        }
    }
}
