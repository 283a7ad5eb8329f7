using System.Text.Json;
using System.Text.Json.Serialization;
using Hyperkube.Oci;
using Hyperkube.Releases;

namespace Hyperkube.Publishing.GitHub;

/// <summary>What is announced at GitHub.</summary>
/// <param name="Tags">The names of all tags that may be versions.</param>
/// <param name="Releases">The tags of all releases that everybody can see: a draft announces nothing.</param>
public sealed record Announced(IReadOnlySet<string> Tags, IReadOnlySet<string> Releases)
{
    /// <summary>Whether a release is announced whole.</summary>
    public bool Has(KubernetesVersion version) => Tags.Contains($"{version}") && Releases.Contains($"{version}");
}

/// <summary>Announces what is published at GitHub: a tag on a commit whose file <c>KUBERNETES_VERSION</c> says that version, and a release
/// with notes. What is there is left as it is.</summary>
/// <param name="client">Talks to GitHub.</param>
/// <param name="repository">OWNER/REPO.</param>
/// <param name="notes">Writes the notes of a release.</param>
/// <param name="log">Told what happens.</param>
public sealed class GitHubAnnouncer(
    GitHubClient client, string repository, Func<PublishedRelease, CancellationToken, Task<string>> notes, IActivityLog log)
{
    private const string VersionFile = "KUBERNETES_VERSION";
    private const string TagPrefix = "refs/tags/";

    private BaseCommit? _base;

    /// <summary>Asks what is announced already.</summary>
    public async Task<Announced> ReadAsync(CancellationToken cancellationToken)
    {
        var tags = await client.ListAsync(Path("git/matching-refs/tags/v?per_page=100"), cancellationToken).ConfigureAwait(false);
        var releases = await client.ListAsync(Path("releases?per_page=100"), cancellationToken).ConfigureAwait(false);
        return new Announced(
            tags.Select(t => Text(t, "ref")).Where(n => n.StartsWith(TagPrefix, StringComparison.Ordinal))
                .Select(n => n[TagPrefix.Length..]).ToHashSet(StringComparer.Ordinal),
            releases.Where(r => !IsDraft(r)).Select(r => Text(r, "tag_name")).ToHashSet(StringComparer.Ordinal));
    }

    /// <summary>Announces what is not announced yet, oldest first, so that the newest is on top.</summary>
    /// <param name="images">What is published, and perhaps not announced.</param>
    /// <param name="newest">The newest release that is published, whether it is among these or not; null when that is not known.</param>
    /// <param name="cancellationToken">What is announced by then stays.</param>
    /// <returns>What could not be, by version: each fails alone.</returns>
    public async Task<IReadOnlyDictionary<KubernetesVersion, HyperkubeException>> AnnounceAsync(
        IReadOnlyCollection<PublishedRelease> images, KubernetesVersion? newest, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(images);
        Dictionary<KubernetesVersion, HyperkubeException> failures = [];
        if (images.Count == 0)
        {
            return failures;
        }

        var there = await ReadAsync(cancellationToken).ConfigureAwait(false);
        var latest = there.Releases.Select(r => KubernetesVersion.TryParse(r, null, out var version) ? version : null)
            .Concat(images.Select(i => i.Version)).Append(newest).Where(v => v is { PreRelease: null }).Max();
        foreach (var image in images.Where(i => !there.Has(i.Version)).OrderBy(i => i.Version))
        {
            var tag = image.Version.ToString();
            using var activity = log.Begin($"announce {tag} at {repository}", totalBytes: null);
            try
            {
                if (!there.Tags.Contains(tag))
                {
                    await TagAsync(tag, cancellationToken).ConfigureAwait(false);
                }

                if (!there.Releases.Contains(tag))
                {
                    await ReleaseAsync(image, isLatest: image.Version == latest, cancellationToken).ConfigureAwait(false);
                }

                activity.Complete("done");
            }
            catch (HyperkubeException e)
            {
                failures[image.Version] = e;
            }
        }

        return failures;
    }

    private string Path(string rest) => $"{_root}/{rest}";

    private readonly string _root = $"repos/{repository}";

    private static bool IsDraft(JsonElement release) =>
        release.ValueKind == JsonValueKind.Object && release.TryGetProperty("draft", out var draft)
        && draft.ValueKind == JsonValueKind.True;

    private async Task TagAsync(string tag, CancellationToken cancellationToken)
    {
        var head = _base ??= await ReadBaseAsync(cancellationToken).ConfigureAwait(false);
        var blob = await MakeAsync(
            "git/blobs", new GitBlob($"{tag}\n", "utf-8"), GitHubJson.Default.GitBlob, cancellationToken).ConfigureAwait(false);
        var tree = await MakeAsync(
            "git/trees", new GitTree(head.Tree, [new GitTreeEntry(VersionFile, "100644", "blob", blob)]), GitHubJson.Default.GitTree,
            cancellationToken).ConfigureAwait(false);

        // The head may say this version already.
        var commit = tree == head.Tree ? head.Commit : await MakeAsync(
            "git/commits", new GitCommit($"Kubernetes {tag}", tree, [head.Commit]), GitHubJson.Default.GitCommit, cancellationToken)
            .ConfigureAwait(false);

        // Null: somebody was faster.
        _ = await client.PostAsync(
            Path("git/refs"), JsonSerializer.SerializeToUtf8Bytes(new GitRef(TagPrefix + tag, commit), GitHubJson.Default.GitRef),
            cancellationToken).ConfigureAwait(false);
    }

    private async Task ReleaseAsync(PublishedRelease image, bool isLatest, CancellationToken cancellationToken)
    {
        var body = await notes(image, cancellationToken).ConfigureAwait(false);
        var tag = image.Version.ToString();
        GitHubRelease release = new(
            tag, tag, body, image.Version.PreRelease is not null, isLatest ? "true" : "false"); // Else the last one made would be "latest".
        _ = await client.PostAsync(
            Path("releases"), JsonSerializer.SerializeToUtf8Bytes(release, GitHubJson.Default.GitHubRelease), cancellationToken)
            .ConfigureAwait(false);
    }

    private async Task<BaseCommit> ReadBaseAsync(CancellationToken cancellationToken)
    {
        var about = await ReadAsync("", cancellationToken).ConfigureAwait(false);
        var branch = Text(about, "default_branch");
        var head = await ReadAsync($"git/ref/heads/{branch}", cancellationToken).ConfigureAwait(false);
        var commit = Text(head.GetProperty("object"), "sha");
        var content = await ReadAsync($"git/commits/{commit}", cancellationToken).ConfigureAwait(false);
        return new BaseCommit(commit, Text(content.GetProperty("tree"), "sha"));
    }

    private async Task<JsonElement> ReadAsync(string path, CancellationToken cancellationToken) =>
        await client.GetAsync(path.Length == 0 ? _root : Path(path), cancellationToken).ConfigureAwait(false)
        ?? throw new HyperkubeException(
            ErrorKind.NotFound, $"--github {repository}: {(path.Length == 0 ? "no such repository" : $"no {path}")}")
        {
            Hint = "check the name, and that the repository has a commit",
        };

    private async Task<string> MakeAsync<T>(
        string path, T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(value, type);
        var made = await client.PostAsync(Path(path), body, cancellationToken).ConfigureAwait(false)
            ?? throw new HyperkubeException(
                ErrorKind.Unavailable, $"{repository}: {path} says that it was there already; expected its name");
        return Text(made, "sha");
    }

    private string Text(JsonElement answer, string field) =>
        answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw new HyperkubeException(ErrorKind.Unavailable, $"{repository}: an answer without '{field}'; expected GitHub's REST API");

    private sealed record BaseCommit(string Commit, string Tree);
}

internal sealed record GitBlob(string Content, string Encoding);

internal sealed record GitTree(string BaseTree, IReadOnlyList<GitTreeEntry> Tree);

internal sealed record GitTreeEntry(string Path, string Mode, string Type, string Sha);

internal sealed record GitCommit(string Message, string Tree, IReadOnlyList<string> Parents);

internal sealed record GitRef(string Ref, string Sha);

internal sealed record GitHubRelease(string TagName, string Name, string Body, bool Prerelease, string MakeLatest);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(GitBlob))]
[JsonSerializable(typeof(GitTree))]
[JsonSerializable(typeof(GitCommit))]
[JsonSerializable(typeof(GitRef))]
[JsonSerializable(typeof(GitHubRelease))]
internal sealed partial class GitHubJson : JsonSerializerContext;
