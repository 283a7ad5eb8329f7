namespace Hyperkube.E2E.Host;

/// <summary>What is rolled back stays away, until the reference points elsewhere or somebody insists.</summary>
public sealed class HoldTests
{
    [Fact]
    public async Task A_rolled_back_image_is_held_by_tag_by_digest_and_in_another_registry()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        (await scene.InstallAsync(scene.Tagged(HostScene.New))).Well();
        (await scene.RollbackAsync()).Well();

        foreach (var reference in (string[])[scene.Tagged(HostScene.New), scene.Pinned(HostScene.New), scene.Local(HostScene.New)])
        {
            var held = await scene.InstallAsync(reference);
            Assert.Equal(8, held.Code);
            Assert.Contains("is on hold", held.Error, StringComparison.Ordinal);
            Assert.Equal((HostScene.Old, HostScene.Old), (scene.VersionAt(), scene.VersionAt("kubectl")));
        }

        Assert.Equal(3, (await scene.RollbackAsync()).Code);
        (await scene.InstallAsync(scene.Tagged(HostScene.New), "--force")).Well();
        Assert.Equal(HostScene.New, scene.VersionAt());
    }

    [Fact]
    public async Task A_reference_that_has_pointed_elsewhere_may_come_back()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        (await scene.InstallAsync(scene.Local(HostScene.New))).Well();
        (await scene.RollbackAsync()).Well();
        Assert.Equal(8, (await scene.InstallAsync(scene.Local(HostScene.New))).Code);

        // It points to what is here already: nothing is installed, and the hold has done its duty.
        Assert.False(HostScene.Result((await scene.InstallAsync(scene.Local(HostScene.Old))).Well()).GetProperty("changed").GetBoolean());
        Assert.Equal(0, scene.Receipt().GetProperty("holds").GetArrayLength());

        (await scene.InstallAsync(scene.Local(HostScene.New))).Well();
        Assert.Equal(HostScene.New, scene.VersionAt());
    }

    [Fact]
    public async Task One_binary_goes_back_and_only_its_path_is_held()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        (await scene.InstallAsync(scene.Local(HostScene.New))).Well();

        (await scene.RollbackAsync("kubelet")).Well();

        Assert.Equal((HostScene.Old, HostScene.New), (scene.VersionAt(), scene.VersionAt("kubectl")));
        Assert.Equal(8, (await scene.InstallAsync(scene.Local(HostScene.New), "kubelet")).Code);
        (await scene.InstallAsync(scene.Local(HostScene.New), "kubectl")).Well();
        Assert.Equal(8, (await scene.InstallAsync(scene.Local(HostScene.New), "kubelet")).Code);
    }

    [Fact]
    public async Task A_kept_file_that_somebody_changed_is_not_put_back()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();
        (await scene.InstallAsync(scene.Local(HostScene.New))).Well();
        await File.AppendAllTextAsync(Path.Combine(scene.Bin, ".hyperkube-prev-kubelet"), "more", TestContext.Current.CancellationToken);

        Assert.Equal(4, (await scene.RollbackAsync()).Code);

        Assert.Equal((HostScene.New, HostScene.New), (scene.VersionAt(), scene.VersionAt("kubectl")));
        Assert.Empty(scene.Leftovers());
    }
}
