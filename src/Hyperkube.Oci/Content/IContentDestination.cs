namespace Hyperkube.Oci.Content;

/// <summary>Somewhere content can be put. Children go before the manifest that names them, and the tag goes last,
/// so a reader never meets a dangling name.</summary>
public interface IContentDestination
{
    /// <summary>Whether it checks what it is sent against the digest by itself, as registries must; content is then sent as it is read,
    /// and hashed here only if it is refused.</summary>
    bool VerifiesItself => false;

    /// <summary>Whether the content is there already, so that it need not be sent.</summary>
    ValueTask<bool> HasAsync(Descriptor content, CancellationToken cancellationToken);

    /// <summary>Stores content, whole or not at all.</summary>
    /// <param name="content">What it is.</param>
    /// <param name="open">Opens it; called once for each try, and until the destination is finished.</param>
    /// <param name="cancellationToken">Leaves nothing that anybody could take for the content.</param>
    ValueTask PutAsync(Descriptor content, OpenContent open, CancellationToken cancellationToken);

    /// <summary>Makes manifests that are already there be found by the one that they refer to.</summary>
    ValueTask AttachAsync(Digest subject, IReadOnlyList<Descriptor> referrers, CancellationToken cancellationToken);

    /// <summary>Makes a tag stand for a manifest that is already there.</summary>
    /// <param name="manifest">What it is to stand for.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="move">Whether it may stand for something else now.</param>
    /// <param name="cancellationToken">Leaves the tag as it was.</param>
    /// <exception cref="HyperkubeException">It does, and may not (<see cref="ErrorKind.TagConflict"/>).</exception>
    ValueTask TagAsync(Descriptor manifest, string tag, bool move, CancellationToken cancellationToken);
}

/// <summary>Opens the same content again. From its start the stream verifies itself; from a later offset it cannot.</summary>
/// <param name="offset">The first byte.</param>
/// <param name="cancellationToken">Ends the wait.</param>
public delegate ValueTask<Stream> OpenContent(long offset, CancellationToken cancellationToken);
