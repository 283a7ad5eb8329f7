using System.Globalization;
using Hyperkube.E2E.Images;
using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E.Host;

/// <summary>An install from everywhere an image can be, ours and others'.</summary>
[Collection(Alone.Name)]
public sealed class TransportTests
{
    // The binary is in the second of three layers, and what is below it is not the one.
    private static (string, byte[])[][] ThreeLayers(HostScene scene) =>
    [
        [("etc/os-release", "alpine"u8.ToArray()), ("kubelet", "below"u8.ToArray())],
        [("kubelet", scene.Program(HostScene.New)), ("kubectl", scene.Program(HostScene.New, "kubectl"))],
        [("sleep", "#!/bin/sh"u8.ToArray())],
    ];

    [Fact]
    public async Task Nothing_to_do_costs_one_question_by_tag_and_none_by_digest()
    {
        await using var scene = await HostScene.CreateAsync();
        var first = HostScene.Result((await scene.InstallAsync(scene.Tagged(HostScene.New))).Well());
        Assert.True(first.GetProperty("bytesDownloaded").GetInt64() > 1 << 20);

        foreach (var (reference, expected) in ((string, string[])[])
            [(scene.Tagged(HostScene.New), [$"HEAD /v2/hyperkube/manifests/{HostScene.New}"]), (scene.Pinned(HostScene.New), [])])
        {
            var asked = scene.Registry.Calls.Count;
            List<double> milliseconds = [];
            for (var i = 0; i < 20; i++)
            {
                var ended = (await scene.InstallAsync(reference, "--jitter", "10h")).Well();
                milliseconds.Add(ended.Elapsed.TotalMilliseconds);
                var result = HostScene.Result(ended);
                Assert.False(result.GetProperty("changed").GetBoolean());
                Assert.Equal(expected.Length, result.GetProperty("requests").GetInt32());
            }

            Assert.Equal(Enumerable.Repeat(expected, 20).SelectMany(e => e), scene.Registry.Calls.Skip(asked).Select(c => c.ToString()));
            TestContext.Current.SendDiagnosticMessage(
                "nothing to do at {0}: {1:F1} ms (median of 20, with the start of the process)",
                reference, milliseconds.Order().ElementAt(10));
        }
    }

