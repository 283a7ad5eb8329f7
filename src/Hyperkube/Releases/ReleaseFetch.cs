using Hyperkube.Oci;

namespace Hyperkube.Releases;

/// <summary>One fetch of files of a release: what one source does not have, or has wrong, is asked of the next.</summary>
/// <remarks>
/// Of each source first all that is small: checksums and signatures. So a file that nobody signed, or that was signed for
/// another name, is refused before the first of its many bytes is fetched. The first signed list of the release that is found holds for
/// all sources: one that leaves it out gains nothing.
/// </remarks>
internal sealed class ReleaseFetch(IReadOnlyList<ReleaseFile> files, EvidenceFinder? finder, int jobs, IActivityLog log) : IDisposable
{
    private readonly VerifiedBinary?[] _fetched = new VerifiedBinary?[files.Count];
    private readonly List<HyperkubeException>[] _failures = [.. files.Select(_ => new List<HyperkubeException>())];
    private VerifiedDocument? _list;
    private ReleaseManifest? _manifest;
    private bool _hasFailed; // Something, at the source that is being asked.

    internal bool IsWhole => _fetched.All(f => f is not null);

    internal static HyperkubeException NotThere(IReleaseSource source, string path, string hint) =>
        new(ErrorKind.NotFound, $"{source.Location}/{path}: not there") { Hint = hint };

    /// <summary>Gives away what was fetched.</summary>
    /// <exception cref="HyperkubeException">Something is missing.</exception>
    internal VerifiedRelease Take() => IsWhole
        ? new VerifiedRelease([.. _fetched.Select(f => f!)], _list)
        : throw Seriousness.Most(_failures.Where((_, i) => _fetched[i] is null).SelectMany(f => f), f => f.Kind);

    /// <summary>Asks one source for all that is still missing.</summary>
    internal async Task RunAsync(IReleaseSource source, bool isLast, CancellationToken cancellationToken)
    {
        _hasFailed = false;
        List<int> open = [.. Enumerable.Range(0, files.Count).Where(i => _fetched[i] is null)];
        var sums = new Checksums?[files.Count];
        await EachAsync(
            open, isLast, async (i, token) => sums[i] = await ReadChecksumsAsync(source, files[i], token).ConfigureAwait(false),
                cancellationToken)
            .ConfigureAwait(false);
        open.RemoveAll(i => sums[i] is null);
        var found = new FoundEvidence?[files.Count];
        if (finder is not null && open.Count > 0 && !(isLast && _hasFailed))
        {
            await FindEvidenceAsync(source, open, sums, found, cancellationToken).ConfigureAwait(false);
            open.RemoveAll(i => found[i]?.Failure is { } failure && Fail(i, failure));
        }

        if (!(isLast && _hasFailed))
        {
            await EachAsync(
                open,
                isLast,
                async (i, token) => _fetched[i] = await FetchAsync(source, files[i], sums[i]!, found[i], token).ConfigureAwait(false),
                cancellationToken).ConfigureAwait(false);
        }

        foreach (var failure in isLast ? [] : _failures.Where((f, i) => _fetched[i] is null && f.Count > 0).Select(f => f[^1]).Distinct())
        {
            log.Warn($"{failure.Message}; trying the next source");
        }
    }

    public void Dispose()
    {
        _list?.Dispose();
        foreach (var binary in _fetched)
        {
            binary?.Dispose();
        }
    }

    private bool Fail(int i, HyperkubeException failure)
    {
        lock (_failures)
        {
            _hasFailed = true;
            _failures[i].Add(failure);
            return true;
        }
    }

