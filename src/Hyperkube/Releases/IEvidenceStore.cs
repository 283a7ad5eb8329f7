using Hyperkube.Oci;
using Hyperkube.Oci.Content;

namespace Hyperkube.Releases;

/// <summary>Somewhere evidence may have been kept that was minted before.</summary>
/// <remarks>A log signs a new promise and a new checkpoint at every read, so evidence that is minted again has other bytes, and the
/// image another digest. What was minted once is therefore used again. Implementations are safe for several threads.</remarks>
public interface IEvidenceStore
{
    /// <summary>Where it is, for a person.</summary>
    string Location { get; }

    /// <summary>Whether it is looked further where this one cannot be asked. Not where somebody has named it: another would give
    /// another image.</summary>
    bool IsOptional => true;

    /// <summary>Finds the bundle of a file; nobody vouches for it.</summary>
    /// <param name="path">The file's path below the root of a release source: <c>v1.34.2/bin/linux/amd64/kubelet</c>.</param>
    /// <param name="sha256">The digest of the file's bytes.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Null when there is none.</returns>
    Task<byte[]?> FindAsync(string path, Digest sha256, CancellationToken cancellationToken);
}

/// <summary>Bundles beside the files of a release, as <c>fetch</c> leaves them and as upstream may publish them one day.</summary>
/// <param name="source">The release source.</param>
public sealed class PublishedEvidence(IReleaseSource source) : IEvidenceStore
{
    /// <summary>What the bundle's name has behind the file's.</summary>
    /// <remarks>Source: https://github.com/sigstore/architecture-docs/blob/main/client-spec.md (4.1.1, discovery)</remarks>
    public const string Extension = ".sigstore.json";

    /// <inheritdoc/>
    public string Location => source.Location;

    /// <inheritdoc/>
    public Task<byte[]?> FindAsync(string path, Digest sha256, CancellationToken cancellationToken) =>
        source.ReadAsync(path + Extension, ReleaseTrust.MaxBundleBytes, cancellationToken);
}

/// <summary>Bundles that were minted here before, by the digest of what they are about.</summary>
/// <param name="directory">Where they lie; made when the first is kept.</param>
public sealed class EvidenceCache(string directory) : IEvidenceStore
{
    /// <summary>Ten years of releases for two platforms; 8 KiB each.</summary>
    private const int MaxFiles = 4096;

    /// <inheritdoc/>
    public string Location => directory;

    /// <inheritdoc/>
    public async Task<byte[]?> FindAsync(string path, Digest sha256, CancellationToken cancellationToken)
    {
        try
        {
            var file = SharedFile.OpenRead(PathOf(sha256));
            await using (file.ConfigureAwait(false))
            {
                return await SmallText.ReadBytesAsync(file, PathOf(sha256), ReleaseTrust.MaxBundleBytes, cancellationToken)
                    .ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Keeps a bundle.</summary>
    public async Task KeepAsync(Digest sha256, ReadOnlyMemory<byte> bundle, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(directory);
        StagedFile.RemoveAbandoned(directory);
        await StagedFile.WriteAsync(PathOf(sha256), bundle, cancellationToken).ConfigureAwait(false);
        var files = new DirectoryInfo(directory).GetFiles($"*{PublishedEvidence.Extension}");
        foreach (var old in files.OrderBy(f => f.LastWriteTimeUtc).Take(Math.Max(0, files.Length - MaxFiles)))
        {
            old.Delete();
        }
    }

    private string PathOf(Digest sha256) => Path.Combine(directory, sha256.Hex + PublishedEvidence.Extension);
}
