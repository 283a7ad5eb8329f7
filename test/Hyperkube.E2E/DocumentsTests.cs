using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperkube.Documents;
using Hyperkube.E2E.Images;
using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Images;
using Hyperkube.Oci.Layers;
using Hyperkube.Oci.Layout;
using Hyperkube.Publishing;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.E2E;

/// <summary>The SPDX project's own library takes our lists of parts, and real clients find what is attached to an image.</summary>
public sealed class DocumentsTests : IDisposable
{
    private readonly TempDirectory _work = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _work.Dispose();

    [Fact]
    public async Task The_list_of_parts_of_real_programs_is_valid_SPDX()
    {
        var release = await RealRelease.CreateAsync(_work["release"]);
        var documents = await AttachAsync(release.Directory, release.Version);

        foreach (var parts in documents.Where(d => d.Document.Type == SpdxDocument.MediaType))
        {
            var judged = (await JudgeAsync(parts.Document.Content)).Well();

            Assert.Contains("DESCRIBES 1\n", judged.Out, StringComparison.Ordinal);
            Assert.Contains("CONTAINS 3\n", judged.Out, StringComparison.Ordinal);
            Assert.Equal(2, Count(judged.Out, "DEPENDS_ON")); // Debian builds without modules: the compiler is all that they say.
        }
    }

    [Fact]
    public async Task The_list_of_many_modules_of_every_form_is_valid_SPDX()
    {
        StringBuilder modules = new();
        for (var i = 0; i < 250; i++)
        {
            modules.Append((i % 5) switch
            {
                0 => $"dep\tgithub.com/Azure/mod_{i}\tv1.{i}.0\th1:x{i}=\n",
                1 => $"dep\tgopkg.in/yaml.v{i}\tv{i}.0.0+incompatible\th1:x{i}=\n",
                2 => $"dep\tgolang.org/x/m{i}\tv0.0.0-20250102033503-faa5f7b0171c\th1:x{i}=\n",
                3 => $"dep\tk8s.io/m{i}\tv0.0.0\n=>\t./staging/src/k8s.io/m{i}\t(devel)\t\n",
                _ => $"dep\texample.org/~ann/m{i}\tv1.0.0\n=>\texample.org/fork/m{i}\tv1.0.{i}-rc.1\th1:x{i}=\n",
            });
        }

        foreach (var platform in ReleaseTree.Platforms)
        {
            foreach (var name in (string[])["kubelet", "kubectl"])
            {
                var program = StandInProgram.WithBuildInfo(
                    StandInProgram.Create(platform, name), StandInProgram.BuildInfo($"k8s.io/kubernetes/cmd/{name}", platform, "v1.36.4") + modules);
                ReleaseTree.WriteFile(_work["release"], "v1.36.4", platform, name, program);
            }
        }

        var parts = (await AttachAsync(_work["release"], "v1.36.4"))[0].Document.Content;

        Assert.Equal(2 * (250 + 3), Count((await JudgeAsync(parts)).Well().Out, "DEPENDS_ON")); // And cobra, the API, and Go.
    }

    [Fact]
    public async Task The_judge_refuses_what_breaks_the_rules()
    {
        ReleaseTree.Write(_work["release"], "v1.36.4");
        var parts = (await AttachAsync(_work["release"], "v1.36.4"))[0].Document.Content;
        (await JudgeAsync(parts)).Well();

        foreach (var change in (Action<JsonNode>[])
        [
            d => d["packages"]![0]!["SPDXID"] = "SPDXRef-under_score",
            d => d["packages"]![0]!["checksums"]![0]!["checksumValue"] = "abc",
            d => d["packages"]![0]!["downloadLocation"] = "nowhere",
            d => d["relationships"]![0]!["relatedSpdxElement"] = "SPDXRef-Nobody",
            d => d["documentNamespace"] = "no URI",
        ])
        {
            var broken = JsonNode.Parse(parts.Span)!;
            change(broken);

            Assert.NotEqual(0, (await JudgeAsync(Encoding.UTF8.GetBytes(broken.ToJsonString()))).Code);
        }
    }

