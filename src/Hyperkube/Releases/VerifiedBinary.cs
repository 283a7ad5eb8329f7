using Hyperkube.Oci;

namespace Hyperkube.Releases;

/// <summary>A binary of a release whose content has been checked.</summary>
/// <remarks>
/// Only the release verifier can make one, so whatever takes one need not check, and cannot forget to. It keeps the
/// file open: neither a cache that is trimmed nor a file that is replaced can take its place.
/// </remarks>
public sealed class VerifiedBinary : IDisposable
{
    private readonly HashedFile _content;

    internal VerifiedBinary(ReleaseFile file, HashedFile content, string source, Verification verification)
    {
        File = file;
        _content = content;
        Source = source;
        Verification = verification;
    }

    /// <summary>Which binary of which release it is.</summary>
    public ReleaseFile File { get; }

    /// <summary>The digest of its bytes.</summary>
    public Digest Digest => _content.Sha256;

    /// <summary>The SHA-512 of its bytes, 128 lowercase hex digits.</summary>
    public string Sha512 => _content.Sha512;

    /// <summary>Where it lies, absolute.</summary>
    public string Path => _content.Path;

    /// <summary>In bytes.</summary>
    public long Size => _content.Size;

    /// <summary>Which source vouched for it.</summary>
    public string Source { get; }

    /// <summary>How it was checked.</summary>
    public Verification Verification { get; }

    /// <summary>Whether no byte of it had to be fetched.</summary>
    public bool WasCached => _content.WasCached;

    /// <summary>Opens the content from its start; several may read at once.</summary>
    public Stream OpenRead() => _content.OpenRead();

    /// <inheritdoc/>
    public void Dispose() => _content.Dispose();
}

/// <summary>How much a check proves.</summary>
public enum Verification
{
    /// <summary>The file is the one that its source has checksums for. Whoever controls the source controls both.</summary>
    Checksum,
}
