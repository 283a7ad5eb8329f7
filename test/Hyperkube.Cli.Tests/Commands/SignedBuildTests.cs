using System.Security.Cryptography;
using System.Text.Json;
using Hyperkube.Oci;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Cli.Tests.Commands;

/// <summary>build and fetch with the release team's signature, which is the default: found, looked up, checked, carried along.</summary>
public sealed class SignedBuildTests : IAsyncDisposable
{
    private const string Version = "v1.36.4";
    private const string Kubelet = $"{Version}/bin/linux/amd64/kubelet";

    private static readonly Platform Amd64 = new("linux", "amd64");

    private readonly Shell _shell = new();
    private readonly SignedRelease _release;

    public SignedBuildTests()
    {
        _shell.Variables.Remove("HYPERKUBE_BUILD_VERIFY");
        _shell.Variables.Remove("HYPERKUBE_FETCH_VERIFY");
        _release = new SignedRelease(_shell["signed"]);
        _release.Write(Version);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _release.DisposeAsync();
        _shell.Dispose();
    }

    [Fact]
    public async Task Each_binary_is_verified_and_its_evidence_is_in_the_first_layer()
    {
        var result = await BuiltAsync("image");

        var binaries = result.GetProperty("platforms").EnumerateArray().SelectMany(p => p.GetProperty("binaries").EnumerateArray()).ToList();
        Assert.Equal(4, binaries.Count);
        Assert.All(binaries, b => Assert.Equal("signature listed", $"{b.Text("verified")} {b.Text("versionProof")}"));
        var inspected = (await _shell.RunAsync("--format", "json", "inspect", $"oci:{_shell["image"]}")).With(0).Json;
        Assert.All(
            inspected.GetProperty("platforms").EnumerateArray(),
            p => Assert.Equal(
                ["/kubectl.sigstore.json", "/kubelet.sigstore.json"],
                p.GetProperty("evidence").EnumerateArray().Select(e => e.GetString()).Order(StringComparer.Ordinal), StringComparer.Ordinal));
        Assert.StartsWith("2024-05-17T10:00:00", inspected.GetProperty("created").GetString(), StringComparison.Ordinal); // The signatures' time.
    }

    [Fact]
    public async Task The_log_is_asked_once_for_all_by_computed_names()
    {
        await BuiltAsync("image");

        Assert.Equal([5], _release.Rekor.Questions); // Four binaries and the list of the release.
    }

    [Fact]
    public async Task More_than_ten_are_asked_for_ten_at_a_time()
    {
        foreach (var name in (string[])["kubeadm", "kube-proxy", "kube-apiserver", "kube-scheduler"])
        {
            foreach (var platform in ReleaseTree.Platforms)
            {
                _release.WriteFile(Version, platform, name, StandInProgram.Kubernetes(platform, name, Version));
            }
        }

        _release.WriteList(Version);

        await BuiltAsync("image", "--binary", "kubelet,kubectl,kubeadm,kube-proxy,kube-apiserver,kube-scheduler");

        Assert.Equal([10, 3], _release.Rekor.Questions);
    }

    // The log signs anew at every reading: only what was kept gives the same image.
    [Fact]
    public async Task What_was_minted_once_is_used_again_from_the_cache()
    {
        var first = (await BuiltAsync("one")).GetProperty("digest").GetString();
        var second = (await BuiltAsync("two")).GetProperty("digest").GetString();

        Assert.Equal(first, second);
        Assert.Single(_release.Rekor.Questions);
    }

    [Fact]
    public async Task Without_what_was_kept_only_the_evidence_differs()
    {
        var first = await BuiltAsync("one");
        var second = await BuiltAsync("two", "--cache", _shell["another"]);

        Assert.NotEqual(first.GetProperty("digest").GetString(), second.GetProperty("digest").GetString(), StringComparer.Ordinal);
        Assert.Equal(2, _release.Rekor.Questions.Count);
        var (one, two) = (Blobs("one"), Blobs("two"));
        Assert.Equal(4, one.Intersect(two, StringComparer.Ordinal).Count()); // The binaries' layers.
    }

    [Fact]
    public async Task The_destinations_own_tag_is_looked_at_before_the_log()
    {
        await BuiltAsync("image");

        await BuiltAsync("image", "--cache", _shell["another"]);

        Assert.Equal([5, 1], _release.Rekor.Questions); // Only the list of the release, which no image holds.
    }

    [Fact]
    public async Task Evidence_of_an_image_that_is_named_makes_the_same_image()
    {
        var first = (await BuiltAsync("one")).GetProperty("digest").GetString();

        var again = await BuiltAsync("two", "--cache", _shell["another"], "--evidence", $"oci:{_shell["one"]}");

        Assert.Equal(first, again.GetProperty("digest").GetString());
    }

