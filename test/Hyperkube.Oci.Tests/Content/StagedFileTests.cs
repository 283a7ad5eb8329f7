using Hyperkube.Oci.Content;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Content;

public sealed class StagedFileTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Target => _directory["kubelet"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_commit_puts_the_whole_file_in_place_and_leaves_nothing_else()
    {
        await using (var staged = StagedFile.CreateIn(_directory.Path))
        {
            await staged.Content.WriteAsync("new"u8.ToArray(), Ct);
            Assert.False(File.Exists(Target));

            staged.Commit(Target);
        }

        Assert.Equal("new", await File.ReadAllTextAsync(Target, Ct));
        Assert.Equal(["kubelet"], _directory.Files());
    }

    [Fact]
    public async Task A_commit_replaces_what_was_there()
    {
        await File.WriteAllTextAsync(Target, "something longer", Ct);

        await StagedFile.WriteAsync(Target, "new"u8.ToArray(), Ct);

        Assert.Equal("new", await File.ReadAllTextAsync(Target, Ct));
        Assert.Equal(["kubelet"], _directory.Files());
    }

    [Fact]
    public async Task Without_a_commit_nothing_is_left()
    {
        await using (var staged = StagedFile.CreateIn(_directory.Path))
        {
            await staged.Content.WriteAsync("new"u8.ToArray(), Ct);
        }

        Assert.Empty(_directory.Files());
    }

    [Theory]
    [InlineData(FileModes.Plain)]
    [InlineData(FileModes.Executable)]
    [InlineData((UnixFileMode)0b110_110_110)] // 0666 and 0777 are what a umask would take bits from.
    [InlineData((UnixFileMode)0b111_111_111)]
    [InlineData((UnixFileMode)0b110_000_000)]
    public async Task The_umask_has_no_say_in_the_mode(UnixFileMode mode)
    {
        await using (var staged = StagedFile.CreateIn(_directory.Path))
        {
            staged.Commit(Target, mode);
        }

        Assert.Equal(mode, File.GetUnixFileMode(Target));
    }

    [Fact]
    public async Task Before_the_commit_nobody_else_can_read_it()
    {
        await using var staged = StagedFile.CreateIn(_directory.Path);

        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_directory[Assert.Single(_directory.Files())]));
    }

    // Whoever finds the new name must be able to read it, also while its writer flushes the directory.
    [Fact]
    public async Task A_committed_file_can_be_read_before_its_writer_lets_go()
    {
        await using var staged = StagedFile.CreateIn(_directory.Path);
        await staged.Content.WriteAsync("new"u8.ToArray(), Ct);

        staged.Commit(Target);

        Assert.Equal("new", await File.ReadAllTextAsync(Target, Ct));
    }

    [Fact]
    public async Task A_commit_that_fails_leaves_the_target_and_nothing_else()
    {
        Directory.CreateDirectory(Path.Combine(Target, "full"));

        await Assert.ThrowsAnyAsync<IOException>(() => StagedFile.WriteAsync(Target, "new"u8.ToArray(), Ct));

        Assert.Equal([Target], Directory.GetFileSystemEntries(_directory.Path));
    }

    [Fact]
    public async Task A_cancelled_write_leaves_the_old_file()
    {
        await File.WriteAllTextAsync(Target, "old", Ct);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => StagedFile.WriteAsync(Target, "new"u8.ToArray(), new CancellationToken(canceled: true)));

        Assert.Equal("old", await File.ReadAllTextAsync(Target, Ct));
        Assert.Equal(["kubelet"], _directory.Files());
    }

    [Fact]
    public async Task What_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not()
    {
        await using var alive = StagedFile.CreateIn(_directory.Path);
        var living = Assert.Single(_directory.Files());
        await File.WriteAllTextAsync(_directory[$"{living[..^4]}dead"], "half", Ct); // No lock: its process is gone.
        await File.WriteAllTextAsync(Target, "old", Ct);

        StagedFile.RemoveAbandoned(_directory.Path);

        Assert.Equal([living, "kubelet"], _directory.Files());
        alive.Commit(Target);
    }

    [Fact]
    public void Removing_from_a_clean_directory_removes_nothing()
    {
        StagedFile.RemoveAbandoned(_directory.Path);

        Assert.Empty(_directory.Files());
    }

    // Between its creation and its lock a new file looks abandoned.
    [Fact]
    public async Task A_file_that_begins_while_another_process_cleans_up_is_not_lost()
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var cleaner = Task.Run(
            () =>
            {
                while (!done.IsCancellationRequested)
                {
                    StagedFile.RemoveAbandoned(_directory.Path);
                }
            }, Ct);

        try
        {
            for (var i = 0; i < 2000; i++)
            {
                await using var staged = StagedFile.CreateIn(_directory.Path);
                Assert.NotEmpty(_directory.Files());
            }
        }
        finally
        {
            await done.CancelAsync();
            await cleaner;
        }
    }
}
