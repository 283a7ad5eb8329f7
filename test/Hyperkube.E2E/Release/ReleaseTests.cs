using System.Globalization;
using System.Security.Cryptography;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Release;

/// <summary>The job that nobody looks at: whatever happens to it, the next run makes it right.</summary>
public sealed class ReleaseTests
{
    // A hundred by hand: HYPERKUBE_KILLS=100.
    private static readonly int Kills = int.TryParse(Machine.Variable("HYPERKUBE_KILLS"), CultureInfo.InvariantCulture, out var kills) ? kills : 12;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    // Forty releases over four minors, known by the tags of a real git repository, and by more tags than count.
    [Fact]
    public async Task A_history_is_published_and_then_there_is_nothing_to_do()
    {
        Machine.Needs("git");
        await using var scene = await ReleaseScene.StartAsync(ReleaseScene.Patches(10, 31, 32, 33, 34));
        var git = scene["git"];
        (await Run.ShellAsync("git init -q \"$0\"; cd \"$0\"; git -c user.name=x -c user.email=x@example.com commit -q --allow-empty -m x", git)).Well();
        (await Run.ShellAsync("cd \"$0\"; shift 0; for t in \"$@\"; do git tag \"$t\"; done", [git, .. scene.Versions, "v1.29.9", "v1.35.0-rc.1", "v1.34.10", "other"])).Well();
        string[] words = ["--versions", $"git+file://{git}"];

        Assert.StartsWith("v1.34.10=pending v1.34.9=build v1.34.8=build ", await scene.RunAsync(0, [.. words, "--dry-run"]), StringComparison.Ordinal);
        var done = await scene.RunAsync(0, words);
        await scene.IsCompleteAsync();
        var before = scene.Site.Requests.Count;
        var again = await scene.RunAsync(0, words);

        Assert.Equal($"v1.34.10=pending {string.Join(' ', scene.Versions.Select(v => $"{v}=published"))}", done);
        Assert.Equal($"v1.34.10=pending {string.Join(' ', scene.Versions.Select(v => $"{v}=present"))}", again);
        Assert.Equal((4 * 4) + 4, scene.Site.Requests.Count - before); // Of each minor's newest and of what is pending, four checksums.
    }

    [Fact]
    public async Task A_broken_signature_keeps_nobody_else_from_being_published()
    {
        await using var scene = await ReleaseScene.StartAsync("v1.34.1", "v1.34.0", "v1.33.2");
        var signature = scene["tree/v1.34.0/bin/linux/amd64/kubelet.sig"];
        var good = await File.ReadAllTextAsync(signature, Ct);
        File.Copy(scene["tree/v1.34.1/bin/linux/amd64/kubelet.sig"], signature, overwrite: true);

        Assert.Equal("v1.34.1=published v1.34.0=failed v1.33.2=published", await scene.RunAsync(4));
        var failed = await Exe.Here.RunAsync(["--format", "json", .. scene.Words()]);
        using (var json = System.Text.Json.JsonDocument.Parse(failed.Out))
        {
            var hint = json.RootElement[1].GetProperty("error").GetProperty("hint").GetString()!;
            await File.WriteAllTextAsync(scene["holds"], hint[hint.IndexOf("v1.34.0", StringComparison.Ordinal)..], Ct);
        }

        Assert.Equal("v1.34.1=present v1.34.0=held v1.33.2=present", await scene.RunAsync(0, "--holds", scene["holds"]));
        await File.WriteAllTextAsync(signature, good, Ct);
        Assert.Equal("v1.34.1=present v1.34.0=published v1.33.2=present", await scene.RunAsync(0, "--holds", scene["holds"]));
        await scene.IsCompleteAsync();
    }

