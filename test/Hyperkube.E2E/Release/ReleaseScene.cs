using System.Text.Json;
using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Release;

/// <summary>An upstream of small signed releases with their log, a real registry, and what a release job is told of both.</summary>
internal sealed class ReleaseScene : IAsyncDisposable
{
    private readonly TempDirectory _work = new();
    private readonly SignedRelease _signed;

    private ReleaseScene(IReadOnlyList<string> versions, DockerRegistry registry)
    {
        (Versions, Registry) = (versions, registry);
        _signed = new SignedRelease(_work["tree"]);
        foreach (var version in versions)
        {
            _signed.Write(version, padTo: 20_000);
        }

        File.WriteAllText(_work["tree/release-notes-index.json"], JsonSerializer.Serialize(versions.ToDictionary(v => v, _ => "https://example.com")));
        Site = ReleaseSite.Start(_work["tree"]);
    }

    /// <summary>Newest first.</summary>
    internal IReadOnlyList<string> Versions { get; }

    internal DockerRegistry Registry { get; }

    /// <summary>Where the releases are downloaded from.</summary>
    internal ReleaseSite Site { get; }

    internal string Repository => $"{Registry.Address}/node/hyperkube";

    /// <summary>The words that make a command believe the release team of this scene.</summary>
    internal IReadOnlyList<string> Trust => _signed.BuildWords;

    internal string this[string relative] => _work[relative];

    internal static async Task<ReleaseScene> StartAsync(params IReadOnlyList<string> versions) => new(versions, await DockerRegistry.StartAsync());

    /// <summary>Patches of minors: <c>1.31</c> with 3 is v1.31.2, v1.31.1, v1.31.0.</summary>
    internal static IReadOnlyList<string> Patches(int count, params IReadOnlyList<int> minors) =>
        [.. minors.OrderDescending().SelectMany(m => Enumerable.Range(0, count).Reverse().Select(p => $"v1.{m}.{p}"))];

    /// <summary>The command line of the job.</summary>
    internal string[] Words(params IReadOnlyList<string> more) =>
    [
        "release", Repository, "--source", Site.Url.ToString(), "--minimum", "v1.30.1", "--cache", _work["cache"], .. _signed.BuildWords, .. more,
    ];

    /// <summary>Runs the job, which has to end so.</summary>
    internal async Task<string> RunAsync(int code, params IReadOnlyList<string> more)
    {
        var ended = await Exe.Here.RunAsync(["--format", "json", .. Words(more)]);
        Assert.True(ended.Code == code, $"{ended.Code}: {ended.Error}\n{ended.Out}");
        return Actions(ended.Out);
    }

    /// <summary>What became of each release, newest first.</summary>
    internal static string Actions(string output)
    {
        using var json = JsonDocument.Parse(output);
        return string.Join(' ', json.RootElement.EnumerateArray().Select(e => $"{e.GetProperty("version")}={e.GetProperty("action")}"));
    }

    /// <summary>All are there under their own tags and nothing else is; each is whole, proves itself, and has each document once.</summary>
    /// <param name="key">Whose signature each has; null for unsigned ones.</param>
    internal async Task IsCompleteAsync(string? key = null)
    {
        var tags = (await Run.ProgramAsync(Machine.Sid("crane"), ["ls", Repository])).Well().Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Versions.Order(StringComparer.Ordinal), tags.Where(t => t.StartsWith('v')).Order(StringComparer.Ordinal));
        Assert.All(tags, t => Assert.Matches("^(v1\\.|sha256-)", t));
        foreach (var version in Versions)
        {
            (await Exe.Here.RunAsync(
                ["verify", $"{Repository}:{version}", "--trusted-root", _signed.TrustedRoot, .. key is null ? (string[])[] : ["--key", key]])).Well();
            await HasEachDocumentOnceAsync(version, isSigned: key is not null);
        }

        (await Run.ProgramAsync(Machine.Sid("crane"), ["validate", "--remote", $"{Repository}:{Versions[0]}"])).Well();
    }

    // Debian's registry keeps no count of referrers: their list is a tag, which every worker reads, completes and writes.
    private async Task HasEachDocumentOnceAsync(string version, bool isSigned)
    {
        const string Bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
        var (index, digest) = await ManifestAsync(version);
        var children = index.GetProperty("manifests").EnumerateArray().Select(m => m.GetProperty("digest").GetString()!).ToList();
        string[] signatures = isSigned ? [Bundle, Bundle] : []; // Of the image, and of the document.
        foreach (var (subject, document) in children.Select(c => (c, "application/spdx+json")).Append((digest, "application/vnd.in-toto+json")))
        {
            var (list, _) = await ManifestAsync(subject.Replace(':', '-'));
            Assert.Equal(
                signatures.Append(document).Order(StringComparer.Ordinal),
                list.GetProperty("manifests").EnumerateArray().Select(m => m.GetProperty("artifactType").GetString()).Order(StringComparer.Ordinal));
            if (isSigned)
            {
                var (older, _) = await ManifestAsync($"{subject.Replace(':', '-')}.sig");
                Assert.Single(older.GetProperty("layers").EnumerateArray());
            }
        }
    }

    private async Task<(JsonElement Json, string Digest)> ManifestAsync(string reference)
    {
        using HttpClient http = new(new SocketsHttpHandler());
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri($"http://{Registry.Address}/v2/node/hyperkube/manifests/{reference}"));
        request.Headers.TryAddWithoutValidation("Accept", "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json");
        using var answer = await http.SendAsync(request);
        var content = await answer.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync();
        using var json = JsonDocument.Parse(content);
        return (json.RootElement.Clone(), TestRegistry.DigestOf(content));
    }

    internal async Task<string> DigestAsync(string version) =>
        (await Run.ProgramAsync(Machine.Sid("crane"), ["digest", $"{Repository}:{version}"])).Text;

    public async ValueTask DisposeAsync()
    {
        await Site.DisposeAsync();
        await _signed.DisposeAsync();
        await Registry.DisposeAsync();
        _work.Dispose();
    }
}
