using System.Text.Json;
using System.Text.Json.Serialization;
using Hyperkube.Oci;
using Hyperkube.Releases;

namespace Hyperkube.Publishing.GitHub;

/// <summary>A published release that is to be announced.</summary>
/// <param name="Image">What is published.</param>
/// <param name="IsNewest">Whether no newer one is published.</param>
public sealed record Announcement(PublishedRelease Image, bool IsNewest)
{
    /// <summary>Which.</summary>
    public KubernetesVersion Version => Image.Version;
}

/// <summary>Announces what is published at GitHub: a tag on a commit whose file <c>KUBERNETES_VERSION</c> says that version, and a release
/// with notes. What is there is left as it is.</summary>
/// <param name="client">Talks to GitHub.</param>
/// <param name="repository">OWNER/REPO.</param>
/// <param name="notes">Writes the notes of an announcement.</param>
/// <param name="log">Told what happens.</param>
public sealed class GitHubAnnouncer(
    GitHubClient client, string repository, Func<Announcement, CancellationToken, Task<string>> notes, IActivityLog log)
{
    private const string VersionFile = "KUBERNETES_VERSION";
    private const string TagPrefix = "refs/tags/";

    private BaseCommit? _base;

    /// <summary>Announces what is not announced yet, oldest first, so that the newest is on top.</summary>
    /// <returns>What could not be, by version: each fails alone.</returns>
    public async Task<IReadOnlyDictionary<KubernetesVersion, HyperkubeException>> AnnounceAsync(
        IEnumerable<Announcement> announcements, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(announcements);
        Dictionary<KubernetesVersion, HyperkubeException> failures = [];
        var tags = await NamesAsync($"git/matching-refs/tags/v?per_page=100", "ref", TagPrefix, cancellationToken).ConfigureAwait(false);
        var releases = await NamesAsync("releases?per_page=100", "tag_name", "", cancellationToken).ConfigureAwait(false);
        foreach (var announcement in announcements.OrderBy(a => a.Version))
        {
            var tag = announcement.Version.ToString();
            var isTagged = tags.Contains(tag);
            if (isTagged && releases.Contains(tag))
            {
                continue;
            }

            using var activity = log.Begin($"announce {tag} at {repository}", totalBytes: null);
            try
            {
                if (!isTagged)
                {
                    await TagAsync(tag, cancellationToken).ConfigureAwait(false);
                }

                if (!releases.Contains(tag))
                {
                    await ReleaseAsync(announcement, tag, cancellationToken).ConfigureAwait(false);
                }

                activity.Complete("done");
            }
            catch (HyperkubeException e)
            {
                failures[announcement.Version] = e;
            }
        }

        return failures;
    }

    private string Path(string rest) => $"{_root}/{rest}";

    private readonly string _root = $"repos/{repository}";

    private async Task<HashSet<string>> NamesAsync(string path, string field, string prefix, CancellationToken cancellationToken)
    {
        var all = await client.ListAsync(Path(path), cancellationToken).ConfigureAwait(false);
        var names = all.Select(e => Text(e, field));
        return [.. names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Select(n => n[prefix.Length..])];
    }

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

    private async Task ReleaseAsync(Announcement announcement, string tag, CancellationToken cancellationToken)
    {
        var body = await notes(announcement, cancellationToken).ConfigureAwait(false);
        GitHubRelease release = new(
            tag, tag, body, announcement.Version.PreRelease is not null,
            announcement is { IsNewest: true, Version.PreRelease: null } ? "true" : "false"); // Else the last one made would be "latest".
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
