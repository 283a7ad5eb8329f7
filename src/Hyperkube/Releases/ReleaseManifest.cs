using System.Text;
using Hyperkube.Oci;

namespace Hyperkube.Releases;

/// <summary>The signed list of all files of a release, <c>kubernetes-release.spdx</c>: it says which version a file is of.</summary>
/// <remarks>
/// Its namespace names the release, so that another release's list, which is truly signed too, cannot stand in for it.
/// Source: https://github.com/kubernetes/release/blob/v0.18.0/pkg/anago/stage.go (AddBinariesToSBOM), and
/// https://spdx.github.io/spdx-spec/v2.3/file-information/
/// </remarks>
internal sealed class ReleaseManifest
{
    /// <summary>Its name in the directory of a version.</summary>
    internal const string FileName = "kubernetes-release.spdx";

    /// <summary>The longest line that counts; licences have longer ones.</summary>
    private const int MaxLineBytes = 4096;

    private const string Namespace = "DocumentNamespace: ";
    private const string File = "FileName: ";
    private const string Sum = "FileChecksum: SHA256: ";

    private readonly Dictionary<string, string> _sums = new(StringComparer.Ordinal);

    private ReleaseManifest()
    {
    }

    internal static string PathOf(KubernetesVersion version) => $"{version}/{FileName}";

    /// <summary>Reads it.</summary>
    /// <param name="content">Tag-value text; the caller disposes it.</param>
    /// <param name="version">The release that it has to be about.</param>
    /// <param name="where">Which file, for messages.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="HyperkubeException">It is about another release, or contradicts itself.</exception>
    internal static async Task<ReleaseManifest> ReadAsync(
        Stream content, KubernetesVersion version, string where, CancellationToken cancellationToken)
    {
        ReleaseManifest manifest = new();
        var expected = $"https://sbom.k8s.io/{version}/release";
        string? about = null, file = null;
        await foreach (var line in LinesAsync(content, cancellationToken).ConfigureAwait(false))
        {
            if (line.StartsWith(Namespace, StringComparison.Ordinal))
            {
                about ??= line[Namespace.Length..];
            }
            else if (line.StartsWith(File, StringComparison.Ordinal))
            {
                file = line[File.Length..].TrimStart('.', '/');
            }
            else if (line.StartsWith("PackageName: ", StringComparison.Ordinal))
            {
                file = null;
            }
            else if (file is not null && line.StartsWith(Sum, StringComparison.Ordinal)
                && file.StartsWith("bin/", StringComparison.Ordinal)
                && !manifest._sums.TryAdd(file, line[Sum.Length..].Trim()))
            {
                throw new HyperkubeException(ErrorKind.BadContent, $"{where}: lists {file} twice; expected once");
            }
        }

        return about == expected
            ? manifest
            : throw new HyperkubeException(
                ErrorKind.BadContent, $"{where}: is about {SmallText.Quote(about ?? "nothing")}; expected {expected}")
            {
                Hint = "do not use the source: it serves another release's list",
            };
    }

    /// <summary>The digest of a binary, 64 lower-case hex digits; null when the list has none of it.</summary>
    internal string? Find(ReleaseFile file) => _sums.GetValueOrDefault($"bin/{file.Platform.Os}/{file.Platform.Architecture}/{file.Name}");

    private static async IAsyncEnumerable<string> LinesAsync(
        Stream content, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var buffer = new byte[64 << 10];
        var line = new byte[MaxLineBytes];
        var (length, isTooLong) = (0, false);
        for (int count; (count = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
        {
            for (var i = 0; i < count; i++)
            {
                if (buffer[i] == '\n')
                {
                    if (!isTooLong)
                    {
                        yield return Encoding.UTF8.GetString(line, 0, length).TrimEnd('\r');
                    }

                    (length, isTooLong) = (0, false);
                }
                else if (length < line.Length)
                {
                    line[length++] = buffer[i];
                }
                else
                {
                    isTooLong = true;
                }
            }
        }

        if (length > 0 && !isTooLong)
        {
            yield return Encoding.UTF8.GetString(line, 0, length).TrimEnd('\r');
        }
    }
}
