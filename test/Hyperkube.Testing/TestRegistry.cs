using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hyperkube.Testing;

/// <summary>A registry on loopback that keeps to the specification, until a test tells it not to.</summary>
/// <remarks>Source: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md</remarks>
public sealed partial class TestRegistry : LoopbackServer
{
    private readonly ConcurrentDictionary<string, byte[]> _blobs = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (byte[] Content, string MediaType)> _manifests = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _tags = new(StringComparer.Ordinal);

    public TestRegistry(X509Certificate2? certificate = null)
        : base(certificate)
    {
    }

    /// <summary>Where repositories begin.</summary>
    public Uri Root => new(Url, "/v2");

    /// <summary>Answers instead of the registry where it does not answer null.</summary>
    public Func<RegistryCall, SiteAnswer?> Intercept { get; set; } = _ => null;

    /// <summary>Changes what the registry answers.</summary>
    public Func<RegistryCall, SiteAnswer, SiteAnswer> Alter { get; set; } = (_, answer) => answer;

    /// <summary>Whether it lists referrers itself, and says so of each manifest that has a subject.</summary>
    public bool HasReferrersApi { get; set; } = true;

    /// <summary>Whom it lets in by Basic, as <c>user:password</c>.</summary>
    public string? Login { get; set; }

    /// <summary>Whose tokens it wants to see.</summary>
    public TokenIssuer? Issuer { get; set; }

    /// <summary>Where it says that its tokens come from; its own <c>/token</c> unless told.</summary>
    public Uri? Realm { get; set; }

    /// <summary>How many tags a page has at most.</summary>
    public int PageSize { get; set; } = 1000;

    public bool Has(string repository, string digest) =>
        _blobs.ContainsKey($"{repository}@{digest}") || _manifests.ContainsKey($"{repository}@{digest}");

    /// <summary>The digest that a tag stands for, or null.</summary>
    public string? Tag(string repository, string tag) => _tags.GetValueOrDefault($"{repository}:{tag}");

    public byte[] Content(string repository, string digest) =>
        _blobs.TryGetValue($"{repository}@{digest}", out var blob) ? blob : _manifests[$"{repository}@{digest}"].Content;

    public void AddBlob(string repository, byte[] content) => _blobs[$"{repository}@{DigestOf(content)}"] = content;

    public string AddManifest(string repository, byte[] content, string mediaType, params string[] tags)
    {
        var digest = DigestOf(content);
        _manifests[$"{repository}@{digest}"] = (content, mediaType);
        foreach (var tag in tags)
        {
            _tags[$"{repository}:{tag}"] = digest;
        }

        return digest;
    }

