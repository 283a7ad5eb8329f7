using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layers;
using Hyperkube.Releases;

namespace Hyperkube.Host;

/// <summary>What one layer has of what is wanted, and what it hides below it.</summary>
/// <remarks>Disposing removes what is staged and was not renamed.</remarks>
internal sealed class LayerFiles : IDisposable
{
    private readonly Dictionary<string, StagedBinary> _files = new(StringComparer.Ordinal);
    private readonly LayerShadow _shadow;

    private LayerFiles(IReadOnlySet<string> wanted) => _shadow = new LayerShadow(wanted);

    /// <summary>Reads a tar to its end, and stages what is wanted of it.</summary>
    /// <param name="tar">The layer's.</param>
    /// <param name="wanted">Paths in the image, without a slash in front.</param>
    /// <param name="stage">Begins a file of a path and a size.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidDataException">What is wanted is no file that can be installed, or the tar is no tar.</exception>
    internal static async Task<LayerFiles> ReadAsync(
        Stream tar, IReadOnlySet<string> wanted, Func<string, long, StagedBinary> stage, CancellationToken cancellationToken)
    {
        LayerFiles layer = new(wanted);
        try
        {
            UstarReader reader = new(tar);
            var buffer = new byte[StreamSizes.CopyBytes];
            while (await reader.NextAsync(cancellationToken).ConfigureAwait(false) is { } entry)
            {
                if (wanted.Contains(entry.Path))
                {
                    var staged = layer.Begin(entry, stage);
                    for (int count; (count = await reader.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
                    {
                        staged.Append(buffer.AsSpan(0, count));
                    }
                }
                else
                {
                    layer._shadow.Note(entry);
                }
            }

            layer._shadow.CheckParents(layer._files.Keys);
            return layer;
        }
        catch
        {
            layer.Dispose();
            throw;
        }
    }

    /// <summary>Takes out the file of a path; null if the layer has none. The caller disposes it.</summary>
    internal StagedBinary? Take(string path) => _files.Remove(path, out var staged) ? staged : null;

    /// <summary>What the file of a path is; null if the layer has none.</summary>
    internal Descriptor? ContentOf(string path) => _files.GetValueOrDefault(path)?.Content;

    /// <summary>The file of a path, which the layer has.</summary>
    internal StagedBinary Of(string path) => _files[path];

    internal bool Has(string path) => _files.ContainsKey(path);

    /// <summary>Whether what is at a path in the layers below can no longer be seen.</summary>
    internal bool Hides(string path) => _shadow.Hides(path);

    public void Dispose()
    {
        foreach (var staged in _files.Values)
        {
            staged.Dispose();
        }
    }

    private StagedBinary Begin(TarEntry entry, Func<string, long, StagedBinary> stage)
    {
        LayerShadow.CheckFile(entry, isTwice: _files.ContainsKey(entry.Path));
        FileLimits.Check($"/{entry.Path}", entry.Size);
        var staged = _files[entry.Path] = stage(entry.Path, entry.Size);
        if (entry.Size == 0)
        {
            staged.Complete();
        }

        return staged;
    }
}
