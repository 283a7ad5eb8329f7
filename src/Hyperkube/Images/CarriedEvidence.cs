using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layers;
using Hyperkube.Releases;

namespace Hyperkube.Images;

/// <summary>The evidence that an image carries beside its binaries: read before any layer of a binary is asked for.</summary>
/// <remarks>
/// Nobody vouches for these bytes: each bundle proves itself, or nothing. It lies in the root of the image under the binary's name, as a
/// regular file in a small layer, ours in the first; the topmost that can be seen counts.
/// </remarks>
internal sealed class CarriedEvidence
{
    /// <summary>Ours takes a few KiB. Larger layers hold programs, and are not fetched to look for evidence: nor do they hide
    /// any.</summary>
    private const int MaxLayerBytes = 1 << 20;

    /// <summary>Each is a request; an image of ours has one such layer.</summary>
    private const int MaxLayers = 32;

    private readonly Dictionary<string, byte[]> _bundles = new(StringComparer.Ordinal);

    private CarriedEvidence()
    {
    }

    /// <summary>Of nothing.</summary>
    internal static CarriedEvidence None { get; } = new();

    /// <summary>Reads it.</summary>
    /// <param name="source">Where the layers are.</param>
    /// <param name="image">The image.</param>
    /// <param name="names">Of which binaries.</param>
    /// <param name="log">Told of each layer that is read.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="HyperkubeException">A layer is not what the image says, or holds evidence that is no file or too large.</exception>
    internal static async Task<CarriedEvidence> ReadAsync(
        IContentSource source, PlatformImage image, IEnumerable<string> names, IActivityLog log, CancellationToken cancellationToken)
    {
        CarriedEvidence evidence = new();
        var open = names.Select(NodeImageRecipe.EvidencePath).ToHashSet(StringComparer.Ordinal);
        var layers = image.Layers.Zip(image.DiffIds).Reverse().Where(l => MayHold(l.First, open)).Take(MaxLayers);
        foreach (var (layer, diffId) in layers.ToList())
        {
            if (open.Count == 0)
            {
                break;
            }

            if (await ReadLayerAsync(source, layer, diffId, open, log, cancellationToken).ConfigureAwait(false) is { } found)
            {
                foreach (var (path, bundle) in found.Bundles)
                {
                    evidence._bundles.Add(path, bundle);
                }

                open.RemoveWhere(path => found.Bundles.ContainsKey(path) || found.Shadow.Hides(path));
            }
        }

        return evidence;
    }

    /// <summary>The bundle of a binary; null if the image carries none.</summary>
    internal byte[]? Of(string name) => _bundles.GetValueOrDefault(NodeImageRecipe.EvidencePath(name));

    private static bool MayHold(Descriptor layer, HashSet<string> wanted) =>
        layer.Size <= MaxLayerBytes && LayerReader.Knows(layer.MediaType)
        && (ClaimedFile.Of(layer) is not { } claim || wanted.Contains(claim.Path));

    private static async Task<LayerEvidence?> ReadLayerAsync(
        IContentSource source, Descriptor layer, Digest diffId, HashSet<string> wanted, IActivityLog log,
        CancellationToken cancellationToken)
    {
        var isLarge = false;
        using var activity = log.Begin("read evidence", layer.Size);
        try
        {
            var found = await new LayerFetch(source, layer, diffId, open: null, activity).RunAsync(
                async (tar, token) =>
                {
                    CappedTar capped = new(tar);
                    await using (capped.ConfigureAwait(false))
                    {
                        try
                        {
                            return await LayerEvidence.ReadAsync(capped, wanted, token).ConfigureAwait(false);
                        }
                        finally
                        {
                            isLarge = capped.IsOver;
                        }
                    }
                },
                cancellationToken).ConfigureAwait(false);
            activity.Complete(layer.Digest.ToString());
            return found;
        }
        catch (HyperkubeException e) when (isLarge && e.Kind == ErrorKind.BadContent)
        {
            return null; // No layer of evidence, however small it was on the way.
        }
    }

    /// <summary>A tar of which only so much is read. The source stays open.</summary>
    private sealed class CappedTar(Stream source) : ReadOnlyStream
    {
        private int _read;

        internal bool IsOver => _read > MaxLayerBytes;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Account(await source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false));

        public override int Read(Span<byte> buffer) => Account(source.Read(buffer));

        private int Account(int count)
        {
            _read += count;
            return IsOver ? throw new InvalidDataException($"the layer inflates to more than {MaxLayerBytes} bytes") : count;
        }
    }
}

/// <summary>What one layer has of the evidence that is wanted.</summary>
internal sealed class LayerEvidence
{
    private LayerEvidence(IReadOnlySet<string> wanted) => Shadow = new LayerShadow(wanted);

    /// <summary>The bundles, by path.</summary>
    internal Dictionary<string, byte[]> Bundles { get; } = new(StringComparer.Ordinal);

    /// <summary>What it hides below it.</summary>
    internal LayerShadow Shadow { get; }

    /// <summary>Reads a tar to its end.</summary>
    /// <exception cref="InvalidDataException">What is wanted is no file, or too large, or the tar is no tar.</exception>
    internal static async Task<LayerEvidence> ReadAsync(Stream tar, IReadOnlySet<string> wanted, CancellationToken cancellationToken)
    {
        LayerEvidence layer = new(wanted);
        UstarReader reader = new(tar);
        while (await reader.NextAsync(cancellationToken).ConfigureAwait(false) is { } entry)
        {
            if (!wanted.Contains(entry.Path))
            {
                layer.Shadow.Note(entry);
                continue;
            }

            LayerShadow.CheckFile(entry, isTwice: layer.Bundles.ContainsKey(entry.Path));
            if (entry.Size > ReleaseTrust.MaxBundleBytes)
            {
                throw new InvalidDataException(
                    $"/{entry.Path} has {entry.Size} bytes; expected evidence of at most {ReleaseTrust.MaxBundleBytes} (256 KiB)");
            }

            var bundle = layer.Bundles[entry.Path] = new byte[entry.Size];
            for (int at = 0, count; (count = await reader.ReadAsync(bundle.AsMemory(at), cancellationToken).ConfigureAwait(false)) > 0;)
            {
                at += count;
            }
        }

        return layer;
    }
}