    public static string DigestOf(ReadOnlySpan<byte> content) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}";

    protected override SiteAnswer Answer(RegistryCall asked) => Alter(asked, Intercept(asked) ?? Serve(asked));

    private SiteAnswer Serve(RegistryCall call)
    {
        if (call.Path == "/token")
        {
            return Issuer!.Answer(call);
        }

        if (!call.Path.StartsWith("/v2/", StringComparison.Ordinal))
        {
            return Failure(404, "UNSUPPORTED", "not below /v2/");
        }

        var path = call.Path["/v2/".Length..];
        foreach (var (part, serve) in (ReadOnlySpan<(string, Func<RegistryCall, string, string, SiteAnswer>)>)
            [("/blobs/uploads/", Upload), ("/blobs/", Blob), ("/manifests/", Manifest), ("/tags/", Tags), ("/referrers/", Referrers)])
        {
            if (path.IndexOf(part, StringComparison.Ordinal) is > 0 and var at)
            {
                var repository = path[..at];
                return Refusal(call, repository) ?? serve(call, repository, path[(at + part.Length)..]);
            }
        }

        return Failure(404, "UNSUPPORTED", "no such endpoint");
    }

    // What it wants to see first; null when it has seen it.
    private SiteAnswer? Refusal(RegistryCall call, string repository)
    {
        var action = call.Method is "GET" or "HEAD" ? "pull" : "push";
        if (Login is not null)
        {
            return call.Header("Authorization") == $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(Login))}" ? null
                : Failure(401, "UNAUTHORIZED", "authentication required").With("WWW-Authenticate", "Basic realm=\"test\"");
        }

        var authorization = call.Header("Authorization");
        if (Issuer is null || Issuer.Allows(authorization, repository, action))
        {
            return null;
        }

        var scope = $"repository:{repository}:{(action == "pull" ? "pull" : "pull,push")}";
        return Failure(401, "UNAUTHORIZED", "authentication required").With(
            "WWW-Authenticate", $"Bearer realm=\"{Realm ?? new Uri(Url, "/token")}\",service=\"test\",scope=\"{scope}\"");
    }

    private SiteAnswer Blob(RegistryCall call, string repository, string digest)
    {
        if (!_blobs.TryGetValue($"{repository}@{digest}", out var content))
        {
            return Failure(404, "BLOB_UNKNOWN", "blob unknown to registry");
        }

        return SiteAnswer.Part(content, call.Header("Range")).With("Docker-Content-Digest", digest).With("Accept-Ranges", "bytes");
    }

    private SiteAnswer Manifest(RegistryCall call, string repository, string reference)
    {
        if (call.Method == "PUT")
        {
            return PutManifest(call, repository, reference);
        }

        var digest = reference.StartsWith("sha256:", StringComparison.Ordinal) ? reference : Tag(repository, reference);
        return digest is not null && _manifests.TryGetValue($"{repository}@{digest}", out var manifest)
            ? new SiteAnswer { Body = manifest.Content }.With("Docker-Content-Digest", digest).With("Content-Type", manifest.MediaType)
            : Failure(404, "MANIFEST_UNKNOWN", "manifest unknown");
    }

    private SiteAnswer PutManifest(RegistryCall call, string repository, string reference)
    {
        var digest = DigestOf(call.Body.Span);
        if (reference.StartsWith("sha256:", StringComparison.Ordinal) && reference != digest)
        {
            return Failure(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
        }

        using var document = JsonDocument.Parse(call.Body);
        foreach (var child in Children(document.RootElement).Where(child => !Has(repository, child)))
        {
            return Failure(400, "MANIFEST_BLOB_UNKNOWN", $"{child} is missing");
        }

        string[] tags = reference.StartsWith("sha256:", StringComparison.Ordinal) ? [] : [reference];
        AddManifest(repository, call.Body.ToArray(), call.Header("Content-Type")!, tags);
        var answer = SiteAnswer.Of(201).With("Docker-Content-Digest", digest).With("Location", $"/v2/{repository}/manifests/{digest}");
        return HasReferrersApi && SubjectOf(document.RootElement) is { } subject ? answer.With("OCI-Subject", subject) : answer;
    }

    private SiteAnswer Tags(RegistryCall call, string repository, string list)
    {
        var last = call.Parameter("last");
        var all = _tags.Keys.Where(k => k.StartsWith($"{repository}:", StringComparison.Ordinal)).Select(k => k[(repository.Length + 1)..])
            .Where(tag => string.CompareOrdinal(tag, last) > 0).Order(StringComparer.Ordinal).ToList();
        var page = all.Take(PageSize).ToList();
        var answer = SiteAnswer.Text(JsonSerializer.Serialize(new { name = repository, tags = page }));
        return page.Count == all.Count ? answer
            : answer.With("Link", $"</v2/{repository}/tags/list?last={page[^1]}&n={PageSize}>; rel=\"next\"");
    }

    private SiteAnswer Referrers(RegistryCall call, string repository, string subject)
    {
        if (!HasReferrersApi)
        {
            return SiteAnswer.Text("404 page not found", 404);
        }

        const string Type = "application/vnd.oci.image.index.v1+json";
        JsonObject list = new() { ["schemaVersion"] = 2, ["mediaType"] = Type, ["manifests"] = ReferrersOf(repository, subject) };
        return SiteAnswer.Text(list.ToJsonString()).With("Content-Type", Type);
    }

    /// <summary>The descriptors of what refers to a manifest.</summary>
    public JsonArray ReferrersOf(string repository, string subject)
    {
        JsonArray found = [];
        foreach (var (key, manifest) in _manifests.Where(m => m.Key.StartsWith($"{repository}@", StringComparison.Ordinal)))
        {
            using var document = JsonDocument.Parse(manifest.Content);
            if (SubjectOf(document.RootElement) == subject)
            {
                found.Add(DescriptorOf(key[(repository.Length + 1)..], manifest.MediaType, manifest.Content.Length, document.RootElement));
            }
        }

        return found;
    }

    // https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers: the type of the artifact, else of the
    // config, and the annotations are the manifest's.
    private static JsonObject DescriptorOf(string digest, string mediaType, int size, JsonElement manifest)
    {
        JsonObject descriptor = new() { ["mediaType"] = mediaType, ["digest"] = digest, ["size"] = size };
        var type = manifest.TryGetProperty("artifactType", out var artifactType) ? artifactType.GetString()
            : manifest.TryGetProperty("config", out var config) ? config.GetProperty("mediaType").GetString() : null;
        if (type is not null)
        {
            descriptor["artifactType"] = type;
        }

        if (manifest.TryGetProperty("annotations", out var annotations))
        {
            descriptor["annotations"] = JsonNode.Parse(annotations.GetRawText());
        }

        return descriptor;
    }

    private static SiteAnswer Failure(int status, string code, string message) =>
        SiteAnswer.Text($$"""{"errors":[{"code":"{{code}}","message":"{{message}}"}]}""", status).With("Content-Type", "application/json");

    private static string? SubjectOf(JsonElement manifest) =>
        manifest.TryGetProperty("subject", out var subject) ? subject.GetProperty("digest").GetString() : null;

    // What a registry that checks looks for. Indexes are not checked by most.
    private static IEnumerable<string> Children(JsonElement manifest) =>
        manifest.TryGetProperty("layers", out var layers)
            ? [.. layers.EnumerateArray().Append(manifest.GetProperty("config")).Select(l => l.GetProperty("digest").GetString()!)]
            : [];
}
