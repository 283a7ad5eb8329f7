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

    internal VerifiedBinary(ReleaseFile file, HashedFile content, string source)
    {
        File = file;
        _content = content;
        Source = source;
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
    public Verification Verification { get; internal init; }

    /// <summary>What proves that it is the release team's; null unless that was asked for and is there.</summary>
    public BinaryEvidence? Evidence { get; internal init; }

    /// <summary>Whether the release's signed list names it with this digest. Else the version is only what the source claims.</summary>
    public bool IsVersionProved { get; internal set; }

    /// <summary>The commit that it says it was built from, 40 hex digits; null when it says none, or was not asked.</summary>
    public string? Commit { get; internal init; }

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

    /// <summary>Its published signature is wrong or missing, and people have put exactly this file on the list of exceptions.</summary>
    Exception,

    /// <summary>The release team has signed it, and it says itself which binary it is, for which platform.</summary>
    Signature,
}

/// <summary>The checked files of a release. Disposing it disposes all of them.</summary>
public sealed class VerifiedRelease : IDisposable
{
    internal VerifiedRelease(IReadOnlyList<VerifiedBinary> binaries, VerifiedDocument? list) => (Binaries, List) = (binaries, list);

    /// <summary>The binaries, in the order in which they were asked for.</summary>
    public IReadOnlyList<VerifiedBinary> Binaries { get; }

    /// <summary>The signed list of the release's files; null when the source has none, or signatures were not asked for.</summary>
    public VerifiedDocument? List { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        List?.Dispose();
        foreach (var binary in Binaries)
        {
            binary.Dispose();
        }
    }
}

/// <summary>A document of a release that the release team has signed.</summary>
public sealed class VerifiedDocument : IDisposable
{
    private readonly HashedFile _content;

    internal VerifiedDocument(string path, HashedFile content, BinaryEvidence evidence) => (Path, _content, Evidence) = (path, content,
        evidence);

    /// <summary>Where it lies below the root of a release source.</summary>
    public string Path { get; }

    /// <summary>The digest of its bytes.</summary>
    public Digest Digest => _content.Sha256;

    /// <summary>In bytes.</summary>
    public long Size => _content.Size;

    /// <summary>What proves that it is the release team's.</summary>
    public BinaryEvidence Evidence { get; }

    /// <summary>Opens the content from its start.</summary>
    public Stream OpenRead() => _content.OpenRead();

    /// <inheritdoc/>
    public void Dispose() => _content.Dispose();
}
