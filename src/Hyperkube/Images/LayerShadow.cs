using Hyperkube.Oci.Layers;

namespace Hyperkube.Images;

/// <summary>What a layer hides of the layers below it, as far as that is on the way to what is wanted.</summary>
/// <param name="wanted">Paths in the image, without a slash in front.</param>
/// <remarks>Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts</remarks>
internal sealed class LayerShadow(IReadOnlySet<string> wanted)
{
    private const string Whiteout = ".wh.";
    private const string Opaque = ".wh..wh..opq";

    private readonly HashSet<string> _hidden = new(StringComparer.Ordinal);
    private readonly HashSet<string> _emptied = new(StringComparer.Ordinal);
    private readonly HashSet<string> _noDirectories = new(StringComparer.Ordinal);

    /// <summary>Refuses what is wanted and is no file, or is there twice.</summary>
    /// <exception cref="InvalidDataException">It is so.</exception>
    internal static void CheckFile(TarEntry entry, bool isTwice)
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

        if (isTwice)
        {
            throw new InvalidDataException($"/{entry.Path} is there twice");
        }
    }

    /// <summary>Takes note of an entry that is not itself wanted.</summary>
    /// <exception cref="InvalidDataException">It is a whiteout of no name.</exception>
    internal void Note(TarEntry entry)
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

    /// <summary>Refuses files below what is no directory: whoever unpacks the layer goes through the link, or finds a file where it wants a
    /// directory, and there is no such file for them.</summary>
    /// <exception cref="InvalidDataException">There is one.</exception>
    internal void CheckParents(IEnumerable<string> paths)
    {
        foreach (var path in paths)
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

    // Of a tar with a million names only those count that are on the way to what is wanted.
    private void AddTo(HashSet<string> paths, string path)
    {
        if (path.Length == 0 || wanted.Any(w => w == path || (w.Length > path.Length && w[path.Length] == '/'
            && w.StartsWith(path, StringComparison.Ordinal))))
        {
            paths.Add(path);
        }
    }

    private static string DirectoryOf(string path) => path[..Math.Max(0, path.LastIndexOf('/'))];
}
