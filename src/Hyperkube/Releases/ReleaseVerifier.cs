using Hyperkube.Oci;

namespace Hyperkube.Releases;

/// <summary>Finds releases and checks their files: the one way to a <see cref="VerifiedBinary"/>.</summary>
/// <param name="sources">Tried in this order; at least one.</param>
/// <param name="evidence">Finds what proves who made them; null when their source's checksums are enough.</param>
/// <param name="log">Told what happens.</param>
public sealed class ReleaseVerifier(IReadOnlyList<IReleaseSource> sources, EvidenceFinder? evidence, IActivityLog log)
{
    /// <summary>Of December 2022.</summary>
    /// <remarks>Source: https://kubernetes.io/blog/2022/12/12/kubernetes-release-artifact-signing/</remarks>
    internal static readonly KubernetesVersion FirstSigned = new(1, 26, 0);

    /// <summary>Finds the version that a name stands for.</summary>
    /// <exception cref="HyperkubeException">No source knows it.</exception>
    public async Task<KubernetesVersion> ResolveAsync(ReleaseName name, CancellationToken cancellationToken)
    {
        if (name.Version is { } version)
        {
            return version;
        }

        return await FromFirstAsync(
            async source =>
            {
                var text = await source.ReadTextAsync($"{name.Marker}.txt", cancellationToken).ConfigureAwait(false);
                return text is null || KubernetesVersion.TryParse(text, null, out var resolved)
                    ? text is null ? null : KubernetesVersion.Parse(text)
                    : throw new HyperkubeException(ErrorKind.BadContent,
                        $"{source.Location}/{name.Marker}.txt: {SmallText.Quote(text)}; expected a version such as v1.34.2");
            },
            $"{name.Marker}.txt",
            "name a version, such as v1.34.2").ConfigureAwait(false);
    }

    /// <summary>Gets the files of a release and checks them.</summary>
    /// <param name="files">Which, all of one version.</param>
    /// <param name="jobs">How many at once.</param>
    /// <param name="cancellationToken">What has come so far is kept for the next time.</param>
    /// <returns>The release, which the caller disposes.</returns>
    /// <exception cref="HyperkubeException">Of one of them, no source has it, or what they have is not right; the most serious failure.
    /// </exception>
    public async Task<VerifiedRelease> FetchAsync(IReadOnlyList<ReleaseFile> files, int jobs, CancellationToken cancellationToken)
    {
        CheckSigned(files);
        ReleaseFetch fetch = new(files, evidence, jobs, log);
        try
        {
            foreach (var source in sources)
            {
                if (!fetch.IsWhole)
                {
                    await fetch.RunAsync(source, isLast: source == sources[^1], cancellationToken).ConfigureAwait(false);
                }
            }

            return fetch.Take();
        }
        catch
        {
            fetch.Dispose();
            throw;
        }
    }

    private void CheckSigned(IReadOnlyList<ReleaseFile> files)
    {
        if (evidence is not null && files.FirstOrDefault(f => f.Version.CompareTo(FirstSigned) < 0) is { } unsigned)
        {
            throw new HyperkubeException(
                ErrorKind.Usage, $"--verify signature: {unsigned.Version} is not signed; upstream signs binaries since {FirstSigned}")
            {
                Hint = "--verify checksum, if the source alone is trusted",
            };
        }
    }

    // One source that is down, or serves wrong bytes, must not keep the next from being asked.
    private async Task<T> FromFirstAsync<T>(Func<IReleaseSource, Task<T?>> ask, string what, string hint)
        where T : class
    {
        List<HyperkubeException> failures = [];
        foreach (var source in sources)
        {
            try
            {
                if (await ask(source).ConfigureAwait(false) is { } answer)
                {
                    return answer;
                }

                failures.Add(ReleaseFetch.NotThere(source, what, hint));
            }
            catch (HyperkubeException e) when (e.Kind != ErrorKind.Usage)
            {
                failures.Add(e);
            }

            if (source != sources[^1])
            {
                log.Warn($"{failures[^1].Message}; trying the next source");
            }
        }

        throw ReleaseFetch.MostSerious(failures);
    }
}