    [Fact]
    public async Task Real_clients_find_and_fetch_what_is_attached()
    {
        await using var registry = await DockerRegistry.StartAsync();
        ReleaseTree.Write(_work["release"], "v1.36.4");
        var documents = await AttachAsync(_work["release"], "v1.36.4");
        var repository = $"{registry.Address}/node/hyperkube";
        (await Exe.Here.RunAsync(["copy", $"oci:{_work["layout"]}:v1.36.4", $"{repository}:v1.36.4"])).Well();

        foreach (var (document, manifest, _) in documents)
        {
            var subject = document.Subject.Digest;
            var discovered = await OrasAsync("discover", "--plain-http", "--format", "json", $"{repository}@{subject}");
            var referrer = Assert.Single(JsonDocument.Parse(discovered.Well().Out).RootElement.GetProperty("referrers").EnumerateArray());
            Assert.Equal(
                $"{manifest.Digest} {document.Type}", $"{referrer.GetProperty("digest").GetString()} {referrer.GetProperty("artifactType").GetString()}");

            var pulled = _work[$"pulled-{subject.Hex}"];
            (await OrasAsync("pull", "--plain-http", "--output", pulled, $"{repository}@{manifest.Digest}")).Well();
            Assert.Equal(document.Content.ToArray(), await File.ReadAllBytesAsync(Path.Combine(pulled, document.FileName), Ct));

            var list = await Run.ProgramAsync(Machine.Sid("crane"), ["manifest", $"{repository}:sha256-{subject.Hex}"]);
            Assert.Contains(manifest.Digest.ToString(), list.Well().Out, StringComparison.Ordinal);
        }

        var inspected = await Exe.Here.ResultAsync(["inspect", $"{repository}:v1.36.4"]);
        Assert.Equal(documents.Count, inspected.GetProperty("referrers").GetArrayLength());
    }

    private static int Count(string said, string relation) =>
        int.Parse(said.Split('\n').Single(l => l.StartsWith(relation, StringComparison.Ordinal)).Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);

    private static Task<Ended> OrasAsync(params IReadOnlyList<string> arguments) => Run.ProgramAsync(Machine.Sid("oras"), arguments);

    private async Task<IReadOnlyList<AttachedDocument>> AttachAsync(string directory, string version)
    {
        ReleaseVerifier verifier = new([new DirectorySource(directory)], evidence: null, NoActivityLog.Instance);
        var kubernetes = KubernetesVersion.Parse(version);
        using var release = await verifier.FetchAsync(
            [
                .. from platform in ReleaseTree.Platforms
                   from name in (BinaryName[])[BinaryName.Kubelet, BinaryName.Kubectl]
                   select new ReleaseFile(kubernetes, platform, name),
            ],
            jobs: 2, Ct);
        var layout = await ImageLayout.OpenOrCreateAsync(_work["layout"], Ct);
        var image = await new NodeImageBuilder(layout, LayerCompression.Parse("gzip:1", null), jobs: 2, NoActivityLog.Instance)
            .BuildAsync(kubernetes, release.Binaries, DateTimeOffset.UnixEpoch, Ct);
        await layout.TagAsync(image.Index, version, move: true, Ct);
        var documents = ImageDocument.Of(image, list: null, DateTimeOffset.UnixEpoch, new ProvenanceSettings { Signers = null });
        return await new ImageDocuments(layout, layout).AttachAsync(documents, [], Ct);
    }

    private async Task<Ended> JudgeAsync(ReadOnlyMemory<byte> document)
    {
        Machine.Needs("python3");
        var path = _work["judged.spdx.json"];
        await File.WriteAllBytesAsync(path, document.ToArray(), Ct);
        return await Run.ProgramAsync(
            "python3",
            [Path.Combine(Machine.Repository, "test/Hyperkube.E2E/judges/spdx.py"), path],
            new Dictionary<string, string> { ["PYTHONPATH"] = Machine.SidPython("python3-spdx-tools") });
    }
}