    [Fact]
    public async Task A_fetched_directory_is_enough_to_build_again_without_the_log()
    {
        var first = (await BuiltAsync("one")).GetProperty("digest").GetString();
        (await _shell.RunAsync(["fetch", Version, "--source", _shell["signed"], "--to", _shell["usb"], .. _release.BuildWords])).With(0);

        var again = (await _shell.RunAsync(
            "--format", "json", "build", Version, "--source", _shell["usb"], "-o", $"oci:{_shell["two"]}", "--cache", _shell["another"],
            "--trusted-root", _release.TrustedRoot, "--rekor-url", "http://127.0.0.1:1")).With(0).Json;

        Assert.Equal(first, again.GetProperty("digest").GetString());
        Assert.DoesNotContain(_shell.Files, f => f.StartsWith("usb/", StringComparison.Ordinal) && f.EndsWith(".sig", StringComparison.Ordinal));
    }

    // The list's too, which no image holds.
    [Fact]
    public async Task Evidence_of_a_directory_that_is_named_is_enough_without_the_log()
    {
        var first = (await BuiltAsync("one")).GetProperty("digest").GetString();
        (await _shell.RunAsync(["fetch", Version, "--source", _shell["signed"], "--to", _shell["usb"], .. _release.BuildWords])).With(0);
        var asked = _release.Rekor.Questions.Count;

        var again = await BuiltAsync("two", "--cache", _shell["another"], "--evidence", _shell["usb"]);

        Assert.Equal(first, again.GetProperty("digest").GetString());
        Assert.Equal(asked, _release.Rekor.Questions.Count);
    }

    [Fact]
    public async Task A_registry_that_has_the_image_gives_its_evidence()
    {
        await using TestRegistry registry = new();
        var reference = $"{registry.Url.Authority}/hyperkube:{Version}";
        await BuildWordsAsync("-o", reference);
        var digest = registry.Tag("hyperkube", Version);

        await BuildWordsAsync("-o", reference, "--cache", _shell["another"]);

        Assert.Equal(digest, registry.Tag("hyperkube", Version));
        Assert.Equal([5, 1], _release.Rekor.Questions);
    }

