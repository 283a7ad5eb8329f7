using System.Text;
using System.Text.Json;
using Hyperkube.Documents;
using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Documents;

public sealed class ProvenanceStatementTests
{
    private static readonly Digest List = Digest.Of("list"u8);

    private static IReadOnlyList<DocumentedBinary> Binaries => [.. Documented.Binaries(Documented.Arm64), .. Documented.Binaries(Documented.Amd64)];

    [Fact]
    public void The_statement_is_the_one_in_the_file()
    {
        var statement = Encoding.UTF8.GetString(ProvenanceStatement.Write(Documented.Image, Binaries, List, new ProvenanceSettings()));

        Assert.Equal(Golden.TextFor("test/Hyperkube.Tests/Documents/Golden/provenance.intoto.json", statement), statement);
    }

    [Fact]
    public void It_is_about_the_index_and_each_manifest()
    {
        var subjects = Read(new ProvenanceSettings()).GetProperty("subject").EnumerateArray();

        Assert.Equal(
            ((Descriptor[])[Documented.Image.Index, .. Documented.Image.Platforms.Select(p => p.Manifest)]).Select(d => d.Digest.Hex),
            subjects.Select(s => s.GetProperty("digest").GetProperty("sha256").GetString()!));
    }

    [Fact]
    public void No_time_is_in_it_unless_it_is_given()
    {
        var without = Encoding.UTF8.GetString(ProvenanceStatement.Write(Documented.Image, Binaries, List, new ProvenanceSettings()));
        var metadata = Read(new ProvenanceSettings
        {
            Builder = new Uri("https://github.com/example/images/.github/workflows/release.yml@refs/heads/main"),
            Invocation = "https://github.com/example/images/actions/runs/1/attempts/1",
            Times = (Documented.Created, Documented.Created.AddMinutes(2)),
        }).GetProperty("predicate").GetProperty("runDetails");

        Assert.DoesNotContain("startedOn", without, StringComparison.Ordinal);
        Assert.Equal("https://github.com/example/images/.github/workflows/release.yml@refs/heads/main", metadata.GetProperty("builder").GetProperty("id").GetString());
        Assert.Equal(
            """{"invocationId":"https://github.com/example/images/actions/runs/1/attempts/1","startedOn":"2026-08-12T09:30:15Z","finishedOn":"2026-08-12T09:32:15Z"}""",
            JsonSerializer.Serialize(metadata.GetProperty("metadata")));
    }

    [Fact]
    public void What_is_not_known_is_not_said()
    {
        IReadOnlyList<DocumentedBinary> binaries =
            [.. Binaries.Select(b => b with { LogIndex = null, Log = null, Build = null, Verification = Verification.Checksum })];

        var definition = Read(new ProvenanceSettings { Signers = null }, binaries, list: null).GetProperty("predicate").GetProperty("buildDefinition");

        Assert.False(definition.GetProperty("externalParameters").TryGetProperty("signers", out _));
        var dependencies = definition.GetProperty("resolvedDependencies").EnumerateArray().ToList();
        Assert.Equal(4, dependencies.Count);
        Assert.All(dependencies, d => Assert.Equal("""{"verified":"checksum"}""", JsonSerializer.Serialize(d.GetProperty("annotations"))));
    }

    [Theory]
    [InlineData("not hex at all, 40 characters, that is it")]
    [InlineData("8cc511e")]
    [InlineData("")]
    public void A_commit_that_is_none_is_not_said(string revision)
    {
        var binary = Documented.Binary("kubelet", modules: $"path\tk8s.io/kubernetes/cmd/kubelet\nbuild\tvcs.revision={revision}\n");

        Assert.Null(binary.Commit);
    }

    private static JsonElement Read(ProvenanceSettings settings) => Read(settings, Binaries, List);

    private static JsonElement Read(ProvenanceSettings settings, IReadOnlyList<DocumentedBinary> binaries, Digest? list) =>
        JsonDocument.Parse(ProvenanceStatement.Write(Documented.Image, binaries, list, settings)).RootElement;
}