    [Fact]
    public async Task Others_do_their_work_during_the_jitter()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Tagged(HostScene.Old))).Well();
        (await scene.InstallAsync(scene.Tagged(HostScene.New))).Well();
        var asked = scene.Registry.Calls.Count;
        using var waiting = Exe.Here.Start(scene.Words(scene.Tagged(HostScene.Old), "--jitter", "500h"));
        for (var i = 0; i < 1000 && scene.Registry.Calls.Count == asked; i++)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        (await scene.RollbackAsync("--timeout", "30s")).Well();

        Assert.False(waiting.HasEnded);
        Assert.Equal(HostScene.Old, scene.VersionAt());
        waiting.Kill();
    }

    [Fact]
    public async Task Another_index_of_the_same_files_fetches_none_of_them_again_also_with_a_minimum()
    {
        await using var scene = await HostScene.CreateAsync();
        var tag = $"{scene.Registry.Url.Authority}/both:{HostScene.New}";
        await scene.BuildAsync(HostScene.New, "--platform", "linux/arm64", "-o", tag);
        var both = $"{scene.Registry.Url.Authority}/both@{scene.Registry.Tag("both", HostScene.New)}";
        string[] words = ["--root", scene.Root, "--verify", "digest", "--minimum-version", HostScene.Old];
        _ = await Exe.Here.ResultAsync(["install", scene.Pinned(HostScene.New), .. words]);

        var result = await Exe.Here.ResultAsync(["install", both, .. words]);

        Assert.False(result.GetProperty("changed").GetBoolean());
        Assert.InRange(result.GetProperty("bytesDownloaded").GetInt64(), 1, 1 << 16);
        Assert.Equal(4, (await Exe.Here.RunAsync(["install", both, .. words[..^1], "v1.99.0"])).Code);
    }

    [Fact]
    public async Task A_tag_that_has_moved_is_followed_and_a_digest_is_not()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await Exe.Here.RunAsync(["copy", scene.Tagged(HostScene.Old), $"{scene.Registry.Url.Authority}/hyperkube:stable"])).Well();
        var stable = $"{scene.Registry.Url.Authority}/hyperkube:stable";
        (await scene.InstallAsync(stable)).Well();
        (await Exe.Here.RunAsync(["copy", scene.Tagged(HostScene.New), stable, "--move-tag"])).Well();

        var pinned = HostScene.Result((await scene.InstallAsync($"{stable}@{scene.DigestOf(HostScene.Old)}")).Well());
        Assert.False(pinned.GetProperty("changed").GetBoolean());
        var moved = HostScene.Result((await scene.InstallAsync(stable)).Well());

        Assert.Equal(scene.DigestOf(HostScene.New), moved.GetProperty("digest").GetString());
        Assert.Equal(scene.DigestOf(HostScene.Old), moved.GetProperty("previous").GetProperty("digest").GetString());
        Assert.Equal(HostScene.New, scene.VersionAt());
    }

    [Theory]
    [InlineData("oci-archive")]
    [InlineData("docker-archive")]
    public async Task Of_an_archive_only_what_is_needed_is_read(string transport)
    {
        await using var scene = await HostScene.CreateAsync();
        var archive = scene["usb.tar"];
        await scene.BuildAsync(HostScene.New, "-o", $"{transport}:{archive}");
        var layer = new FileInfo(archive).Length / 2;

        var calls = await Strace.TraceAsync(
            "read,pread64,preadv,mmap", scene["trace"], scene.Words($"{transport}:{archive}", "kubelet"), only: archive);
        var bytes = calls.Sum(BytesOf);

        Assert.Equal(HostScene.New, scene.VersionAt());
        Assert.InRange(bytes, layer * 0.8, layer * 1.2);
        var again = await Strace.TraceAsync(
            "read,pread64,preadv,mmap", scene["trace"], scene.Words($"{transport}:{archive}", "kubelet"), only: archive);
        Assert.InRange(again.Sum(BytesOf), 1, 1 << 17);
    }

    // A call that the end of the process cut short has brought nothing: "= ?".
    private static long BytesOf(string call) =>
        long.TryParse(call[(call.LastIndexOf('=') + 1)..].Trim(), CultureInfo.InvariantCulture, out var bytes) ? bytes : 0;

    [Theory]
    [InlineData("gzip", true)]
    [InlineData("gzip", false)]
    [InlineData("zstd", true)]
    [InlineData("zstd", false)]
    public async Task Images_of_others_in_three_layers_or_squashed_into_one(string compression, bool isSquashed)
    {
        Machine.Needs("zstd");
        await using var scene = await HostScene.CreateAsync();
        var layers = ThreeLayers(scene);
        var digest = await PlainImage.WriteAsync(
            scene["plain"], HostScene.New, compression, isSquashed ? [[layers[0][0], .. layers[1], .. layers[2]]] : layers);
        (await Exe.Here.RunAsync(
            ["copy", $"oci:{scene["plain"]}:{HostScene.New}", $"{scene.Registry.Url.Authority}/plain:{HostScene.New}"])).Well();

        foreach (var reference in (string[])[$"oci:{scene["plain"]}:{HostScene.New}", $"{scene.Registry.Url.Authority}/plain@{digest}"])
        {
            (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
            var result = HostScene.Result((await scene.InstallAsync(reference)).Well());
            Assert.Equal((digest, true), (result.GetProperty("digest").GetString(), result.GetProperty("changed").GetBoolean()));
            Assert.Equal((HostScene.New, HostScene.New), (scene.VersionAt(), scene.VersionAt("kubectl")));
            Assert.Equal("755 0:0", (await Run.ProgramAsync("stat", ["-c", "%a %u:%g", scene.Kubelet])).Text);
            Assert.Empty(scene.Leftovers());
        }
    }

    // Without annotations nobody knows before the tar's header how much space is needed; then it is known at once.
    [Fact]
    public async Task Space_is_checked_at_the_tars_header_where_nothing_tells_before()
    {
        await using var scene = await HostScene.CreateAsync();
        var digest = await PlainImage.WriteAsync(scene["plain"], HostScene.New, "gzip", ThreeLayers(scene));
        var ended = await scene.PrivatelyAsync(
            """
            mkdir -p "$0/root/opt/bin"
            mount -t tmpfs -o size=6m tmpfs "$0/root/opt/bin"
            code=0
            "$@" || code=$?
            ls -A "$0/root/opt/bin"
            exit $code
            """,
            [Exe.Here.Program, .. scene.Words($"oci:{scene["plain"]}:{HostScene.New}")]);

        Assert.Equal(7, ended.Code);
        Assert.Contains("No space left", ended.Error, StringComparison.Ordinal);
        Assert.EndsWith("}\n", ended.Out, StringComparison.Ordinal);
        Assert.NotNull(digest);
    }

    [Fact]
    public async Task Docker_schema_2_as_engines_push_it()
    {
        using Sandbox sandbox = new("skopeo");
        await using var registry = await DockerRegistry.StartAsync();
        await using var scene = await HostScene.CreateAsync();
        _ = await PlainImage.WriteAsync(scene["plain"], HostScene.New, "gzip", ThreeLayers(scene));
        (await sandbox.RunAsync(
            "skopeo", "--insecure-policy", "copy", "-q", "--format", "v2s2", "--dest-tls-verify=false",
            $"oci:{scene["plain"]}:{HostScene.New}", $"docker://{registry.Address}/original:{HostScene.New}")).Well();
        var image = $"{registry.Address}/original:{HostScene.New}";
        var raw = (await sandbox.RunAsync("skopeo", "inspect", "--raw", "--tls-verify=false", $"docker://{image}")).Text;
        Assert.Contains("application/vnd.docker.distribution.manifest.v2+json", raw, StringComparison.Ordinal);

        var result = HostScene.Result((await scene.InstallAsync(image)).Well());

        Assert.Equal(HostScene.New, result.GetProperty("version").GetString()); // By its tag.
        Assert.Equal((HostScene.New, HostScene.New), (scene.VersionAt(), scene.VersionAt("kubectl")));
        Assert.False(HostScene.Result((await scene.InstallAsync(image)).Well()).GetProperty("changed").GetBoolean());
    }

    [Fact]
    public async Task Our_own_image_in_zstd()
    {
        await using var scene = await HostScene.CreateAsync();
        await scene.BuildAsync(HostScene.New, "-o", $"oci:{scene["zstd"]}", "--compression", "zstd");

        (await scene.InstallAsync($"oci:{scene["zstd"]}:{HostScene.New}-zstd")).Well();

        Assert.Equal((HostScene.New, HostScene.New), (scene.VersionAt(), scene.VersionAt("kubectl")));
    }
}