    [Fact]
    public async Task What_is_pushed_has_its_parts_and_its_provenance_attached_once()
    {
        await using TestRegistry registry = new();
        var reference = $"{registry.Url.Authority}/hyperkube:{Version}";
        (await BuildWordsAsync("-o", reference)).With(0);

        var referrers = (await _shell.RunAsync("--format", "json", "inspect", reference)).With(0).Json.GetProperty("referrers");
        Assert.Equal(
            ["application/spdx+json", "application/spdx+json", "application/vnd.in-toto+json"],
            referrers.EnumerateArray().Select(r => r.GetProperty("artifactType").GetString()).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        var sent = registry.Calls.Count(c => c.Method == "PUT");
        (await BuildWordsAsync("-o", reference)).With(0);
        Assert.Equal(sent, registry.Calls.Count(c => c.Method == "PUT"));
    }

    [Fact]
    public async Task Nothing_is_attached_where_that_was_asked_for()
    {
        await using TestRegistry registry = new();
        var reference = $"{registry.Url.Authority}/hyperkube:{Version}";

        (await BuildWordsAsync("-o", reference, "--no-referrers")).With(0);

        Assert.Empty((await _shell.RunAsync("--format", "json", "inspect", reference)).With(0).Json.GetProperty("referrers").EnumerateArray());
    }

    [Fact]
    public async Task A_tag_with_the_same_binaries_and_other_evidence_is_present()
    {
        (await _shell.RunAsync("build", Version, "--source", _shell["signed"], "-o", $"oci:{_shell["image"]}", "--verify", "checksum")).With(0);

        var ended = (await BuildWordsAsync("-o", $"oci:{_shell["image"]}")).With(0);

        Assert.Contains("the same binaries and other evidence", ended.Error, StringComparison.Ordinal);
        (await BuildWordsAsync("-o", $"oci:{_shell["image"]}", "--move-tag")).With(0);
        Assert.Contains(
            "kubelet.sigstore.json", (await _shell.RunAsync("--format", "json", "inspect", $"oci:{_shell["image"]}:{Version}")).With(0).Out,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_published_bundle_is_taken_before_the_two_files()
    {
        foreach (var (path, signed) in _release.Artifacts)
        {
            await File.WriteAllBytesAsync($"{_shell["signed"]}/{path}.sigstore.json", signed.Json, Ct);
            File.Delete($"{_shell["signed"]}/{path}.sig");
        }

        await BuiltAsync("image");

        Assert.Empty(_release.Rekor.Questions);
    }

    [Fact]
    public async Task What_is_wrong_in_one_place_is_looked_for_in_the_next()
    {
        await BuiltAsync("one");
        foreach (var kept in Directory.GetFiles(_shell["cache/hyperkube/evidence"]))
        {
            await File.WriteAllTextAsync(kept, "{}", Ct);
        }

        var ended = await BuildWordsAsync("-o", $"oci:{_shell["two"]}");

        Assert.Contains("looking further", ended.With(0).Error, StringComparison.Ordinal);
        Assert.Equal(2, _release.Rekor.Questions.Count);
    }

    [Theory]
    [InlineData("damaged")]
    [InlineData("unavailable")]
    public async Task What_cannot_be_had_of_the_destinations_tag_is_looked_for_elsewhere(string what)
    {
        await using TestRegistry registry = new();
        var reference = $"{registry.Url.Authority}/hyperkube:{Version}";
        (await BuildWordsAsync("-o", reference)).With(0);
        registry.Alter = (call, answer) => call.Method != "GET" || !call.IsBlob ? answer
            : what == "damaged" ? answer with { Body = new byte[answer.Body.Length] }
            : SiteAnswer.Text("later", 503);

        var ended = (await BuildWordsAsync("-o", $"oci:{_shell["two"]}", "-o", reference, "--move-tag")).With(0);

        Assert.Single(ended.Error.Split('\n'), l => l.Contains("looking further", StringComparison.Ordinal));
        Assert.Equal(what == "damaged" ? 0 : 6, (await BuildWordsAsync("-o", $"oci:{_shell["two"]}", "--evidence", reference, "--cache", _shell["fresh"])).ExitCode);
    }

    // Truly the release team's word about the file; but not that it is released.
    [Fact]
    public async Task A_document_about_the_file_is_no_signature_of_it()
    {
        var content = await File.ReadAllBytesAsync($"{_shell["signed"]}/{Kubelet}", Ct);
        var statement = "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"digest\":{\"sha256\":\""
            + $"{Convert.ToHexStringLower(SHA256.HashData(content))}\"}}}}],\"predicateType\":\"https://example.org/failed\"}}";
        var document = _release.Authority.Sign(content, new SigningRecipe { Statement = statement });
        File.Delete($"{_shell["signed"]}/{Kubelet}.sig");
        await File.WriteAllBytesAsync($"{_shell["signed"]}/{Kubelet}.sigstore.json", document.Json, Ct);

        await AssertRefusedAsync("bad-signature", "it signs a document about the file", null);
    }

    [Theory]
    [InlineData(".sig")]
    [InlineData(".cert")]
    public async Task A_binary_without_signature_is_unsigned(string missing)
    {
        File.Delete($"{_shell["signed"]}/{Kubelet}{missing}");

        await AssertRefusedAsync("unsigned", "no signature", "--verify checksum");
    }

    [Fact]
    public async Task A_signature_of_another_file_is_refused_before_anything_is_downloaded()
    {
        await using var site = ReleaseSite.Start(_shell["signed"]);
        File.Copy($"{_shell["signed"]}/{Kubelet.Replace("kubelet", "kubectl", StringComparison.Ordinal)}.sig", $"{_shell["signed"]}/{Kubelet}.sig", overwrite: true);

        var ended = await _shell.RunAsync(
            ["--format", "json", "build", Version, "--source", site.Url.ToString(), "-o", $"oci:{_shell["image"]}", .. _release.BuildWords]);

        Assert.Equal("bad-signature", ended.With(4).Json.GetProperty("error").GetProperty("kind").GetString());
        Assert.Equal(0, site.BytesFor("/kubelet"));
        Assert.Equal(0, site.BytesFor("/kubectl"));
    }

    // The hole in the usual online check: a truly logged entry about something else.
    [Fact]
    public async Task A_log_that_answers_with_an_unrelated_entry_is_not_believed()
    {
        _release.Rekor.Lie(_release.Artifacts[Kubelet], _release.Artifacts[Kubelet.Replace("kubelet", "kubectl", StringComparison.Ordinal)]);

        await AssertRefusedAsync("bad-signature", "log entry", null);
    }

    [Fact]
    public async Task A_signature_that_was_never_logged_is_refused()
    {
        _release.WriteFile(Version, Amd64, "kubelet", StandInProgram.Kubernetes(Amd64, "kubelet", Version, 5000), new SigningRecipe { IsLogged = false });
        _release.WriteList(Version);

        await AssertRefusedAsync("bad-signature", "were never logged", null);
    }

    [Theory]
    [InlineData("mallory@example.org", CertificateRecipe.Google)]
    [InlineData(CertificateRecipe.Email, "https://github.com/login/oauth")]
    public async Task Another_signer_is_refused_by_name(string subject, string issuer)
    {
        _release.WriteFile(Version, Amd64, "kubelet", StandInProgram.Kubernetes(Amd64, "kubelet", Version, 5000), new SigningRecipe
        {
            Certificate = new CertificateRecipe { Subject = subject, Issuer = issuer, OldIssuer = issuer },
        });
        _release.WriteList(Version);

        await AssertRefusedAsync("bad-signature", $"{subject} (vouched for by {issuer})", null);
    }

    [Fact]
    public async Task Another_signer_can_be_named()
    {
        foreach (var platform in ReleaseTree.Platforms)
        {
            foreach (var name in (string[])["kubelet", "kubectl"])
            {
                _release.WriteFile(Version, platform, name, StandInProgram.Kubernetes(platform, name, Version), new SigningRecipe
                {
                    Certificate = new CertificateRecipe { Subject = "us@example.org", Issuer = "https://id.example.org", OldIssuer = null },
                });
            }
        }

        File.Delete($"{_shell["signed"]}/{Version}/kubernetes-release.spdx.sha256");

        await BuiltAsync("image", "--certificate-identity", "us@example.org", "--certificate-oidc-issuer", "https://id.example.org");
    }

    [Fact]
    public async Task The_public_root_does_not_know_another_authority() =>
        Assert.Equal(
            "bad-signature",
            (await _shell.RunAsync(
                "--format", "json", "build", Version, "--source", _shell["signed"], "--rekor-url", _release.Rekor.Url.ToString(), "-o", $"oci:{_shell["image"]}"))
            .With(4).Json.GetProperty("error").GetProperty("kind").GetString());

    // Truly signed, and something else.
    [Theory]
    [InlineData("kubectl", "linux/amd64", "it is k8s.io/kubernetes/cmd/kubectl for linux/amd64")]
    [InlineData("kubelet", "linux/arm64", "a program for arm64")]
    public async Task Another_signed_binary_in_its_place_is_refused_by_what_it_is(string name, string platform, string says)
    {
        _release.WriteFile(Version, Amd64, "kubelet", StandInProgram.Kubernetes(Platform.Parse(platform), name, Version));
        _release.WriteList(Version);

        await AssertRefusedAsync("bad-content", says, null);
    }

    [Fact]
    public async Task An_older_release_under_a_new_name_is_refused_by_the_signed_list()
    {
        _release.WriteFile(Version, Amd64, "kubelet", StandInProgram.Kubernetes(Amd64, "kubelet", "v1.30.0"));

        await AssertRefusedAsync("bad-digest", "is not of v1.36.4: its signed list says", null);
    }

    [Fact]
    public async Task Another_releases_list_is_refused()
    {
        _release.WriteList(Version, about: "v1.30.0");

        await AssertRefusedAsync("bad-content", "is about 'https://sbom.k8s.io/v1.30.0/release'", null);
    }

    [Fact]
    public async Task Without_a_list_the_version_is_the_sources_word_and_it_says_so()
    {
        File.Delete($"{_shell["signed"]}/{Version}/kubernetes-release.spdx.sha256");

        var ended = (await BuildWordsAsync("-o", $"oci:{_shell["image"]}")).With(0);

        Assert.Contains("nothing but the source says that these files are v1.36.4", ended.Error, StringComparison.Ordinal);
        Assert.Contains(", verified by signature, version: claimed\n", ended.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_release_from_before_signatures_wants_the_word_checksum()
    {
        var ended = (await _shell.RunAsync(["build", "v1.25.16", "--source", _shell["signed"], .. _release.BuildWords])).With(2);

        Assert.Contains("v1.25.16 is not signed", ended.Message, StringComparison.Ordinal);
        Assert.Contains("--verify checksum", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_known_broken_signature_is_accepted_by_an_exception_that_names_the_file()
    {
        var kubelet = $"{_shell["signed"]}/{Kubelet}";
        File.Copy($"{_shell["signed"]}/{Kubelet.Replace("kubelet", "kubectl", StringComparison.Ordinal)}.sig", $"{kubelet}.sig", overwrite: true);
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(kubelet, Ct)));
        await File.WriteAllTextAsync(_shell["exceptions"], $"kubelet {Version} linux/amd64 {sha256} 2999-12-31 signed the wrong file\n", Ct);

        var result = await BuiltAsync("image", "--exceptions", _shell["exceptions"]);

        var verified = result.GetProperty("platforms")[0].GetProperty("binaries").EnumerateArray()
            .ToDictionary(b => b.GetProperty("name").GetString()!, b => b.GetProperty("verified").GetString(), StringComparer.Ordinal);
        Assert.Equal("exception", verified["kubelet"]);
        Assert.Equal("signature", verified["kubectl"]);
    }

    [Fact]
    public async Task An_exception_is_about_a_signature_and_not_about_which_program_it_is()
    {
        _release.WriteFile(Version, Amd64, "kubelet", StandInProgram.Kubernetes(Amd64, "kubectl", Version));
        _release.WriteList(Version);
        File.Delete($"{_shell["signed"]}/{Kubelet}.sig");
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync($"{_shell["signed"]}/{Kubelet}", Ct)));
        await File.WriteAllTextAsync(_shell["exceptions"], $"kubelet {Version} linux/amd64 {sha256} 2999-12-31 not signed\n", Ct);

        await AssertRefusedAsync("bad-content", "it is k8s.io/kubernetes/cmd/kubectl", null, "--exceptions", _shell["exceptions"]);
    }

    [Fact]
    public async Task An_exception_for_other_bytes_or_one_that_has_ended_does_not_count()
    {
        File.Delete($"{_shell["signed"]}/{Kubelet}.sig");
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync($"{_shell["signed"]}/{Kubelet}", Ct)));
        await File.WriteAllTextAsync(
            _shell["exceptions"],
            $"kubelet {Version} linux/amd64 {new string('0', 64)} 2999-12-31 other bytes\nkubelet {Version} linux/amd64 {sha256} 2020-01-01 long ago\n", Ct);

        await AssertRefusedAsync("unsigned", "no signature", null, "--exceptions", _shell["exceptions"]);
    }

    [Theory]
    [InlineData(503, 6)]
    [InlineData(403, 5)]
    [InlineData(400, 6)]
    public async Task A_log_that_does_not_answer_is_no_bad_signature(int status, int code)
    {
        _release.Rekor.Intercept = _ => SiteAnswer.Text("no", status);

        (await BuildWordsAsync("-o", $"oci:{_shell["image"]}")).With(code);
    }

    [Fact]
    public async Task A_log_that_is_busy_is_asked_again()
    {
        var busy = 2;
        _release.Rekor.Intercept = _ => busy-- > 0 ? SiteAnswer.Text("later", 503) : null;

        await BuiltAsync("image");
    }

    [Fact]
    public async Task A_log_that_answers_something_else_is_refused()
    {
        _release.Rekor.Intercept = _ => SiteAnswer.Text("<html>");

        (await BuildWordsAsync("-o", $"oci:{_shell["image"]}")).With(4);
    }

    [Fact]
    public async Task The_second_source_is_asked_when_the_first_has_a_wrong_signature()
    {
        await using SignedRelease other = new(_shell["other"]);
        other.Write(Version);

        var ended = (await _shell.RunAsync(
            ["build", Version, "--source", _shell["other"], "--source", _shell["signed"], "-o", $"oci:{_shell["image"]}", .. _release.BuildWords])).With(0);

        Assert.Contains("trying the next source", ended.Error, StringComparison.Ordinal);
    }

    private async Task AssertRefusedAsync(string kind, string says, string? hint, params string[] more)
    {
        var error = (await BuildWordsAsync(["-o", $"oci:{_shell["image"]}", "--format", "json", .. more])).With(4).Json.GetProperty("error");

        Assert.Equal(kind, error.GetProperty("kind").GetString());
        Assert.Contains(says, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        if (hint is not null)
        {
            Assert.Contains(hint, error.GetProperty("hint").GetString(), StringComparison.Ordinal);
        }

        Assert.DoesNotContain(_shell.Files, f => f.StartsWith("image/index.json", StringComparison.Ordinal));
    }

    private async Task<JsonElement> BuiltAsync(string layout, params string[] more) =>
        (await BuildWordsAsync(["--format", "json", "-o", $"oci:{_shell[layout]}", .. more])).With(0).Json;

    private Task<Ended> BuildWordsAsync(params string[] words) =>
        _shell.RunAsync(["build", Version, "--source", _shell["signed"], .. _release.BuildWords, .. words]);

    private IEnumerable<string> Blobs(string layout) => Directory.GetFiles(_shell[$"{layout}/blobs/sha256"]).Select(f => Path.GetFileName(f));
}
