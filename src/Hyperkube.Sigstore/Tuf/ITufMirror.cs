namespace Hyperkube.Sigstore.Tuf;

/// <summary>Where the files of a repository are had. Nothing that comes from there is believed.</summary>
public interface ITufMirror
{
    /// <summary>Gets a file.</summary>
    /// <param name="path">Below the mirror's root, such as <c>timestamp.json</c> or <c>targets/abc.trusted_root.json</c>.</param>
    /// <param name="maxBytes">How much of it is wanted.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The file; of a larger one the first <paramref name="maxBytes"/> bytes and one more, so that it can be told.
    /// Null when the mirror says that it has no such file.</returns>
    Task<byte[]?> FetchAsync(string path, int maxBytes, CancellationToken cancellationToken);
}
