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
    /// <summary>What beside the checksum tells one publication from another: the evidence.</summary>
    private static readonly string[] Evidence = [".sigstore.json", ".sig", ".cert"];

    /// <summary>A bundle has 8 KB, a certificate 2.</summary>
    private const int MaxEvidenceBytes = ReleaseTrust.MaxBundleBytes;

    private const int MaxChecksumBytes = 4 << 10;

    /// <summary>The same while upstream serves the same checksums and evidence: 64 hex digits; null when nobody asked for it.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>Asks for the checksum of each binary.</summary>
    /// <param name="files">Where.</param>
    /// <param name="version">Of which release.</param>
    /// <param name="wanted">Which binaries.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<UpstreamRelease> AskAsync(
        UpstreamFiles files, KubernetesVersion version, IEnumerable<ReleaseFile> wanted, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(files);
        var binaries = await Task.WhenAll(wanted.Select(async file =>
            new UpstreamBinary(file, await ChecksumAsync(files, file, cancellationToken).ConfigureAwait(false)))).ConfigureAwait(false);
        return new UpstreamRelease(version, binaries);
    }

    /// <summary>The same, with its fingerprint.</summary>
    public async Task<UpstreamRelease> WithFingerprintAsync(UpstreamFiles files, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(files);
        StringBuilder all = new();
        foreach (var binary in Binaries.OrderBy(b => b.File.Path, StringComparer.Ordinal))
        {
            all.Append(binary.File.Path).Append(' ').Append(binary.Sha256 ?? "-").Append('\n');
            foreach (var suffix in Evidence)
            {
                var path = binary.File.Path + suffix;
                var content = await files.ReadAsync(path, MaxEvidenceBytes, cancellationToken).ConfigureAwait(false);
                all.Append(path).Append(' ').Append(content is null ? "-" : Digest.Of(content.Bytes.Span).Hex).Append('\n');
            }
        }

        return this with { Fingerprint = Digest.Of(Encoding.UTF8.GetBytes(all.ToString())).Hex };
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