    // On a machine that keeps its downloads, and as a Pod that begins with nothing each time, and signs.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Kill_9_at_any_moment_and_the_next_run_makes_it_right(bool isPod)
    {
        await using var scene = await ReleaseScene.StartAsync(ReleaseScene.Patches(isPod ? 3 : 5, 31, 32, 33, 34));
        var (key, publicKey) = (scene["key.pem"], scene["key.pub"]);
        using (var made = ECDsa.Create(ECCurve.NamedCurves.nistP256))
        {
            await File.WriteAllTextAsync(key, made.ExportPkcs8PrivateKeyPem(), Ct);
            await File.WriteAllTextAsync(publicKey, made.ExportSubjectPublicKeyInfoPem(), Ct);
        }

        Directory.CreateDirectory(scene["cache"]); // Pods that were killed may have left nothing to do, and so to keep.
        string[] signing = isPod ? ["--sign-key", key] : [];
        for (var i = 0; i < Kills; i++)
        {
            using var running = Exe.Here.Start(
                [.. scene.Words(signing).Select(w => isPod && w == scene["cache"] ? scene[$"pod-{i}"] : w)]);
            await Task.Delay(RandomNumberGenerator.GetInt32(50, Exe.IsPublished ? 1500 : 3000), Ct);
            running.Kill();
            _ = await running.EndAsync();
        }

        var actions = await scene.RunAsync(0, signing);

        Assert.All(actions.Split(' '), a => Assert.Matches("=(published|present)$", a));
        await scene.IsCompleteAsync(isPod ? publicKey : null);
        Assert.Empty(Directory.EnumerateFileSystemEntries(scene["cache"], ".hyperkube-stage-*"));
        Assert.DoesNotContain("published", await scene.RunAsync(0, "--audit"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_workers_at_once_do_no_harm()
    {
        await using var scene = await ReleaseScene.StartAsync(ReleaseScene.Patches(6, 33, 34));

        // On two machines: each with a cache of its own, and so with evidence that it has minted itself.
        var both = await Task.WhenAll(
            Exe.Here.RunAsync(["--format", "json", .. scene.Words()]),
            Exe.Here.RunAsync(["--format", "json", .. scene.Words().Select(w => w == scene["cache"] ? scene["other"] : w)]));

        Assert.All(both, e => Assert.True(e.Code == 0, e.Error));
        await scene.IsCompleteAsync();
        Assert.DoesNotContain("published", await scene.RunAsync(0, "--audit"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Parts_of_the_work_make_the_whole()
    {
        await using var scene = await ReleaseScene.StartAsync(ReleaseScene.Patches(4, 33, 34));

        var parts = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => scene.RunAsync(0, "--shard", $"{i}/3")));

        Assert.Equal(scene.Versions.Count, parts.Sum(p => p.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length));
        await scene.IsCompleteAsync();
    }

    // A source whose every tenth answer is an error, and a registry that is no better.
    [Fact]
    public async Task Every_tenth_request_fails_and_it_converges()
    {
        await using var scene = await ReleaseScene.StartAsync(ReleaseScene.Patches(3, 33, 34));
        await using TestRegistry registry = new();
        registry.Intercept = _ => RandomNumberGenerator.GetInt32(10) == 0 ? SiteAnswer.Of(503) : null;
        scene.Site.Intercept = _ => RandomNumberGenerator.GetInt32(10) == 0 ? SiteAnswer.Of(502) : null;
        var words = scene.Words();
        words[1] = $"{registry.Url.Authority}/hyperkube";

        var ended = await Exe.Here.RunAsync(["--format", "json", .. words]);
        for (var run = 1; ended.Code != 0 && run < 4; run++)
        {
            Assert.Equal(6, ended.Code); // Worth a retry, and nothing else.
            ended = await Exe.Here.RunAsync(["--format", "json", .. words]);
        }

        Assert.True(ended.Code == 0, ended.Error);
        Assert.True(registry.Traffic.Count(t => t.Status == 503) > 5);
        registry.Intercept = _ => null;
        Assert.All(scene.Versions, v => Assert.NotNull(registry.Tag("hyperkube", v)));
        ended = await Exe.Here.RunAsync(["--format", "json", .. words, "--audit"]);
        Assert.Equal(string.Join(' ', scene.Versions.Select(v => $"{v}=present")), ReleaseScene.Actions(ended.Well().Out));
    }

    // The same release and the same evidence: whoever builds it gets the digest.
    [Fact]
    public async Task What_was_published_can_be_built_again()
    {
        await using var scene = await ReleaseScene.StartAsync("v1.34.1");
        await scene.RunAsync(0);
        var image = $"{scene.Repository}:v1.34.1";
        string[] words =
        [
            "build", "v1.34.1", "--verify", "signature", "--source", scene.Site.Url.ToString(), "--evidence", image, .. scene.Trust,
            "--cache", scene["fresh"], "-o", $"oci:{scene["again"]}",
        ];

        var built = await Exe.Here.ResultAsync(words);

        Assert.Equal(await scene.DigestAsync("v1.34.1"), built.GetProperty("digest").GetString());
    }
}
