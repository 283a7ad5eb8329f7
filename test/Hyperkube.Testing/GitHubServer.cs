using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hyperkube.Testing;

/// <summary>The part of GitHub's REST API that announcing needs, on loopback, with the rules of its documentation enforced.</summary>
/// <remarks>Source: https://docs.github.com/en/rest/git, https://docs.github.com/en/rest/releases/releases</remarks>
public sealed class GitHubServer : LoopbackServer
{
    private readonly ConcurrentDictionary<string, string> _blobs = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SortedDictionary<string, string>> _trees = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (string Tree, string? Parent, string Message)> _commits = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _refs = new(StringComparer.Ordinal);
    private readonly List<JsonObject> _releases = [];
    private int _underWay;

    public GitHubServer(string repository, string token, params (string Path, string Content)[] files)
        : base(certificate: null)
    {
        (Repository, Token) = (repository, token);
        SortedDictionary<string, string> tree = new(StringComparer.Ordinal);
        foreach (var (path, content) in files)
        {
            tree[path] = Blob(content);
        }

        _refs["refs/heads/trunk"] = Commit(Tree(tree), parent: null, "first");
    }

    public string Repository { get; }

    public string Token { get; }

    /// <summary>How many entries a page has at most; GitHub's own limit is 100.</summary>
    public int PageSize { get; set; } = 100;

    /// <summary>Answers instead, where it does not answer null.</summary>
    public Func<RegistryCall, SiteAnswer?> Intercept { get; set; } = _ => null;

    /// <summary>How many requests it lets through until when; null for any.</summary>
    public RequestLimit? Limit { get; set; }

    /// <summary>What it has seen that its documentation asks not to do.</summary>
    public ConcurrentQueue<string> Complaints { get; } = [];

    public IReadOnlyList<JsonObject> Releases => _releases;

    public IEnumerable<string> Tags => _refs.Keys.Where(r => r.StartsWith("refs/tags/", StringComparison.Ordinal)).Select(r => r[10..]).Order(StringComparer.Ordinal);

    /// <summary>The commit that a ref stands for.</summary>
    public string CommitOf(string reference) => _refs[reference];

    /// <summary>A release that only those see who may write.</summary>
    public void AddDraft(string tag) => _releases.Insert(0, new JsonObject { ["tag_name"] = tag, ["draft"] = true });

    public void AddTag(string tag) => _refs[$"refs/tags/{tag}"] = _refs["refs/heads/trunk"];

    /// <summary>What a file says at a ref, or null.</summary>
    public string? FileAt(string reference, string path) =>
        _trees[_commits[_refs[reference]].Tree].TryGetValue(path, out var blob) ? _blobs[blob] : null;

    protected override void TakePart(RegistryCall asked)
    {
    }

