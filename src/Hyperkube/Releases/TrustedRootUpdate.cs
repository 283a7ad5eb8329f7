using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Trust;
using Hyperkube.Sigstore.Tuf;

namespace Hyperkube.Releases;

/// <summary>What an update of a trusted root brought.</summary>
/// <param name="File">Where it is now.</param>
/// <param name="IsChanged">Whether it was another one before, or none.</param>
/// <param name="Json">Its content.</param>
/// <param name="Versions">Of the repository's documents, the root's first.</param>
/// <param name="Expires">Until when a mirror may serve these documents.</param>
public sealed record TrustedRootUpdated(
    string File, bool IsChanged, ReadOnlyMemory<byte> Json, IReadOnlyDictionary<TufRole, long> Versions, DateTimeOffset Expires);

/// <summary>Brings the newest <c>trusted_root.json</c> into a file, through a TUF repository's checks.</summary>
/// <remarks>
/// What was seen last is kept beside the file, under its name and <see cref="MemorySuffix"/>: a mirror that serves less the next
/// time is found out. It is written first, so that a run that is ended in between forgets nothing. Decision 0008 has the reasons.
/// </remarks>
public sealed class TrustedRootUpdate
{
    /// <summary>What the name of the file beside it ends with.</summary>
    public const string MemorySuffix = ".tuf";

    /// <summary>The largest that is taken: 1 MiB. The public one has 7 KiB.</summary>
    private const int MaxBytes = 1 << 20;

    private readonly SiteClient _client;
    private readonly TimeProvider _time;

    /// <summary>Takes a mirror.</summary>
    /// <param name="http">Sends requests, and follows no redirects.</param>
    /// <param name="mirror">Its root, the directory of <c>timestamp.json</c>; without credentials.</param>
    /// <param name="options">How to talk to it.</param>
    /// <param name="log">Told about retries.</param>
    /// <exception cref="HyperkubeException">The URL will not do.</exception>
    public TrustedRootUpdate(HttpMessageInvoker http, Uri mirror, SiteOptions options, IActivityLog log)
    {
        var root = SiteClient.RootOf(mirror, options);
        Location = root.AbsoluteUri.TrimEnd('/');
        _client = new SiteClient(http, root, options, log);
        _time = options.Retry.Time;
    }

    /// <summary>The mirror's URL, for a person.</summary>
    public string Location { get; }

    /// <summary>Updates a file.</summary>
    /// <param name="file">Which; it need not be there, but its directory has to.</param>
    /// <param name="root">The root of the repository to begin with; null for the public instance's, which comes with this program.</param>
    /// <param name="cancellationToken">Ends the wait; the file then is what it was.</param>
    /// <exception cref="HyperkubeException">The mirror cannot be reached, or a check failed.</exception>
    public async Task<TrustedRootUpdated> RunAsync(string file, ReadOnlyMemory<byte>? root, CancellationToken cancellationToken)
    {
        var memory = file + MemorySuffix;
        var update = await UpdateAsync(root ?? PublicGoodRepository.RootJson, ReadMemory(memory), memory, cancellationToken)
            .ConfigureAwait(false);
        DemandTrustedRoot(update.File);
        var before = SmallFile.Read(file);
        var isChanged = before.Absence is not null || !before.Bytes.Span.SequenceEqual(update.File.Span);
        await StagedFile.WriteAsync(memory, update.Memory.ToJson(), cancellationToken).ConfigureAwait(false);
        if (isChanged)
        {
            await StagedFile.WriteAsync(file, update.File, cancellationToken).ConfigureAwait(false);
        }

        return new TrustedRootUpdated(file, isChanged, update.File, update.Versions, update.Expires);
    }

    private static TufMemory? ReadMemory(string path)
    {
        var file = SmallFile.Read(path);
        if (file.IsMissing)
        {
            return null;
        }

        try
        {
            return file.Absence is null
                ? TufMemory.Parse(file.Bytes)
                : throw new SignatureException(SignatureFailure.BadTrust, file.Absence);
        }
        catch (SignatureException e)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"{path}: {e.Message}; expected what the last update wrote", e)
            {
                Hint = "find out who changed it; without it an update takes what is older, too",
            };
        }
    }

    private async Task<TufUpdate> UpdateAsync(
        ReadOnlyMemory<byte> root, TufMemory? seen, string memory, CancellationToken cancellationToken)
    {
        try
        {
            return await new TufClient(new Mirror(_client), _time)
                .UpdateAsync(root, seen, PublicGoodRepository.TrustedRootPath, MaxBytes, cancellationToken).ConfigureAwait(false);
        }
        catch (TufException e)
        {
            throw new HyperkubeException(KindOf(e.Check), $"{Location}: {e.Message}", e) { Hint = HintOf(e, memory) };
        }
    }

    // A repository may be in order and still name something that is of no use here.
    private void DemandTrustedRoot(ReadOnlyMemory<byte> json)
    {
        try
        {
            TrustedRoot.Parse(json);
        }
        catch (SignatureException e)
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"{Location}/targets: {e.Message}", e)
            {
                Hint = "take a newer hyperkube: this one does not understand what is published there",
            };
        }
    }

    private static ErrorKind KindOf(TufCheck check) => check switch
    {
        TufCheck.Missing => ErrorKind.NotFound,
        TufCheck.Format => ErrorKind.BadContent,
        TufCheck.Length or TufCheck.Hash => ErrorKind.BadDigest,
        _ => ErrorKind.BadSignature,
    };

    private static string HintOf(TufException e, string memory) => e.Check switch
    {
        TufCheck.Expiry => "name a --mirror that is kept up to date, and check this machine's clock",
        TufCheck.Missing => "name with --mirror the directory that holds timestamp.json and targets",
        TufCheck.Threshold when e.Role == TufRole.Root =>
            "name the first root of this repository with --root, if it is not Sigstore's public one",
        TufCheck.Version => $"do not trust this mirror before you know why it serves less than {memory} has seen",
        _ => "name another --mirror",
    };

    private sealed class Mirror(SiteClient client) : ITufMirror
    {
        public async Task<byte[]?> FetchAsync(string path, int maxBytes, CancellationToken cancellationToken)
        {
            try
            {
                return await client.ReadAsync(path, maxBytes, cancellationToken).ConfigureAwait(false);
            }
            catch (HyperkubeException e) when (e.Kind == ErrorKind.AccessDenied && path.EndsWith(".root.json", StringComparison.Ordinal))
            {
                return null; // So a bucket answers for what it does not have, to those who may not list it; every chain of roots ends so.
            }
        }
    }
}
