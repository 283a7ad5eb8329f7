using System.Text;
using Hyperkube.Oci;

namespace Hyperkube.Releases;

/// <summary>Somewhere releases can be had: a download site or a directory of the same layout.</summary>
public interface IReleaseSource
{
    /// <summary>Its URL or directory, for a person; never with credentials.</summary>
    string Location { get; }

    /// <summary>Reads a small file: a version marker, a checksum, a signature.</summary>
    /// <param name="path">Below the source's root.</param>
    /// <param name="maxBytes">A larger one is an error.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Its bytes, or null when the source has no such file.</returns>
    Task<byte[]?> ReadAsync(string path, int maxBytes, CancellationToken cancellationToken);

    /// <summary>Makes a file available on disk, hashed.</summary>
    /// <param name="path">Below the source's root.</param>
    /// <param name="expected">What it should hash to, by which it may be had from a cache instead.</param>
    /// <param name="activity">Told about the bytes.</param>
    /// <param name="cancellationToken">What has come so far may be kept for the next time.</param>
    /// <returns>The file, which the caller disposes, or null when the source has no such file. Its content is what its
    /// hashes say; whether these are the expected ones is for the caller to judge.</returns>
    Task<HashedFile?> FetchAsync(string path, Digest expected, IActivity activity, CancellationToken cancellationToken);

    /// <summary>Says what tells one state of a file from another, without reading all of it from afar.</summary>
    /// <param name="path">Below the source's root.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Null when the source has no such file.</returns>
    Task<FileStamp?> StampAsync(string path, CancellationToken cancellationToken);
}

/// <summary>What a source says of a file without giving it.</summary>
/// <param name="State">Another one when the file is another; only as good as what the source says: with neither entity tag nor time, its
/// size.</param>
/// <param name="Written">When the file was put there, if that is said.</param>
public sealed record FileStamp(string State, DateTimeOffset? Written);

/// <summary>What is done with every source in the same way.</summary>
public static class ReleaseSourceExtensions
{
    /// <summary>Reads a text of one line, without the white space around it. At most 4 KiB.</summary>
    /// <param name="source">The source.</param>
    /// <param name="path">Below the source's root.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The text, or null when the source has no such file.</returns>
    public static async Task<string?> ReadTextAsync(this IReleaseSource source, string path, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        var bytes = await source.ReadAsync(path, SmallText.MaxBytes, cancellationToken).ConfigureAwait(false);
        return bytes is null ? null : Encoding.UTF8.GetString(bytes).Trim();
    }
}
