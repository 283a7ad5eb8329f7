using System.Security.Cryptography;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layers;
using Hyperkube.Releases;

namespace Hyperkube.Host;

/// <summary>A binary in an image, and what the bytes themselves say.</summary>
/// <param name="Path">Where, without a slash in front.</param>
/// <param name="Sha256">Of its bytes.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Built">What it was built from; null with a failure.</param>
/// <param name="Failure">Why it cannot be what it is called; null if it can.</param>
internal sealed record FoundBinary(string Path, Digest Sha256, long Size, GoBuildInfo? Built, HyperkubeException? Failure)
{
    internal string Name => System.IO.Path.GetFileName(Path);
}

/// <summary>Reads all layers of an image, the lowest first, and looks at each binary as it passes: what is left at the end is what can be
/// seen.</summary>
/// <param name="source">Where the layers are.</param>
/// <param name="image">The image.</param>
/// <param name="scratch">Holds one binary at a time.</param>
/// <param name="names">The only binaries that count; none for all.</param>
/// <param name="log">Told of each layer.</param>
internal sealed class ImageWalk(
    IContentSource source, PlatformImage image, ScratchFile scratch, IReadOnlyList<string> names, IActivityLog log)
{
    /// <summary>An image of a whole system has some thousands of programs. Nobody reads a longer answer.</summary>
    private const int MaxBinaries = 10_000;

    /// <summary>Ours or another's: it is in no release, and nobody installs it.</summary>
    private const string Sleep = "sleep";

    private const string Whiteout = ".wh.";
    private const string Opaque = ".wh..wh..opq";
    private const UnixFileMode AnyExecute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly SortedSet<string> _paths = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FoundBinary> _seen = new(StringComparer.Ordinal);

    /// <summary>Reads them.</summary>
    /// <returns>The binaries that can be seen, by path.</returns>
    internal async Task<IReadOnlyList<FoundBinary>> RunAsync(CancellationToken cancellationToken)
    {
        foreach (var (layer, diffId) in image.Layers.Zip(image.DiffIds))
        {
            using var activity = log.Begin($"read {image.Platform} {ClaimedFile.Of(layer)?.Path ?? "layer"}", layer.Size);
            var found = await new LayerFetch(source, layer, diffId, open: null, activity)
                .RunAsync((tar, token) => ReadAsync(layer, tar, token), cancellationToken).ConfigureAwait(false);
            foreach (var binary in found)
            {
                _seen[binary.Path] = binary;
                _paths.Add(binary.Path);
            }

            activity.Complete(layer.Digest.ToString());
        }

        return [.. _paths.Select(path => _seen[path])];
    }

    // Again from the start when a mirror was wrong: what it hides below is hidden already then.
    private async Task<IReadOnlyCollection<FoundBinary>> ReadAsync(Descriptor layer, Stream tar, CancellationToken cancellationToken)
    {
        var claim = ClaimedFile.Of(layer);
        Dictionary<string, FoundBinary> found = new(StringComparer.Ordinal);
        UstarReader reader = new(tar);
        while (await reader.NextAsync(cancellationToken).ConfigureAwait(false) is { } entry)
        {
            Hide(entry);
            found.Remove(entry.Path);
            if (!IsBinary(entry, claim))
            {
                continue;
            }

            found.Add(entry.Path, await LookAsync(reader, entry, claim, cancellationToken).ConfigureAwait(false));
            if (found.Count + _seen.Count > MaxBinaries)
            {
                throw new HyperkubeException(ErrorKind.BadContent, $"{image.Root.Digest}: more than {MaxBinaries} programs")
                {
                    Hint = "name those that matter with --name",
                };
            }
        }

        return claim is null || found.ContainsKey(claim.Path) || !IsAsked(claim.Path) ? found.Values
            : throw new InvalidDataException($"it has no /{claim.Path}; its annotations say that it has");
    }

    private bool IsBinary(TarEntry entry, ClaimedFile? claim) =>
        entry.Kind == TarEntryKind.File && entry.Path != Sleep && IsAsked(entry.Path) && !IsAbout(entry.Path)
        && (names.Count > 0 || (entry.Mode & AnyExecute) != UnixFileMode.None || entry.Path == claim?.Path);

    // Evidence, or what is not there: whatever mode other tools give them.
    private static bool IsAbout(string path) => Path.GetFileName(path).StartsWith(Whiteout, StringComparison.Ordinal)
        || (!path.Contains('/', StringComparison.Ordinal) && path.EndsWith(NodeImageRecipe.EvidencePath(""), StringComparison.Ordinal));

    private bool IsAsked(string path) => names.Count == 0 || names.Contains(Path.GetFileName(path), StringComparer.Ordinal);

    private async Task<FoundBinary> LookAsync(UstarReader reader, TarEntry entry, ClaimedFile? claim, CancellationToken cancellationToken)
    {
        var where = $"{image.Platform} /{entry.Path}";
        FileLimits.Check(where, entry.Size);
        scratch.Clear();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[StreamSizes.CopyBytes];
        for (int count; (count = await reader.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
        {
            hash.AppendData(buffer, 0, count);
            scratch.Append(buffer.AsSpan(0, count));
        }

        var sha256 = Digest.FromHash(hash.GetCurrentHash());
        try
        {
            return claim?.Path != entry.Path || (claim.Sha256, claim.Size) == (sha256, entry.Size)
                ? new FoundBinary(
                    entry.Path, sha256, entry.Size,
                    BinaryBinding.Check(scratch.Read(), image.Platform, Path.GetFileName(entry.Path), where), Failure: null)
                : throw new HyperkubeException(
                    ErrorKind.BadContent,
                    $"{where}: is {sha256}, {entry.Size} bytes; its layer's annotations say {claim.Sha256}, {claim.Size}");
        }
        catch (HyperkubeException e) when (e.Kind == ErrorKind.BadContent)
        {
            return new FoundBinary(entry.Path, sha256, entry.Size, Built: null, e);
        }
    }

    // https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts
    private void Hide(TarEntry entry)
    {
        var (directory, name) = (entry.Path[..(entry.Path.LastIndexOf('/') + 1)], Path.GetFileName(entry.Path));
        if (name == Opaque)
        {
            HideBelow(directory);
            return;
        }

        var hidden = name.StartsWith(Whiteout, StringComparison.Ordinal) ? directory + name[Whiteout.Length..] : entry.Path;
        if (_paths.Remove(hidden))
        {
            _seen.Remove(hidden);
        }

        if (hidden != entry.Path || entry.Kind != TarEntryKind.Directory)
        {
            HideBelow($"{hidden}/");
        }
    }

    /// <param name="directory">With the slash at its end; empty for the root.</param>
    private void HideBelow(string directory)
    {
        var below = directory.Length == 0 ? _paths : _paths.GetViewBetween(directory, $"{directory[..^1]}{(char)('/' + 1)}");
        foreach (var path in below.ToList())
        {
            _paths.Remove(path);
            _seen.Remove(path);
        }
    }
}
