using Hyperkube.Oci;

namespace Hyperkube.Releases;

/// <summary>Finds releases and checks their files: the one way to a <see cref="VerifiedBinary"/>.</summary>
/// <param name="sources">Tried in this order; at least one.</param>
/// <param name="log">Told what happens.</param>
public sealed class ReleaseVerifier(IReadOnlyList<IReleaseSource> sources, IActivityLog log)
{
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

    /// <summary>Gets a file and checks it.</summary>
    /// <returns>The binary, which the caller disposes.</returns>
    /// <exception cref="HyperkubeException">No source has it, or what they have is not right.</exception>
    public Task<VerifiedBinary> FetchAsync(ReleaseFile file, CancellationToken cancellationToken) =>
        FromFirstAsync(
            source => FetchAsync(source, file, cancellationToken),
            file.Path,
            NotYet(file));

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

                failures.Add(NotThere(source, what, hint));
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

        throw failures.MinBy(f => Severity(f.Kind))!;
    }

    private static HyperkubeException NotThere(IReleaseSource source, string path, string hint) =>
        new(ErrorKind.NotFound, $"{source.Location}/{path}: not there") { Hint = hint };

    private static string NotYet(ReleaseFile file) =>
        $"check that {file.Version} is released with {file}, and try again later: upstream tags a release before its binaries are there";

    // Wrong bytes weigh most, an absence least: a source that could not be asked might have it.
    private static int Severity(ErrorKind kind) => kind switch
    {
        ErrorKind.BadDigest or ErrorKind.BadContent => 0,
        ErrorKind.AccessDenied => 1,
        ErrorKind.NotFound => 3,
        _ => 2,
    };

    private async Task<VerifiedBinary?> FetchAsync(IReleaseSource source, ReleaseFile file, CancellationToken cancellationToken)
    {
        var where = $"{source.Location}/{file.Path}";
        var sha256 = await ChecksumAsync(source, file, "sha256", 64, cancellationToken).ConfigureAwait(false);
        var sha512 = await ChecksumAsync(source, file, "sha512", 128, cancellationToken).ConfigureAwait(false);
        using var activity = log.Begin($"fetch {file}", totalBytes: null);
        var content = await source.FetchAsync(file.Path, Digest.Parse($"sha256:{sha256}"), activity, cancellationToken)
            .ConfigureAwait(false);
        if (content is null)
        {
            return null;
        }

        try
        {
            CheckProgram(content, file.Platform, where); // First, because it tells an error page from a bad transfer.
            CheckSum(where, "SHA-256", sha256, content.Sha256.Hex);
            CheckSum(where, "SHA-512", sha512, content.Sha512);
            activity.Complete($"{(content.WasCached ? "checked" : "downloaded and checked")}, sha256:{content.Sha256.Hex[..12]}…");
            return new VerifiedBinary(file, content, source.Location, Verification.Checksum);
        }
        catch
        {
            content.Dispose();
            throw;
        }
    }

    private static void CheckProgram(HashedFile file, Platform platform, string where)
    {
        using var content = file.OpenRead();
        _ = ElfFile.Check(content, platform, where);
    }

    private static void CheckSum(string where, string algorithm, string expected, string actual)
    {
        if (expected != actual)
        {
            throw new HyperkubeException(ErrorKind.BadDigest, $"{where}: the {algorithm} is {actual}; expected {expected}")
            {
                Hint = "fetch it again, or from another --source; if it stays so, tell whoever runs the source",
            };
        }
    }

    // Upstream writes the hex digits alone; sha256sum writes the file's name behind them.
    private static async Task<string> ChecksumAsync(
        IReleaseSource source, ReleaseFile file, string extension, int digits, CancellationToken cancellationToken)
    {
        var path = $"{file.Path}.{extension}";
        var text = await source.ReadTextAsync(path, cancellationToken).ConfigureAwait(false)
            ?? throw NotThere(source, path, NotYet(file));
        var sum = text.Split([' ', '\t', '\n'], 2)[0];
        return sum.Length == digits && sum.All(c => char.IsAsciiDigit(c) || c is >= 'a' and <= 'f')
            ? sum
            : throw new HyperkubeException(ErrorKind.BadContent,
                $"{source.Location}/{path}: {SmallText.Quote(text)}; expected {digits} lowercase hex digits");
    }
}