    // At the last source one failure ends it all: the release cannot be had any more. What has come is kept.
    private async Task EachAsync(List<int> which, bool isLast, Func<int, CancellationToken, Task> run, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await Parallel.ForEachAsync(
                which,
                new ParallelOptions { MaxDegreeOfParallelism = jobs, CancellationToken = stop.Token },
                async (i, token) =>
                {
                    try
                    {
                        await run(i, token).ConfigureAwait(false);
                    }
                    catch (HyperkubeException e) when (e.Kind != ErrorKind.Usage)
                    {
                        Fail(i, e);
                        if (isLast)
                        {
                            await stop.CancelAsync().ConfigureAwait(false);
                        }
                    }
                }).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_hasFailed && !cancellationToken.IsCancellationRequested)
        {
            // The failure is what matters.
        }
    }

    // With the list of the release, unless it is known already; its signature is looked for along with the others'.
    private async Task FindEvidenceAsync(
        IReleaseSource source, List<int> open, Checksums?[] sums, FoundEvidence?[] found, CancellationToken cancellationToken)
    {
        var version = files[open[0]].Version;
        var path = ReleaseManifest.PathOf(version);
        var listSum = _manifest is null ? await ReadListChecksumAsync(source, path, cancellationToken).ConfigureAwait(false) : null;
        List<SignedFile> signed = [.. open.Select(i => new SignedFile(files[i].Path, sums[i]!.Sha256, files[i]))];
        if (listSum is { } sum)
        {
            signed.Add(new SignedFile(path, sum, Binary: null));
        }

        var evidence = await finder!.FindAsync(source, signed, cancellationToken).ConfigureAwait(false);
        foreach (var (i, at) in open.Select((i, at) => (i, at)))
        {
            found[i] = evidence[at];
        }

        if (_manifest is not null)
        {
            return;
        }

        if (listSum is null || evidence[^1].Failure is { Kind: ErrorKind.Unsigned })
        {
            log.Warn($"{source.Location}/{path}: {(listSum is null ? "not there" : "not signed")}; "
                + $"so nothing but the source says that these files are {version}");
            return;
        }

        try
        {
            _manifest = evidence[^1].Failure is { } failure ? throw failure
                : await ReadListAsync(source, path, version, listSum.Value, evidence[^1].Evidence!, cancellationToken)
                    .ConfigureAwait(false);
        }
        catch (HyperkubeException e) when (e.Kind != ErrorKind.Usage)
        {
            open.ForEach(i => found[i] = new FoundEvidence(e));
            return;
        }

        CheckEarlier(_manifest);
    }

    // What came by the word of a source that had no list.
    private void CheckEarlier(ReleaseManifest manifest)
    {
        for (var i = 0; i < files.Count; i++)
        {
            if (_fetched[i] is not { } binary)
            {
                continue;
            }

            try
            {
                CheckListed($"{binary.Source}/{binary.File.Path}", binary.File, binary.Digest, manifest);
                binary.IsVersionProved = true;
            }
            catch (HyperkubeException e)
            {
                Fail(i, e);
                _fetched[i] = null;
                binary.Dispose();
            }
        }
    }

    private async Task<ReleaseManifest> ReadListAsync(
        IReleaseSource source, string path, KubernetesVersion version, Digest sum, BinaryEvidence evidence,
            CancellationToken cancellationToken)
    {
        using var activity = log.Begin($"fetch {ReleaseManifest.FileName}", totalBytes: null);
        var content = await source.FetchAsync(path, sum, activity, cancellationToken).ConfigureAwait(false)
            ?? throw NotThere(source, path, "check the source: the checksum of this file is there");
        try
        {
            CheckSum($"{source.Location}/{path}", "SHA-256", sum.Hex, content.Sha256.Hex);
            var text = content.OpenRead();
            await using (text.ConfigureAwait(false))
            {
                var manifest = await ReleaseManifest.ReadAsync(text, version, $"{source.Location}/{path}", cancellationToken)
                    .ConfigureAwait(false);
                _list = new VerifiedDocument(path, content, evidence);
                activity.Complete("signed");
                return manifest;
            }
        }
        catch
        {
            content.Dispose();
            throw;
        }
    }

    private async Task<VerifiedBinary> FetchAsync(
        IReleaseSource source, ReleaseFile file, Checksums sums, FoundEvidence? found, CancellationToken cancellationToken)
    {
        var where = $"{source.Location}/{file.Path}";
        CheckListed(where, file, sums.Sha256, _manifest);
        using var activity = log.Begin($"fetch {file}", totalBytes: null);
        var content = await source.FetchAsync(file.Path, sums.Sha256, activity, cancellationToken).ConfigureAwait(false)
            ?? throw NotThere(source, file.Path, NotYet(file));
        try
        {
            // What it is comes first, because it tells an error page from a bad transfer.
            using var program = content.OpenRead();
            _ = ElfFile.Check(program, file.Platform, where);
            CheckSum(where, "SHA-256", sums.Sha256.Hex, content.Sha256.Hex);
            CheckSum(where, "SHA-512", sums.Sha512, content.Sha512);
            var info = found is null ? null : BinaryBinding.Check(program, file.Platform, file.Name.Text, where);
            var how = found switch
            {
                null => "checked",
                { Exempt: { } exempt } => $"exempt until {exempt.Expires:yyyy-MM-dd}",
                _ => "signature checked",
            };
            activity.Complete($"{(content.WasCached ? "" : "downloaded and ")}{how}, sha256:{content.Sha256.Hex[..12]}…");
            return new VerifiedBinary(file, content, source.Location)
            {
                Verification = found switch
                {
                    null => Verification.Checksum,
                    { Exempt: not null } => Verification.Exception,
                    _ => Verification.Signature,
                },
                Evidence = found?.Evidence,
                IsVersionProved = _manifest is not null,
                Commit = info?.Settings.GetValueOrDefault("vcs.revision"),
            };
        }
        catch
        {
            content.Dispose();
            throw;
        }
    }

    private static void CheckListed(string where, ReleaseFile file, Digest sha256, ReleaseManifest? manifest)
    {
        if (manifest is not null && manifest.Find(file) != sha256.Hex)
        {
            throw new HyperkubeException(
                ErrorKind.BadDigest,
                $"{where}: {sha256} is not of {file.Version}: its signed list says {manifest.Find(file) ?? "nothing"} for this file")
            {
                Hint = "do not use the source: it serves another release's file under this version",
            };
        }
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

    private static async Task<Checksums> ReadChecksumsAsync(IReleaseSource source, ReleaseFile file,
        CancellationToken cancellationToken) => new(
        ToDigest(await ReadChecksumAsync(source, file.Path, "sha256", 64, NotYet(file), cancellationToken).ConfigureAwait(false)),
        await ReadChecksumAsync(source, file.Path, "sha512", 128, NotYet(file), cancellationToken).ConfigureAwait(false));

    private static async Task<Digest?> ReadListChecksumAsync(IReleaseSource source, string path, CancellationToken cancellationToken)
    {
        try
        {
            return ToDigest(await ReadChecksumAsync(source, path, "sha256", 64, "", cancellationToken).ConfigureAwait(false));
        }
        catch (HyperkubeException e) when (e.Kind == ErrorKind.NotFound)
        {
            return null;
        }
    }

    private static Digest ToDigest(string sum) => Digest.Parse($"sha256:{sum}");

    private static string NotYet(ReleaseFile file) =>
        $"check that {file.Version} is released with {file}, and try again later: upstream tags a release before its binaries are there";

    // Upstream writes the hex digits alone; sha256sum writes the file's name behind them.
    private static async Task<string> ReadChecksumAsync(
        IReleaseSource source, string path, string extension, int digits, string hint, CancellationToken cancellationToken)
    {
        path = $"{path}.{extension}";
        var text = await source.ReadTextAsync(path, cancellationToken).ConfigureAwait(false) ?? throw NotThere(source, path, hint);
        var sum = text.Split([' ', '\t', '\n'], 2)[0];
        return sum.Length == digits && sum.All(c => char.IsAsciiDigit(c) || c is >= 'a' and <= 'f')
            ? sum
            : throw new HyperkubeException(ErrorKind.BadContent,
                $"{source.Location}/{path}: {SmallText.Quote(text)}; expected {digits} lowercase hex digits");
    }

    private sealed record Checksums(Digest Sha256, string Sha512);
}