    protected override SiteAnswer Answer(RegistryCall asked)
    {
        if (Interlocked.Increment(ref _underWay) > 1)
        {
            Complaints.Enqueue($"two requests at once: {asked}");
        }

        try
        {
            lock (_releases)
            {
                return WithLimit(Limited(asked) ?? Refusal(asked) ?? Intercept(asked) ?? Serve(asked));
            }
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    // https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
    private SiteAnswer? Limited(RegistryCall call)
    {
        if (Limit?.Take() != false)
        {
            return null;
        }

        Complaints.Enqueue($"beyond the limit: {call}");
        return Json(403, """{"message":"API rate limit exceeded for user ID 1."}""");
    }

    private SiteAnswer WithLimit(SiteAnswer answer) => Limit is null ? answer
        : answer.With("x-ratelimit-limit", $"{Limit.Count}").With("x-ratelimit-remaining", $"{Limit.Left}")
            .With("x-ratelimit-reset", $"{Limit.Reset.ToUnixTimeSeconds()}");

    private SiteAnswer? Refusal(RegistryCall call)
    {
        if (call.Header("User-Agent") is not { Length: > 0 })
        {
            return Json(403, """{"message":"Request forbidden by administrative rules. Please make sure your request has a User-Agent header"}""");
        }

        if (call.Header("Accept") != "application/vnd.github+json" || call.Header("X-GitHub-Api-Version") != "2022-11-28")
        {
            Complaints.Enqueue($"without media type or version: {call}");
        }

        return call.Header("Authorization") == $"Bearer {Token}" ? null : Json(401, """{"message":"Bad credentials"}""");
    }

    private SiteAnswer Serve(RegistryCall call)
    {
        var root = $"/repos/{Repository}";
        if (call.Path != root && !call.Path.StartsWith($"{root}/", StringComparison.Ordinal))
        {
            return NotFound();
        }

        var path = call.Path[root.Length..].TrimStart('/');
        if (call.Method == "GET")
        {
            return path switch
            {
                "" => Json(200, """{"default_branch":"trunk"}"""),
                "releases" => Page(call, _releases),
                _ when path.StartsWith("git/ref/", StringComparison.Ordinal) => _refs.TryGetValue($"refs/{path["git/ref/".Length..]}", out var sha)
                    ? Json(200, RefJson($"refs/{path["git/ref/".Length..]}", sha))
                    : NotFound(),
                _ when path.StartsWith("git/matching-refs/", StringComparison.Ordinal) => Page(
                    call,
                    [
                        .. _refs.Where(r => r.Key.StartsWith($"refs/{path["git/matching-refs/".Length..]}", StringComparison.Ordinal))
                            .OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => JsonNode.Parse(RefJson(r.Key, r.Value))!.AsObject()),
                    ]),
                _ when path.StartsWith("git/commits/", StringComparison.Ordinal) => _commits.TryGetValue(path["git/commits/".Length..], out var commit)
                    ? Json(200, $$$"""{"sha":"{{{path["git/commits/".Length..]}}}","tree":{"sha":"{{{commit.Tree}}}"}}""")
                    : NotFound(),
                _ => NotFound(),
            };
        }

        var body = JsonNode.Parse(call.Body.Span)!.AsObject();
        return path switch
        {
            "git/blobs" when (string?)body["encoding"] == "utf-8" => Made(Blob((string)body["content"]!)),
            "git/trees" => MakeTree(body),
            "git/commits" => MakeCommit(body),
            "git/refs" => MakeRef(body),
            "releases" => MakeRelease(body),
            _ => NotFound(),
        };
    }

    private SiteAnswer MakeTree(JsonObject body)
    {
        if (!_trees.TryGetValue((string?)body["base_tree"] ?? "", out var files))
        {
            return Invalid("base_tree is not a valid tree oid");
        }

        SortedDictionary<string, string> tree = new(files, StringComparer.Ordinal);
        foreach (var entry in body["tree"]!.AsArray())
        {
            var blob = (string)entry!["sha"]!;
            if (!_blobs.ContainsKey(blob) || (string?)entry["mode"] != "100644" || (string?)entry["type"] != "blob")
            {
                return Invalid($"tree.sha {blob} is not a valid blob");
            }

            tree[(string)entry["path"]!] = blob;
        }

        return Made(Tree(tree));
    }

    private SiteAnswer MakeCommit(JsonObject body)
    {
        var (tree, parent) = ((string)body["tree"]!, (string)body["parents"]![0]!);
        return !_trees.ContainsKey(tree) ? Invalid("Tree SHA does not exist")
            : !_commits.ContainsKey(parent) ? Invalid("Parent SHA does not exist or is not a commit object")
            : Made(Commit(tree, parent, (string)body["message"]!));
    }

    private SiteAnswer MakeRef(JsonObject body)
    {
        var (name, sha) = ((string)body["ref"]!, (string)body["sha"]!);
        return !name.StartsWith("refs/", StringComparison.Ordinal) || name.Count(c => c == '/') < 2 ? Invalid("Reference name must start with 'refs/'")
            : !_commits.ContainsKey(sha) ? Invalid("Object does not exist")
            : !_refs.TryAdd(name, sha) ? Invalid("Reference already exists")
            : Json(201, RefJson(name, sha));
    }

    private SiteAnswer MakeRelease(JsonObject body)
    {
        var tag = (string)body["tag_name"]!;
        if (_releases.Exists(r => (string?)r["tag_name"] == tag && (bool?)r["draft"] != true))
        {
            return Json(422, """{"message":"Validation Failed","errors":[{"resource":"Release","code":"already_exists","field":"tag_name"}]}""");
        }

        if (!_refs.ContainsKey($"refs/tags/{tag}"))
        {
            Complaints.Enqueue($"a release of a tag that is not there: {tag}"); // GitHub would make one, on the default branch.
        }

        if ((string?)body["make_latest"] is not ("true" or "false" or "legacy"))
        {
            return Invalid("make_latest is not a string of true, false, legacy");
        }

        _releases.Insert(0, (JsonObject)body.DeepClone());
        return Json(201, body.ToJsonString());
    }

    private SiteAnswer Page(RegistryCall call, List<JsonObject> all)
    {
        var page = int.Parse(call.Parameter("page") ?? "1", CultureInfo.InvariantCulture);
        var size = Math.Min(PageSize, int.Parse(call.Parameter("per_page") ?? "30", CultureInfo.InvariantCulture));
        var answer = Json(200, $"[{string.Join(',', all.Skip((page - 1) * size).Take(size).Select(o => o.ToJsonString()))}]");
        return page * size >= all.Count ? answer
            : answer.With("Link", $"<{new Uri(Url, call.Path)}?per_page={size}&page={page + 1}>; rel=\"next\", <{Url}>; rel=\"last\"");
    }

    private string Blob(string content)
    {
        var sha = Sha($"blob {content}");
        _blobs[sha] = content;
        return sha;
    }

    private string Tree(SortedDictionary<string, string> files)
    {
        var sha = Sha($"tree {string.Join(',', files.Select(f => $"{f.Key}={f.Value}"))}");
        _trees[sha] = files;
        return sha;
    }

    private string Commit(string tree, string? parent, string message)
    {
        var sha = Sha($"commit {tree} {parent} {message} {_commits.Count}");
        _commits[sha] = (tree, parent, message);
        return sha;
    }

    private static string RefJson(string name, string sha) => $$$"""{"ref":"{{{name}}}","object":{"type":"commit","sha":"{{{sha}}}"}}""";

    private static SiteAnswer Made(string sha) => Json(201, $$"""{"sha":"{{sha}}"}""");

    private static SiteAnswer Invalid(string message) => Json(422, JsonSerializer.Serialize(new { message }));

    private static SiteAnswer NotFound() => Json(404, """{"message":"Not Found"}""");

    public static SiteAnswer Json(int status, string json) => SiteAnswer.Text(json, status).With("Content-Type", "application/json; charset=utf-8");

    // Forty digits, as git's.
    private static string Sha(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..40];
}

/// <summary>So many requests within a time, and none before it is over.</summary>
/// <param name="count">How many.</param>
/// <param name="within">In which time.</param>
/// <param name="time">The clock.</param>
public sealed class RequestLimit(int count, TimeSpan within, TimeProvider time)
{
    public int Count { get; } = count;

    public int Left { get; private set; } = count;

    public DateTimeOffset Reset { get; private set; } = time.GetUtcNow() + within;

    /// <summary>Whether one more may be answered.</summary>
    public bool Take()
    {
        if (time.GetUtcNow() >= Reset)
        {
            (Left, Reset) = (Count, time.GetUtcNow() + within);
        }

        return Left > 0 && Left-- > 0;
    }
}
