using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases;

/// <summary>What the cache does with downloads that were interrupted.</summary>
public sealed class BinaryCachePartsTests : IDisposable
{
    private static readonly byte[] Kubelet = StandInProgram.Create(Platform.Host, "kubelet\n", padTo: 100_000);
    private static readonly byte[] Kubectl = StandInProgram.Create(Platform.Host, "kubectl\n", padTo: 100_000);
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly TempDirectory _directory = new();
    private readonly List<long> _begunAt = [];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Part => _directory[$"partial/{Digest.Of(Kubelet).Hex}/content"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_part_is_gone_on_with()
    {
        await InterruptAsync(after: 60_000);

        using var file = await GetAsync(Cache(), Kubelet);

        Assert.Equal(Digest.Of(Kubelet), file!.Sha256);
        Assert.Equal("0 60000", string.Join(' ', _begunAt));
        Assert.False(Directory.Exists(Path.GetDirectoryName(Part)));
    }

    [Fact]
    public async Task A_part_survives_a_cancellation()
    {
        using CancellationTokenSource stop = new();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Cache().GetAsync(Digest.Of(Kubelet), async (part, hashes, token) =>
        {
            await part.WriteAsync(Kubelet.AsMemory(0, 30_000), token);
            await stop.CancelAsync();
            token.ThrowIfCancellationRequested();
            return true;
        }, Quiet.Step, stop.Token));

        (await GetAsync(Cache(), Kubelet))!.Dispose();

        Assert.Equal("30000", string.Join(' ', _begunAt));
    }

    [Fact]
    public async Task A_damaged_part_is_thrown_away_once_and_begun_again_from_the_first_byte()
    {
        await InterruptAsync(after: 60_000);
        await File.WriteAllBytesAsync(Part, new byte[60_000], Ct);

        using var file = await GetAsync(Cache(), Kubelet);

        Assert.Equal(Digest.Of(Kubelet), file!.Sha256);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA512.HashData(Kubelet)), file.Sha512);
        Assert.Equal(Kubelet.Length, file.Size);
        Assert.Equal("0 60000 0", string.Join(' ', _begunAt));
    }

    [Fact]
    public async Task Content_that_stays_wrong_after_the_second_try_is_handed_out_and_not_kept()
    {
        var wrong = new byte[100_000];
        await InterruptAsync(after: 60_000);

        using var file = await Cache().GetAsync(Digest.Of(Kubelet), Bring(wrong), Quiet.Step, Ct);

        Assert.Equal(Digest.Of(wrong), file!.Sha256);
        Assert.Equal("0 60000 0", string.Join(' ', _begunAt));
        Assert.Empty(_directory.Files());
    }

    // A run that is killed while it flushes a large file to a slow disk leaves it so.
    [Fact]
    public async Task A_part_that_is_whole_already_is_not_fetched_again()
    {
        await InterruptAsync(after: 100_000);

        using var file = await GetAsync(Cache(), Kubelet);

        Assert.Equal(Digest.Of(Kubelet), file!.Sha256);
        Assert.Equal("0", string.Join(' ', _begunAt));
    }

    [Fact]
    public async Task A_part_that_nobody_went_on_with_for_a_week_goes()
    {
        await InterruptAsync(after: 60_000);
        Directory.SetLastWriteTimeUtc(Path.GetDirectoryName(Part)!, Now.UtcDateTime.AddDays(-8));

        (await GetAsync(Cache(), Kubectl))!.Dispose();

        Assert.False(File.Exists(Part));
    }

    [Fact]
    public async Task A_part_of_this_week_stays()
    {
        await InterruptAsync(after: 60_000);
        Directory.SetLastWriteTimeUtc(Path.GetDirectoryName(Part)!, Now.UtcDateTime.AddDays(-6));

        (await GetAsync(Cache(), Kubectl))!.Dispose();

        Assert.True(File.Exists(Part));
    }

    // Two files of one release at once, one of them begun more than a week ago.
    [Fact]
    public async Task An_old_part_that_somebody_goes_on_with_right_now_stays()
    {
        await InterruptAsync(after: 60_000);
        Directory.SetLastWriteTimeUtc(Path.GetDirectoryName(Part)!, Now.UtcDateTime.AddDays(-8));
        TaskCompletionSource begun = new(), goOn = new();
        var resumed = Cache().GetAsync(Digest.Of(Kubelet), async (part, hashes, token) =>
        {
            begun.SetResult();
            await goOn.Task;
            return await Bring(Kubelet)(part, hashes, token);
        }, Quiet.Step, Ct);
        await begun.Task;

        (await GetAsync(Cache(), Kubectl))!.Dispose();
        goOn.SetResult();

        using var file = await resumed;
        Assert.Equal(Digest.Of(Kubelet), file!.Sha256);
    }

    // Under its lock another process may do so whenever this one does not hold it: also between making it and locking it.
    [Fact]
    public async Task A_part_that_another_process_clears_away_is_made_again()
    {
        using CancellationTokenSource stop = new();
        var clearing = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                using var theirs = DirectoryLock.TryAcquire(Path.GetDirectoryName(Part)!);
                try
                {
                    Directory.Delete(theirs is null ? "/none" : Path.GetDirectoryName(Part)!);
                }
                catch (IOException)
                {
                    // Not there, or no longer empty.
                }
            }
        }, Ct);

        try
        {
            for (var round = 0; round < 300; round++)
            {
                using var file = await GetAsync(Cache(), Kubelet);
                Assert.Equal(Digest.Of(Kubelet), file!.Sha256);
                File.Delete(file.Path);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await clearing;
        }
    }

    private BinaryCache Cache() => new(_directory.Path, long.MaxValue, TimeProvider.System);

    private Task<HashedFile?> GetAsync(BinaryCache cache, byte[] content) =>
        cache.GetAsync(Digest.Of(content), Bring(content), Quiet.Step, Ct);

    private Task<HyperkubeException> InterruptAsync(int after) =>
        Assert.ThrowsAsync<HyperkubeException>(() => Cache().GetAsync(Digest.Of(Kubelet), async (part, hashes, token) =>
        {
            _begunAt.Add(part.Length);
            await part.WriteAsync(Kubelet.AsMemory(0, after), token);
            throw new HyperkubeException(ErrorKind.Unavailable, "the line was cut");
        }, Quiet.Step, Ct));

    private Func<FileStream, FileHashes, CancellationToken, Task<bool>> Bring(byte[] content) => async (part, hashes, token) =>
    {
        Assert.Equal(part.Length, hashes.Length);
        Assert.Equal(part.Length, part.Position);
        _begunAt.Add(part.Length);
        var missing = content.AsMemory((int)part.Length);
        await part.WriteAsync(missing, token);
        hashes.Append(missing.Span);
        return true;
    };
}
