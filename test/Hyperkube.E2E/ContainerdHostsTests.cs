using Hyperkube.E2E.Images;
using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Oci;
using Hyperkube.Oci.Registry;

namespace Hyperkube.E2E;

/// <summary>The hosts that a directory of hosts.toml files yields are those that containerd asks: in this order, under these paths,
/// with these headers and certificates.</summary>
[Collection(Alone.Name)]
public sealed class ContainerdHostsTests(NewestContainerd newest) : IClassFixture<NewestContainerd>
{
    public static TheoryData<string> Trees => [.. HostsTree.All.Keys];

    // Where nobody serves, we try the last host longer than a test should take. And by decision 0005 we trust nobody on this machine unseen.
    public static TheoryData<string> ServingTrees =>
        [.. HostsTree.All.Where(t => t.Value.Hosts.Contains("=ok", StringComparison.Ordinal)).Select(t => t.Key).Except(["no directory, registry with TLS"])];

    [Theory]
    [MemberData(nameof(Trees))]
    public async Task Containerd_asks_the_same_hosts_in_the_same_order(string tree)
    {
        var containerd = await newest.GetAsync();
        await using HostsScene scene = new(HostsTree.All[tree], tree);

        var ended = await scene.FetchAsync(containerd);

        List<string> expected = [];
        var isThere = scene.Foresee(HostsDirectory.HostsFor(scene.Root, scene.Registry), expected);
        Assert.True(expected.SequenceEqual(scene.Record), $"""
            {tree}
            foreseen:
              {string.Join("\n  ", expected)}
            containerd:
              {string.Join("\n  ", scene.Record)}
            {ended.Error}
            """);
        Assert.True(isThere == (ended.Code == 0), $"{tree}: exit code {ended.Code}\n{ended.Error}");
    }

    // The program itself, beside containerd: whom they ask for what a tag or digest stands for, and whom for the content.
    [Theory]
    [MemberData(nameof(ServingTrees))]
    public async Task Our_program_asks_whom_containerd_asks(string tree)
    {
        var containerd = await newest.GetAsync();
        var image = $"{tree}, beside ours"; // One that containerd has not fetched yet in another test.
        await using HostsScene theirs = new(HostsTree.All[tree], image);
        await using HostsScene ours = new(HostsTree.All[tree], image);

        var fetched = await theirs.FetchAsync(containerd);
        var inspected = await ours.InspectAsync(Exe.Here);

        Assert.True(theirs.Asked("HEAD").SequenceEqual(ours.Asked("GET")), $"""
            {tree}
            containerd:
              {string.Join("\n  ", theirs.Asked("HEAD"))}
            hyperkube:
              {string.Join("\n  ", ours.Asked("GET"))}
            {fetched.Error}
            {inspected.Error}
            """);
        Assert.True((fetched.Code == 0) == (inspected.Code == 0), $"{tree}: {fetched.Error}\n{inspected.Error}");
    }

    // The one difference that is meant: containerd logs an error and asks the registry, as if there were no file.
    [Theory]
    [InlineData("[host.'http://{A}']\ncapabilities = 'pull'")]
    [InlineData("[host.'http://{A}']\ncapabilities = ['pul']")]
    [InlineData("[host.'http://{A}']\nskip_verify = 'yes'")]
    [InlineData("[host.'http://{A}']\n[host.'http://{A}']")]
    [InlineData("[host.'http://{A}'")]
    public async Task Where_containerd_goes_on_without_a_broken_file_its_line_is_told(string text)
    {
        var containerd = await newest.GetAsync();
        await using HostsScene scene = new(new HostsTree("A=ok R=ok", "{R}", ("{R}/hosts.toml", text)), text);

        (await scene.FetchAsync(containerd)).Well();
        var error = Assert.Throws<HyperkubeException>(() => HostsDirectory.HostsFor(scene.Root, scene.Registry));

        Assert.DoesNotContain(scene.Record, line => line.Contains("//A/", StringComparison.Ordinal));
        Assert.Contains(scene.Record, line => line.Contains("//R/", StringComparison.Ordinal));
        Assert.StartsWith($"{scene.Root}/{scene.Registry}/hosts.toml:", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ca = 'missing.crt'")]
    [InlineData("ca = 'hosts.toml'")]
    [InlineData("client = 'hosts.toml'")]
    public async Task Both_ask_nobody_when_a_certificate_cannot_be_read(string setting)
    {
        var containerd = await newest.GetAsync();
        await using HostsScene scene = new(
            new HostsTree("A=ok B=ok", "registry.example.com",
                ("registry.example.com/hosts.toml", $"[host.'http://{{A}}']\n[host.'http://{{B}}']\n{setting}")),
            setting);

        Assert.NotEqual(0, (await scene.FetchAsync(containerd)).Code);
        Assert.Empty(scene.Record);
        Assert.Throws<HyperkubeException>(() => HostsDirectory.HostsFor(scene.Root, scene.Registry));
    }
}
