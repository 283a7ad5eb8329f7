namespace Hyperkube.Oci.Images;

/// <summary>A layer: its blob, and the digest of the tar inside.</summary>
/// <param name="Descriptor">The blob as it is stored and sent.</param>
/// <param name="DiffId">The digest of the uncompressed tar.</param>
public sealed record Layer(Descriptor Descriptor, Digest DiffId);

/// <summary>A document that has been written once; from then on only its bytes count.</summary>
/// <param name="Descriptor">Names the bytes.</param>
/// <param name="Content">The bytes.</param>
public sealed record Document(Descriptor Descriptor, ReadOnlyMemory<byte> Content);

/// <summary>The finished image of one platform.</summary>
/// <param name="Manifest">Its descriptor carries the platform, ready for an index.</param>
/// <param name="Config">How it runs.</param>
public sealed record Image(Document Manifest, Document Config);
