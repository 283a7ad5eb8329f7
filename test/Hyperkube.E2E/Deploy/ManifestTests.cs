using System.Text.Json;
using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E.Deploy;

/// <summary>The manifests of deploy/kubernetes, read by kubectl, which needs no server for that.</summary>
public sealed class ManifestTests
{
    public static TheoryData<string> All => [.. Files("*.yaml")];

    public static TheoryData<string> WithPods => [.. Files("*-job.yaml").Concat(Files("*-daemonset.yaml"))];

    [Theory]
    [MemberData(nameof(All))]
    public async Task Kubectl_reads_it(string file)
    {
        var labelled = await ReadAsync(file);

        Assert.Equal("y", labelled.GetProperty("metadata").GetProperty("labels").GetProperty("x").GetString());
    }

    // A command that changes Pod templates decodes into the API's own types: a value of another kind is an error, and a
    // field that the API does not have is lost on the way.
    [Theory]
    [MemberData(nameof(WithPods))]
    public async Task Every_field_is_one_of_the_api(string file)
    {
        var ended = (await Run.ProgramAsync(
            Machine.Sid("kubectl"), ["set", "env", "--local", "--dry-run=client", "-f", PathOf(file), "x=y", "-o", "json"])).Well();
        using var typed = JsonDocument.Parse(ended.Out);

        Assert.Empty(Lost(await ReadAsync(file), typed.RootElement, "").Except(["/metadata/labels"]));
    }

    [Theory]
    [MemberData(nameof(WithPods))]
    public async Task No_container_has_a_right_that_it_does_not_need(string file)
    {
        var pod = (await ReadAsync(file)).GetProperty("spec").GetProperty("template").GetProperty("spec");

        Assert.False(pod.GetProperty("automountServiceAccountToken").GetBoolean());
        Assert.Equal("RuntimeDefault", pod.GetProperty("securityContext").GetProperty("seccompProfile").GetProperty("type").GetString());
        Assert.DoesNotContain(pod.EnumerateObject(), p => p.Name is "hostPID" or "hostIPC" or "hostNetwork");
        foreach (var container in Containers(pod))
        {
            var context = container.GetProperty("securityContext");
            Assert.False(context.GetProperty("allowPrivilegeEscalation").GetBoolean());
            Assert.True(context.GetProperty("readOnlyRootFilesystem").GetBoolean());
            Assert.Equal("""{"drop":["ALL"]}""", JsonSerializer.Serialize(context.GetProperty("capabilities")));
            Assert.False(context.TryGetProperty("privileged", out _));
            Assert.True(container.GetProperty("resources").GetProperty("limits").TryGetProperty("memory", out _));
        }
    }

    [Fact]
    public async Task The_verifying_pod_is_nobody_and_can_write_nothing()
    {
        var pod = (await ReadAsync("verify-daemonset.yaml")).GetProperty("spec").GetProperty("template").GetProperty("spec");

        Assert.True(pod.GetProperty("securityContext").GetProperty("runAsNonRoot").GetBoolean());
        Assert.All(
            Containers(pod).Where(c => c.TryGetProperty("volumeMounts", out _))
                .SelectMany(c => c.GetProperty("volumeMounts").EnumerateArray()),
            m => Assert.True(m.GetProperty("readOnly").GetBoolean()));

        // The kubelet makes a missing directory if it is told to; here it is not.
        Assert.All(
            pod.GetProperty("volumes").EnumerateArray(),
            v => Assert.Equal("Directory", v.GetProperty("hostPath").GetProperty("type").GetString()));
    }

    [Theory]
    [MemberData(nameof(WithPods))]
    public async Task Of_the_host_it_sees_only_what_it_needs(string file)
    {
        var pod = (await ReadAsync(file)).GetProperty("spec").GetProperty("template").GetProperty("spec");

        Assert.Empty(pod.GetProperty("volumes").EnumerateArray()
            .Select(v => v.GetProperty("hostPath").GetProperty("path").GetString())
            .Except(["/opt/bin", "/var/lib/hyperkube", "/etc/containerd/certs.d"]));
    }

    [Theory]
    [MemberData(nameof(WithPods))]
    public async Task The_image_that_it_installs_is_pinned(string file) =>
        Assert.Matches("registry.example.com/hyperkube:v1.36.4@sha256:[0-9a-f]{64}", (await ReadAsync(file)).GetRawText());

    private static IEnumerable<JsonElement> Containers(JsonElement pod) =>
        pod.EnumerateObject().Where(p => p.Name is "initContainers" or "containers").SelectMany(p => p.Value.EnumerateArray());

    private static IEnumerable<string> Lost(JsonElement all, JsonElement kept, string path) => (all.ValueKind, kept.ValueKind) switch
    {
        (JsonValueKind.Object, JsonValueKind.Object) => all.EnumerateObject().SelectMany(
            p => kept.TryGetProperty(p.Name, out var other) ? Lost(p.Value, other, $"{path}/{p.Name}") : [$"{path}/{p.Name}"]),
        (JsonValueKind.Array, JsonValueKind.Array) when all.GetArrayLength() == kept.GetArrayLength() =>
            all.EnumerateArray().Zip(kept.EnumerateArray()).SelectMany((p, i) => Lost(p.First, p.Second, $"{path}/{i}")),
        _ => JsonElement.DeepEquals(all, kept) ? [] : [path],
    };

    private static async Task<JsonElement> ReadAsync(string file)
    {
        var ended = (await Run.ProgramAsync(
            Machine.Sid("kubectl"), ["label", "--local", "--dry-run=client", "-f", PathOf(file), "x=y", "-o", "json"])).Well();
        using var json = JsonDocument.Parse(ended.Out);
        return json.RootElement.Clone();
    }

    private static string PathOf(string file) => Path.Combine(Machine.Repository, "deploy/kubernetes", file);

    private static IEnumerable<string> Files(string pattern) =>
        Directory.EnumerateFiles(PathOf(""), pattern).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal);
}
