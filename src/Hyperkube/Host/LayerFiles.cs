using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layers;
using Hyperkube.Releases;

namespace Hyperkube.Host;

/// <summary>What one layer has of what is wanted, and what it hides below it.</summary>
/// <remarks>Disposing removes what is staged and was not renamed.</remarks>
internal sealed class LayerFiles : IDisposable
{
    private const string Whiteout = ".wh.";
    private const string Opaque = ".wh..wh..opq";

    private readonly Dictionary<string, StagedBinary> _files = new(StringComparer.Ordinal);
    private readonly HashSet<string> _hidden = new(StringComparer.Ordinal);
    private readonly HashSet<string> _emptied = new(StringComparer.Ordinal);
    private readonly HashSet<string> _noDirectories = new(StringComparer.Ordinal);

    private readonly IReadOnlySet<string> _wanted;

    private LayerFiles(IReadOnlySet<string> wanted) => _wanted = wanted;

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
                    layer.Note(entry);
                }
            }

            layer.CheckParents();
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
    internal bool Hides(string path)
    {
        var isHidden = _hidden.Contains(path);
        for (var parent = path; parent.Length > 0 && !isHidden;)
        {
            parent = DirectoryOf(parent);
            isHidden = _hidden.Contains(parent) || _emptied.Contains(parent);
        }

        return isHidden;
    }

    public void Dispose()
    {
        foreach (var staged in _files.Values)
        {
            staged.Dispose();
        }
    }

    private StagedBinary Begin(TarEntry entry, Func<string, long, StagedBinary> stage)
    {
        if (entry.Kind != TarEntryKind.File)
        {
            throw new InvalidDataException($"/{entry.Path} is a {(entry.Kind switch
            {
                TarEntryKind.Directory => "directory",
                TarEntryKind.Link => "link",
                _ => "device, pipe or sparse file",
            })}; expected a regular file");
        }

        if (_files.ContainsKey(entry.Path))
        {
            throw new InvalidDataException($"/{entry.Path} is there twice");
        }

        FileLimits.Check($"/{entry.Path}", entry.Size);
        var staged = _files[entry.Path] = stage(entry.Path, entry.Size);
        if (entry.Size == 0)
        {
            staged.Complete();
        }

        return staged;
    }

    // Whoever unpacks the layer goes through the link, or finds a file where it wants a directory: there is no such file for them.
    private void CheckParents()
    {
        foreach (var path in _files.Keys)
        {
            for (var parent = DirectoryOf(path); parent.Length > 0; parent = DirectoryOf(parent))
            {
                if (_noDirectories.Contains(parent))
                {
                    throw new InvalidDataException($"/{parent} is no directory; expected one, with /{path} in it");
                }
            }
        }
    }

    // https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts
    private void Note(TarEntry entry)
    {
        var (directory, name) = (DirectoryOf(entry.Path), Path.GetFileName(entry.Path));
        if (name == Opaque)
        {
            AddTo(_emptied, directory);
        }
        else if (name is Whiteout or ".wh.." or ".wh...")
        {
            throw new InvalidDataException($"/{entry.Path} is a whiteout of no name");
        }
        else if (name.StartsWith(Whiteout, StringComparison.Ordinal))
        {
            AddTo(_hidden, directory.Length == 0 ? name[Whiteout.Length..] : $"{directory}/{name[Whiteout.Length..]}");
        }
        else if (entry.Kind != TarEntryKind.Directory)
        {
            AddTo(_hidden, entry.Path); // A file where a directory was.
            AddTo(_noDirectories, entry.Path);
        }
    }

    // Of a tar with a million names only those count that are on the way to what is wanted.
    private void AddTo(HashSet<string> paths, string path)
    {
        if (path.Length == 0 || _wanted.Any(w => w == path || (w.Length > path.Length && w[path.Length] == '/'
            && w.StartsWith(path, StringComparison.Ordinal))))
        {
            paths.Add(path);
        }
    }

    private static string DirectoryOf(string path) => path[..Math.Max(0, path.LastIndexOf('/'))];
}
