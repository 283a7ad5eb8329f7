using Hyperkube.Oci;

namespace Hyperkube.Releases;

/// <summary>Small files of upstream, from the first source that has them.</summary>
/// <param name="sources">Asked in this order; at least one.</param>
/// <param name="log">Told of sources that were passed over.</param>
public sealed class UpstreamFiles(IReadOnlyList<IReleaseSource> sources, IActivityLog log)
{
    /// <summary>The first source, for a person.</summary>
    public string Location => sources[0].Location;

    /// <summary>Who is asked, in this order.</summary>
    internal IReadOnlyList<IReleaseSource> Sources => sources;

    /// <summary>Reads a file.</summary>
    /// <param name="path">Below a source's root.</param>
    /// <param name="maxBytes">More is refused.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The file, or null when every source says that it is not there.</returns>
    /// <exception cref="HyperkubeException">No source has it, and one of them could not be asked.</exception>
    public Task<UpstreamFile?> ReadAsync(string path, int maxBytes, CancellationToken cancellationToken) => FirstAsync(
        async source => await source.ReadAsync(path, maxBytes, cancellationToken).ConfigureAwait(false) is { } content
            ? new UpstreamFile(content, $"{source.Location}/{path}")
            : null);

    /// <summary>Says what tells one state of a file from another.</summary>
    /// <inheritdoc cref="ReadAsync"/>
    internal Task<FileStamp?> StampAsync(string path, CancellationToken cancellationToken) =>
        FirstAsync(source => source.StampAsync(path, cancellationToken));

    private async Task<T?> FirstAsync<T>(Func<IReleaseSource, Task<T?>> ask)
        where T : class
    {
        HyperkubeException? failure = null;
        foreach (var source in sources)
        {
            try
            {
                if (await ask(source).ConfigureAwait(false) is { } answer)
                {
                    return answer;
                }
            }
            catch (HyperkubeException e) when (e.Kind != ErrorKind.Usage)
            {
                failure ??= e;
                if (source != sources[^1])
                {
                    log.Warn($"{e.Message}; trying the next source");
                }
            }
        }

        return failure is null ? null : throw failure;
    }
}

/// <summary>A file of upstream.</summary>
/// <param name="Bytes">Its content.</param>
/// <param name="Where">Where it came from, for a person.</param>
public sealed record UpstreamFile(ReadOnlyMemory<byte> Bytes, string Where);
