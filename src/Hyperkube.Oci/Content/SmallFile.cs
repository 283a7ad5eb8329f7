namespace Hyperkube.Oci.Content;

/// <summary>What a configuration file holds, or why it cannot be had.</summary>
/// <param name="Bytes">Its content; empty when there is none to be had.</param>
/// <param name="Absence">Why it cannot be had, for a person; null when it can.</param>
/// <param name="IsMissing">Whether there is nothing of that name, or nothing that this user may see.</param>
public readonly record struct SmallFile(ReadOnlyMemory<byte> Bytes, string? Absence, bool IsMissing)
{
    /// <summary>A configuration is a few pages; 1 MiB is somebody else's file.</summary>
    private const int MaxBytes = 1 << 20;

    /// <summary>Reads a file; a pipe as <c>--authfile &lt;(...)</c> hands over will do.</summary>
    /// <exception cref="HyperkubeException">It is too large (<see cref="ErrorKind.Usage"/>).</exception>
    public static SmallFile Read(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            var buffer = new byte[8 << 10];
            var length = 0;
            for (int read; (read = file.Read(buffer, length, buffer.Length - length)) > 0;)
            {
                length += read;
                if (length > MaxBytes)
                {
                    throw new HyperkubeException(ErrorKind.Usage, $"{path}: more than {MaxBytes} bytes; expected a small file");
                }

                if (length == buffer.Length)
                {
                    Array.Resize(ref buffer, 2 * length);
                }
            }

            return new SmallFile(buffer.AsMemory(0, length), Absence: null, IsMissing: false);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new SmallFile(default, "no such file", IsMissing: true);
        }
        catch (UnauthorizedAccessException)
        {
            // In a directory of somebody else, as /run/containers/0 is to users, nobody can tell whether the file is there.
            return Directory.Exists(path) ? new SmallFile(default, "a directory, not a file", IsMissing: false)
                : new SmallFile(default, "permission denied", IsMissing: !File.Exists(path));
        }
        catch (IOException e)
        {
            return new SmallFile(default, $"cannot be read: {OneLine.Of(e.Message)}", IsMissing: false);
        }
    }

    /// <summary>Reads a file that the caller has named.</summary>
    /// <param name="path">The file.</param>
    /// <param name="flag">By which flag, for the message.</param>
    /// <exception cref="HyperkubeException">It cannot be had, or is too large (<see cref="ErrorKind.Usage"/>).</exception>
    public static ReadOnlyMemory<byte> ReadNamed(string path, string flag)
    {
        var file = Read(path);
        return file.Absence is null
            ? file.Bytes
            : throw new HyperkubeException(ErrorKind.Usage, $"{flag} {path}: {file.Absence}; expected a file that can be read");
    }
}
