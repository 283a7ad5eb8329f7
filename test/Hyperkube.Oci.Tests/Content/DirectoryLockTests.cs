using Hyperkube.Oci.Content;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Content;

public sealed class DirectoryLockTests : IDisposable
{
    private static readonly TimeSpan Patient = TimeSpan.FromMinutes(1);

    private readonly TempDirectory _directory = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_second_waits_until_the_first_lets_go()
    {
        var first = await DirectoryLock.AcquireAsync(_directory.Path, Patient, Ct);
        var second = DirectoryLock.AcquireAsync(_directory.Path, Patient, Ct);
        Assert.False(second.IsCompleted);

        first.Dispose();

        (await second).Dispose();
    }

    [Fact]
    public async Task The_second_gives_up_after_its_patience()
    {
        using var first = await DirectoryLock.AcquireAsync(_directory.Path, Patient, Ct);

        var error = await Assert.ThrowsAsync<HyperkubeException>(
            () => DirectoryLock.AcquireAsync(_directory.Path, TimeSpan.FromMilliseconds(50), Ct));

        Assert.Equal(ErrorKind.TimedOut, error.Kind);
        Assert.Contains(_directory.Path, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
    }

    [Fact]
    public async Task Who_gave_up_does_not_hold_the_lock()
    {
        using (await DirectoryLock.AcquireAsync(_directory.Path, Patient, Ct))
        {
            await Assert.ThrowsAsync<HyperkubeException>(() => DirectoryLock.AcquireAsync(_directory.Path, TimeSpan.Zero, Ct));
        }

        (await DirectoryLock.AcquireAsync(_directory.Path, TimeSpan.Zero, Ct)).Dispose();
    }

    [Fact]
    public async Task Waiting_ends_when_it_is_cancelled()
    {
        using CancellationTokenSource interrupted = new();
        using var first = await DirectoryLock.AcquireAsync(_directory.Path, Patient, Ct);
        var second = DirectoryLock.AcquireAsync(_directory.Path, Patient, interrupted.Token);

        await interrupted.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
    }

    [Fact]
    public async Task Only_one_of_many_holds_it_at_a_time()
    {
        var holders = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, 8), Ct, async (_, token) =>
        {
            using (await DirectoryLock.AcquireAsync(_directory.Path, Patient, token))
            {
                Assert.Equal(1, Interlocked.Increment(ref holders));
                await Task.Yield();
                Interlocked.Decrement(ref holders);
            }
        });
    }

    [Fact]
    public async Task Two_directories_have_two_locks()
    {
        Directory.CreateDirectory(_directory["other"]);

        using var one = await DirectoryLock.AcquireAsync(_directory.Path, TimeSpan.Zero, Ct);
        using var other = await DirectoryLock.AcquireAsync(_directory["other"], TimeSpan.Zero, Ct);
    }

    [Fact]
    public async Task A_look_takes_a_free_lock_and_does_not_wait_for_another()
    {
        using (await DirectoryLock.AcquireAsync(_directory.Path, Patient, Ct))
        {
            Assert.Null(DirectoryLock.TryAcquire(_directory.Path));
        }

        using var free = DirectoryLock.TryAcquire(_directory.Path);
        Assert.NotNull(free);
        Assert.Null(DirectoryLock.TryAcquire(_directory["missing"]));
    }

    [Fact]
    public async Task A_missing_directory_is_the_hosts_fault_and_says_where()
    {
        var error = await Assert.ThrowsAnyAsync<IOException>(
            () => DirectoryLock.AcquireAsync(_directory["missing"], TimeSpan.Zero, Ct));

        Assert.Contains(_directory["missing"], error.Message, StringComparison.Ordinal);
    }
}
