using System.Text;
using System.Text.Json;
using Hyperkube.Oci;
using Hyperkube.Sigstore.Trust;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Cli.Tests.Commands;

public sealed class TrustCommandTests : IAsyncDisposable
{
    private static readonly byte[] First = TrustedRoot.PublicGoodJson.ToArray();
    private static readonly byte[] Second = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(First) + "\n");

    private readonly Shell _shell = new() { Time = new SkippingTime { Now = TufRepository.Now } };
    private readonly TufRepository _repository = new(First);
    private readonly ReleaseSite _site;

    public TrustCommandTests()
    {
        Directory.CreateDirectory(_shell["mirror"]);
        _site = ReleaseSite.Start(_shell["mirror"]);
        File.WriteAllBytes(_shell["root.json"], _repository.FirstRoot);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Output => _shell["trusted_root.json"];

    public async ValueTask DisposeAsync()
    {
        await _site.DisposeAsync();
        _repository.Dispose();
        _shell.Dispose();
    }

    [Fact]
    public async Task What_is_embedded_is_shown_as_JSON()
    {
        var json = (await _shell.RunAsync("trust", "--format", "json")).With(0).Json;

        Assert.Equal(
            "source sha256 size mediaType signatureLogs certificateLogs certificateAuthorities timestampAuthorities release repository", Names(json));
        Assert.Equal("embedded", json.GetProperty("source").GetString());
        Assert.Equal("6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66", json.GetProperty("sha256").GetString());
        var log = json.GetProperty("signatureLogs")[0];
        Assert.Equal(
            "https://rekor.sigstore.dev c0d23d6ad406973f9559f3ba2d1ca01f84147d8ffc5b8445c224f98b9591801d PKIX_ECDSA_P256_SHA_256 2021-01-12T11:53:27+00:00",
            string.Join(' ', log.EnumerateObject().Select(p => p.Value.GetString())));
        Assert.Equal("url name fingerprint start end", Names(json.GetProperty("certificateAuthorities")[0]));
        Assert.Equal("sigstore-tsa-selfsigned, sigstore.dev", json.GetProperty("timestampAuthorities")[0].GetProperty("name").GetString());
        Assert.Equal("krel-staging@k8s-releng-prod.iam.gserviceaccount.com", json.GetProperty("release").GetProperty("identity").GetString());
        Assert.Equal(16, json.GetProperty("repository").GetProperty("rootVersion").GetInt32());
    }

    [Fact]
    public async Task The_text_shows_the_same()
    {
        var text = (await _shell.RunAsync("trust")).With(0).Out;

        Assert.StartsWith(
            "the trusted root that comes with this program  6.8 kB\n  sha256:6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66\n",
            text, StringComparison.Ordinal);
        Assert.Contains("\n  https://fulcio.sigstore.dev  from 2021-03-07 to 2022-12-31\n    sigstore, sigstore.dev, sha256:", text, StringComparison.Ordinal);
        Assert.Contains("\n  krel-staging@k8s-releng-prod.iam.gserviceaccount.com\n    for whom https://accounts.google.com has vouched\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_is_shown_in_its_place_also_when_a_variable_names_it()
    {
        await File.WriteAllBytesAsync(Output, Second, Ct);
        _shell.Variables["HYPERKUBE_TRUSTED_ROOT"] = Output;

        var json = (await _shell.RunAsync("trust", "--format", "json")).With(0).Json;

        Assert.Equal($"{Output} {Digest.Of(Second).Hex}", $"{json.GetProperty("source")} {json.GetProperty("sha256")}");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("{}")]
    public async Task What_is_no_trusted_root_is_2(string? content)
    {
        if (content is not null)
        {
            await File.WriteAllTextAsync(Output, content, Ct);
        }

        Assert.Contains($"--trusted-root {Output}: ", (await _shell.RunAsync("trust", "--trusted-root", Output)).With(2).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_update_writes_the_file_and_the_next_finds_it_there()
    {
        var first = (await UpdateAsync()).With(0).Json;
        var again = (await UpdateAsync()).With(0).Json;
        _repository.Publish(Second);
        var next = (await UpdateAsync()).With(0).Json;

        Assert.Equal("output changed sha256 size mirror versions expires", Names(first));
        Assert.Equal([true, false, true], new[] { first, again, next }.Select(j => j.GetProperty("changed").GetBoolean()));
        Assert.Equal(Digest.Of(Second).Hex, next.GetProperty("sha256").GetString());
        Assert.Equal("""{"root":1,"timestamp":2,"snapshot":2,"targets":2}""", JsonSerializer.Serialize(next.GetProperty("versions")));
        Assert.Equal(Second, await File.ReadAllBytesAsync(Output, Ct));
        Assert.Equal(
            ["trusted_root.json", "trusted_root.json.tuf"],
            _shell.Files.Where(f => f.Contains("trusted_root", StringComparison.Ordinal) && !f.StartsWith("mirror/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task The_text_of_an_update_says_how_to_use_it()
    {
        _repository.WriteTo(_shell["mirror"]);

        var text = (await _shell.RunAsync("trust", "update", "-o", Output, "--mirror", _site.Url.AbsoluteUri, "--root", _shell["root.json"])).With(0).Out;

        Assert.StartsWith($"{Output}  written  6.8 kB\n", text, StringComparison.Ordinal);
        Assert.EndsWith(
            $"  the mirror has to be up to date by 2026-03-11 12:00:00 UTC\n  to use it: --trusted-root {Output}\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Variables_set_its_flags()
    {
        _repository.WriteTo(_shell["mirror"]);
        _shell.Variables["HYPERKUBE_TRUST_UPDATE_MIRROR"] = _site.Url.AbsoluteUri;
        _shell.Variables["HYPERKUBE_ROOT"] = _shell["root.json"];

        (await _shell.RunAsync("trust", "update", "--output", Output)).With(0);
    }

    [Fact]
    public async Task A_mirror_that_goes_back_is_4_and_the_file_stays()
    {
        var old = _repository.Files.ToDictionary();
        _repository.Publish(Second);
        (await UpdateAsync()).With(0);
        old.ToList().ForEach(f => _repository.Files[f.Key] = f.Value);

        var error = (await UpdateAsync()).With(4).Json.GetProperty("error");

        Assert.Equal("bad-signature", error.GetProperty("kind").GetString());
        Assert.EndsWith(": timestamp version: the mirror has version 1; version 2 was seen before", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(Second, await File.ReadAllBytesAsync(Output, Ct));
    }

    [Fact]
    public async Task Another_repository_than_the_public_one_needs_its_own_root()
    {
        _repository.WriteTo(_shell["mirror"]);

        var ended = (await _shell.RunAsync("trust", "update", "-o", Output, "--mirror", _site.Url.AbsoluteUri)).With(4);

        Assert.EndsWith("expected 1", ended.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Output));
    }

    [Theory]
    [InlineData("timestamp.json", "bad-digest")]
    [InlineData("1.snapshot.json", "bad-digest")]
    [InlineData("1.targets.json", "bad-digest")]
    public async Task A_mirror_that_never_ends_its_answer_is_4(string path, string kind)
    {
        _site.Intercept = request => request.Path == path ? new SiteAnswer { Endless = true } : null;

        Assert.Equal(kind, (await UpdateAsync()).With(4).Json.GetProperty("error").GetProperty("kind").GetString());
        Assert.False(File.Exists(Output));
    }

    [Fact]
    public async Task What_expired_is_4_by_this_machines_clock()
    {
        _shell.Time = new SkippingTime { Now = TufRepository.Now.AddDays(10) };

        var ended = (await UpdateAsync()).With(4);

        Assert.Contains("root expiry: version 1 was good until 2026-03-11T12:00:00Z", ended.Message, StringComparison.Ordinal);
        Assert.Contains("clock", ended.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_published_file_that_is_no_trusted_root_is_4()
    {
        _repository.Publish("{}"u8.ToArray());

        Assert.Equal("bad-content", (await UpdateAsync()).With(4).Json.GetProperty("error").GetProperty("kind").GetString());
        Assert.False(File.Exists(Output + ".tuf"));
    }

    [Fact]
    public async Task A_mirror_without_a_repository_is_3()
    {
        _repository.Files.Clear();

        Assert.EndsWith("timestamp missing: the mirror has no timestamp.json", (await UpdateAsync()).With(3).Message, StringComparison.Ordinal);
    }

    // Buckets answer so for what they do not have.
    [Fact]
    public async Task Refused_roots_end_the_chain_and_refused_documents_are_5()
    {
        _site.Intercept = request => request.Path.EndsWith(".root.json", StringComparison.Ordinal) ? SiteAnswer.Of(403) : null;
        (await UpdateAsync()).With(0);
        _site.Intercept = request => request.Path == "timestamp.json" ? SiteAnswer.Of(403) : null;
        (await UpdateAsync()).With(5);
    }

    [Fact]
    public async Task A_mirror_that_cannot_be_reached_is_6()
    {
        var ended = (await _shell.RunAsync("trust", "update", "-o", Output, "--mirror", "https://127.0.0.1:1")).With(6);

        Assert.Contains("--mirror", ended.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_that_is_cut_is_tried_again()
    {
        var cut = 0;
        _site.Intercept = request =>
            request.Path == "1.targets.json" && cut++ == 0 ? new SiteAnswer { Body = _repository.Files["1.targets.json"], CutAfter = 10 } : null;

        (await UpdateAsync()).With(0);

        Assert.Equal(2, _site.Requests.Count(r => r.Request.Path == "1.targets.json"));
    }

    [Fact]
    public async Task A_memory_that_is_damaged_is_2()
    {
        (await UpdateAsync()).With(0);
        await File.WriteAllTextAsync(Output + ".tuf", "{", Ct);

        Assert.Contains($"{Output}.tuf: ", (await UpdateAsync()).With(2).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_directory_that_is_not_there_is_7()
    {
        _repository.WriteTo(_shell["mirror"]);

        (await _shell.RunAsync("trust", "update", "-o", _shell["none/file"], "--mirror", _site.Url.AbsoluteUri, "--root", _shell["root.json"])).With(7);
    }

    [Theory]
    [InlineData("ftp://host/")]
    [InlineData("host")]
    [InlineData("http://registry.example.com")]
    [InlineData("https://ann:secret@registry.example.com")]
    public async Task A_mirror_that_will_not_do_is_2(string mirror)
    {
        var ended = (await _shell.RunAsync("trust", "update", "-o", Output, "--mirror", mirror)).With(2);

        Assert.StartsWith("hyperkube: --mirror", ended.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", ended.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mistake_is_answered_with_the_help_of_the_very_command() =>
        Assert.Equal("  try: hyperkube trust update --help", (await _shell.RunAsync("trust", "update")).With(2).Hint);

    private static string Names(JsonElement element) => string.Join(' ', element.EnumerateObject().Select(p => p.Name));

    private Task<Ended> UpdateAsync()
    {
        Directory.Delete(_shell["mirror"], recursive: true);
        Directory.CreateDirectory(_shell["mirror"]);
        _repository.WriteTo(_shell["mirror"]);
        return _shell.RunAsync("--format", "json", "trust", "update", "-o", Output, "--mirror", _site.Url.AbsoluteUri, "--root", _shell["root.json"]);
    }
}
