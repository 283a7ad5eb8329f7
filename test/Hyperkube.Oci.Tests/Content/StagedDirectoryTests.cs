using Hyperkube.Oci.Content;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Content;

public sealed class StagedDirectoryTests : IDisposable
{
    private readonly TempDirectory _parent = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _parent.Dispose();

    [Fact]
    public async Task It_is_there_while_it_is_used_and_gone_afterwards()
    {
        using (var staged = StagedDirectory.CreateIn(_parent.Path))
        {
            Directory.CreateDirectory(Path.Combine(staged.Path, "a"));
            await File.WriteAllTextAsync(Path.Combine(staged.Path, "a", "b"), "content", Ct);
        }

        Assert.Empty(Directory.GetFileSystemEntries(_parent.Path));
    }

    [Fact]
    public void The_parent_is_made()
    {
        using var staged = StagedDirectory.CreateIn(_parent["a/b"]);

        Assert.StartsWith(_parent["a/b/"], staged.Path, StringComparison.Ordinal);
    }

    [Fact]
    public void One_that_a_killed_process_left_is_removed_and_a_living_one_is_not()
    {
        using var alive = StagedDirectory.CreateIn(_parent.Path);
        var dead = $"{alive.Path[..^4]}dead";
        Directory.CreateDirectory(Path.Combine(dead, "full"));
        Directory.CreateDirectory(_parent["somebody's"]);

        using var next = StagedDirectory.CreateIn(_parent.Path);

        Assert.Equal((true, true, false), (Directory.Exists(alive.Path), Directory.Exists(next.Path), Directory.Exists(dead)));
        Assert.True(Directory.Exists(_parent["somebody's"]));
    }

    // Between its creation and its lock a new directory looks abandoned.
    [Fact]
    public async Task Many_that_begin_at_once_do_not_remove_each_other() =>
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            await Task.Yield();
            for (var i = 0; i < 40; i++)
            {
                using var staged = StagedDirectory.CreateIn(_parent.Path);

                await File.WriteAllTextAsync(Path.Combine(staged.Path, "file"), "content", Ct);
            }
        }));
}
