namespace Hyperkube.Oci.Content;

/// <summary>Somewhere content can be put. Children go before the manifest that names them, and the tag goes last,
/// so a reader never meets a dangling name.</summary>
public interface IContentDestination
{
    /// <summary>Whether the content is there already, so that it need not be sent.</summary>
    ValueTask<bool> HasAsync(Descriptor content, CancellationToken cancellationToken);

    /// <summary>Stores content, whole or not at all.</summary>
    /// <param name="content">What it is.</param>
    /// <param name="open">Opens it from its start; called once for each try, and until the destination is finished.</param>
    /// <param name="cancellationToken">Leaves nothing behind.</param>
    ValueTask PutAsync(Descriptor content, OpenContent open, CancellationToken cancellationToken);

    /// <summary>Makes a tag stand for a manifest that is already there.</summary>
    ValueTask TagAsync(Descriptor manifest, string tag, CancellationToken cancellationToken);
}

/// <summary>Opens the same content again, from its start.</summary>
public delegate ValueTask<Stream> OpenContent(CancellationToken cancellationToken);
