using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Release;

/// <summary>What is announced can be checked out and built, as with the original: <c>git checkout v1.35.0 &amp;&amp; make docker-image</c>.</summary>
public sealed class CheckoutTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_announced_tag_is_checked_out_and_makes_its_own_version()
    {
        Machine.Needs("git");
        Machine.Needs("make");
        await using var scene = await ReleaseScene.StartAsync("v1.34.1", "v1.34.0");
        var makefile = await File.ReadAllTextAsync(Path.Combine(Machine.Repository, "Makefile"), Ct);
        await using GitHubServer github = new("acme/hyperkube", "t0ken", ("KUBERNETES_VERSION", "v1.0.0\n"), ("Makefile", makefile));
        (await Exe.Here.RunAsync(
            scene.Words("--github", "acme/hyperkube"),
            new Dictionary<string, string> { ["GITHUB_API_URL"] = $"{github.Url}", ["GH_TOKEN"] = "t0ken" })).Well();

        // The stand-in's commits, as real ones.
        var checkout = scene["checkout"];
        await GitAsync("init", "-q", checkout);
        foreach (var reference in (string[])["refs/heads/trunk", "refs/tags/v1.34.0", "refs/tags/v1.34.1"])
        {
            foreach (var file in (string[])["KUBERNETES_VERSION", "Makefile"])
            {
                await File.WriteAllTextAsync(Path.Combine(checkout, file), github.FileAt(reference, file)!, Ct);
            }

            await GitAsync("-C", checkout, "add", ".");
            await GitAsync("-C", checkout, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", reference);
            await GitAsync("-C", checkout, "update-ref", reference.Replace("heads/trunk", "heads/other", StringComparison.Ordinal), "HEAD");
        }

        await GitAsync("-C", checkout, "checkout", "-q", "v1.34.0");
        await MakeAsync(scene, checkout);
        await MakeAsync(scene, checkout, "KUBERNETES_VERSION=v1.34.1");

        foreach (var version in (string[])["v1.34.0", "v1.34.1"])
        {
            var archive = Path.Combine(checkout, $"dist/hyperkube-{version}-amd64.tar");
            var image = await Exe.Here.ResultAsync(["inspect", $"docker-archive:{archive}"]);
            Assert.Equal(version, image.GetProperty("version").GetString());
        }
    }

    private static async Task GitAsync(params string[] words) => (await Run.ProgramAsync("git", words)).Well();

    // No engine is on this path: the archive is what is made.
    private static async Task MakeAsync(ReleaseScene scene, string checkout, params string[] words)
    {
        Directory.CreateDirectory(scene["bin"]);
        foreach (var program in (string[])["sh", "make", "uname", "cat", "find", "mkdir"])
        {
            var link = scene[$"bin/{program}"];
            if (!File.Exists(link))
            {
                File.CreateSymbolicLink(link, $"/usr/bin/{program}");
            }
        }

        (await Run.ProgramAsync(
            "make",
            ["-C", checkout, "docker-image", "ARCH=x86_64", $"HYPERKUBE={Exe.Here.Program}", .. words],
            new Dictionary<string, string>
            {
                ["PATH"] = scene["bin"],
                ["HYPERKUBE_SOURCE"] = $"{scene.Site.Url}",
                ["HYPERKUBE_CACHE"] = scene["cache"],
                ["HYPERKUBE_TRUSTED_ROOT"] = scene.Trust[1],
                ["HYPERKUBE_REKOR_URL"] = scene.Trust[3],
            })).Well();
    }
}
