using System.Text;
using Hyperkube.Oci;
using Hyperkube.Releases;

namespace Hyperkube.Publishing;

/// <summary>One number for all that decides whether a release passes: it is another one after any repair upstream.</summary>
/// <remarks>Of each binary, and of the release's signed list: the checksums and the evidence, whole; of the file itself what its source
/// says of it without sending it. Of every source, since what one has wrong is asked of the next.</remarks>
internal static class UpstreamFingerprint
{
    /// <summary>What upstream keeps beside a file.</summary>
    private static readonly string[] Beside = [".sha256", ".sha512", ".sigstore.json", ".sig", ".cert"];

    /// <summary>A bundle has 8 KB, a certificate 2.</summary>
    private const int MaxBytes = ReleaseTrust.MaxBundleBytes;

    /// <summary>Asks for all of it.</summary>
    /// <returns>64 hex digits.</returns>
    /// <exception cref="HyperkubeException">A source could not be asked.</exception>
    internal static async Task<string> OfAsync(
        UpstreamFiles files, KubernetesVersion version, IEnumerable<ReleaseFile> wanted, CancellationToken cancellationToken)
    {
        var paths = wanted.Select(f => f.Path).Append(ReleaseManifest.PathOf(version)).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal).ToList();
        StringBuilder all = new();
        foreach (var source in files.Sources)
        {
            foreach (var path in paths)
            {
                var states = await Task.WhenAll(
                    [
                        StampAsync(source, path, cancellationToken),
                        .. Beside.Select(suffix => ContentAsync(source, path + suffix, cancellationToken)),
                    ]).ConfigureAwait(false);
                all.Append(path).Append(' ').AppendJoin(' ', states.Select(s => s ?? "-")).Append('\n');
            }
        }

        return Digest.Of(Encoding.UTF8.GetBytes(all.ToString())).Hex;
    }

    private static async Task<string?> StampAsync(IReleaseSource source, string path, CancellationToken cancellationToken) =>
        (await source.StampAsync(path, cancellationToken).ConfigureAwait(false))?.State;

    private static async Task<string?> ContentAsync(IReleaseSource source, string path, CancellationToken cancellationToken)
    {
        try
        {
            return await source.ReadAsync(path, MaxBytes, cancellationToken).ConfigureAwait(false) is { } content
                ? Digest.Of(content).Hex
                : null;
        }
        catch (HyperkubeException e) when (e.Kind == ErrorKind.BadContent)
        {
            return "too large"; // Broken in itself: the repair is smaller.
        }
    }
}
