using System.Text;
using Hyperkube.Oci;
using Hyperkube.Releases;

namespace Hyperkube.Publishing;

/// <summary>What upstream says of a binary: its checksum, or nothing.</summary>
/// <param name="File">Which.</param>
/// <param name="Sha256">64 hex digits; null while it is not there.</param>
public sealed record UpstreamBinary(ReleaseFile File, string? Sha256);

/// <summary>How far upstream has published a release.</summary>
/// <param name="Version">Which.</param>
/// <param name="Binaries">Those that were asked for.</param>
public sealed record UpstreamRelease(KubernetesVersion Version, IReadOnlyList<UpstreamBinary> Binaries)
{
    private const int MaxChecksumBytes = 4 << 10;

    /// <summary>Whether all that was asked for is there.</summary>
    public bool IsWhole => Binaries.Count > 0 && Binaries.All(b => b.Sha256 is not null);

    /// <summary>Asks for the checksum of each binary.</summary>
    /// <param name="files">Where.</param>
    /// <param name="version">Of which release.</param>
    /// <param name="wanted">Which binaries, each once.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<UpstreamRelease> AskAsync(
        UpstreamFiles files, KubernetesVersion version, IEnumerable<ReleaseFile> wanted, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(files);
        var binaries = await Task.WhenAll(wanted.Select(async file =>
            new UpstreamBinary(file, await ChecksumAsync(files, file, cancellationToken).ConfigureAwait(false)))).ConfigureAwait(false);
        return new UpstreamRelease(version, binaries);
    }

    // Upstream writes the hex digits alone; sha256sum writes the file's name behind them.
    private static async Task<string?> ChecksumAsync(UpstreamFiles files, ReleaseFile file, CancellationToken cancellationToken)
    {
        if (await files.ReadAsync($"{file.Path}.sha256", MaxChecksumBytes, cancellationToken).ConfigureAwait(false) is not { } content)
        {
            return null;
        }

        var text = Encoding.UTF8.GetString(content.Bytes.Span).Trim();
        var sum = text.Split([' ', '\t', '\n'], 2)[0];
        return Digest.TryParse($"sha256:{sum}", null, out _)
            ? sum
            : throw new HyperkubeException(
                ErrorKind.BadContent, $"{content.Where}: {SmallText.Quote(text)}; expected 64 lowercase hex digits");
    }
}
