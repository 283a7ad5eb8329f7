using System.Security.Cryptography;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;

namespace Hyperkube.Releases;

/// <summary>A directory with the layout of the download site. Its files are used where they lie.</summary>
public sealed class DirectorySource : IReleaseSource
{
    private readonly string _root;

    /// <summary>Takes a directory that is there.</summary>
    /// <param name="directory">Which.</param>
    /// <param name="flag">By which flag it was named, for the message.</param>
    /// <exception cref="HyperkubeException">It is not.</exception>
    public DirectorySource(string directory, string flag = "--source")
    {
        _root = Path.GetFullPath(directory);
        Location = directory;
        if (!Directory.Exists(_root))
        {
            throw new HyperkubeException(
                ErrorKind.Usage,
                $"{flag} '{directory}': no such directory; expected one, or {(flag == "--source" ? "an https:// URL" : "an image")}");
        }
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public async Task<byte[]?> ReadAsync(string path, int maxBytes, CancellationToken cancellationToken)
    {
        var file = OpenOrNull(path);
        if (file is null)
        {
            return null;
        }

        await using (file.ConfigureAwait(false))
        {
            return await SmallText.ReadBytesAsync(file, $"{Location}/{path}", maxBytes, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async Task<HashedFile?> FetchAsync(string path, Digest expected, IActivity activity, CancellationToken cancellationToken)
    {
        var full = Path.Combine(_root, path);
        return File.Exists(full)
            ? await HashedFile.OpenAsync(full, wasCached: true, activity, cancellationToken).ConfigureAwait(false)
            : null;
    }

    // Copies of a directory have times of their own: here the bytes tell, which are near.
    /// <inheritdoc/>
    public async Task<FileStamp?> StampAsync(string path, CancellationToken cancellationToken)
    {
        var file = OpenOrNull(path);
        if (file is null)
        {
            return null;
        }

        await using (file.ConfigureAwait(false))
        {
            var hash = await SHA256.HashDataAsync(file, cancellationToken).ConfigureAwait(false);
            return new FileStamp(Convert.ToHexStringLower(hash), new DateTimeOffset(File.GetLastWriteTimeUtc(file.SafeFileHandle)));
        }
    }

    private FileStream? OpenOrNull(string path)
    {
        try
        {
            return SharedFile.OpenRead(Path.Combine(_root, path));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}

/// <summary>Small files from sources that nobody vouches for.</summary>
internal static class SmallText
{
    /// <summary>A checksum has 128 characters, a version ten; 4 KiB leaves room to quote what came instead.</summary>
    internal const int MaxBytes = 4096;

    internal static async Task<byte[]> ReadBytesAsync(Stream content, string where, int maxBytes, CancellationToken cancellationToken)
    {
        using MemoryStream bytes = new();
        var buffer = new byte[Math.Min(maxBytes + 1, StreamSizes.CopyBytes)];
        for (int count; (count = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
        {
            if (bytes.Length + count > maxBytes)
            {
                throw TooLarge(where, maxBytes);
            }

            await bytes.WriteAsync(buffer.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
        }

        return bytes.ToArray();
    }

    /// <summary>What a file is that is larger than it may be.</summary>
    internal static HyperkubeException TooLarge(string where, int maxBytes) =>
        new(ErrorKind.BadContent, $"{where}: more than {maxBytes} bytes; expected at most that");

    /// <summary>The beginning of a text, fit for an error message.</summary>
    internal static string Quote(string text, int maxChars = 40)
    {
        var line = new string([.. text.Take(maxChars).Select(c => char.IsControl(c) ? ' ' : c)]);
        return text.Length > maxChars ? $"'{line}…'" : $"'{line}'";
    }
}
