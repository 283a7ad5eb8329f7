using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases;

public sealed class BinaryCacheTests : IDisposable
{
    private static readonly byte[] Kubelet = StandInProgram.Create(Platform.Host, "kubelet\n", padTo: 100_000);
    private static readonly byte[] Kubectl = StandInProgram.Create(Platform.Host, "kubectl\n", padTo: 100_000);
    private static readonly byte[] Kubeadm = StandInProgram.Create(Platform.Host, "kubeadm\n", padTo: 100_000);
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly TempDirectory _directory = new();
    private int _fetches;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task What_was_verified_is_used_again_without_a_fetch()
    {
        using var first = await GetAsync(Cache(), Kubelet);
        using var second = await GetAsync(Cache(), Kubelet);

        Assert.Equal(1, _fetches);
        Assert.False(first!.WasCached);
        Assert.True(second!.WasCached);
        Assert.Equal(Digest.Of(Kubelet), second.Sha256);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50_000)]
    [InlineData(99_999)]
    public async Task A_file_that_was_damaged_where_it_lies_is_fetched_again(int at)
    {
        (await GetAsync(Cache(), Kubelet))!.Dispose();
        Damage(FileOf(Kubelet), at);

        using var file = await GetAsync(Cache(), Kubelet);

        Assert.Equal(2, _fetches);
        Assert.Equal(Kubelet, await ReadAsync(file!));
        Assert.Equal(Kubelet, await File.ReadAllBytesAsync(FileOf(Kubelet), Ct));
    }

    [Fact]
    public async Task A_file_that_was_cut_short_where_it_lies_is_fetched_again()
    {
        (await GetAsync(Cache(), Kubelet))!.Dispose();
        await File.WriteAllBytesAsync(FileOf(Kubelet), Kubelet.AsMemory(0, 1000), Ct);

        using var file = await GetAsync(Cache(), Kubelet);

        Assert.Equal(2, _fetches);
        Assert.Equal(Kubelet, await ReadAsync(file!));
    }

    [Fact]
    public async Task A_file_that_grew_beyond_all_measure_where_it_lies_is_fetched_again()
    {
        (await GetAsync(Cache(), Kubelet))!.Dispose();
        await using (var huge = File.OpenWrite(FileOf(Kubelet)))
        {
            huge.SetLength((1L << 30) + 1); // Takes no room.
        }

        using var file = await GetAsync(Cache(), Kubelet);

        Assert.Equal(Kubelet, await ReadAsync(file!));
    }

    [Fact]
    public async Task Other_content_than_expected_is_handed_out_and_not_kept()
    {
        using var file = await Cache().GetAsync(Digest.Of(Kubelet), Bring(Kubectl), Quiet.Step, Ct);

        Assert.Equal(Digest.Of(Kubectl), file!.Sha256);
        Assert.Equal(Kubectl, await ReadAsync(file));
        Assert.Empty(_directory.Files());
    }

    [Fact]
    public async Task What_nobody_has_is_nothing()
    {
        Assert.Null(await Cache().GetAsync(Digest.Of(Kubelet), (_, _, _) => Task.FromResult(false), Quiet.Step, Ct));
        Assert.DoesNotContain(_directory.Files(), f => f.StartsWith("sha256", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_full_cache_lets_go_of_what_was_not_used_for_the_longest_time()
    {
        var cache = Cache(maxBytes: 200_000);
        (await GetAsync(cache, Kubelet))!.Dispose();
        (await GetAsync(cache, Kubectl))!.Dispose();
        File.SetLastWriteTimeUtc(FileOf(Kubelet), Now.UtcDateTime.AddDays(-2));
        File.SetLastWriteTimeUtc(FileOf(Kubectl), Now.UtcDateTime.AddDays(-1));

        (await GetAsync(cache, Kubeadm))!.Dispose();

        Assert.False(File.Exists(FileOf(Kubelet)));
        Assert.True(File.Exists(FileOf(Kubectl)));
        Assert.True(File.Exists(FileOf(Kubeadm)));
    }

    [Fact]
    public async Task Use_makes_a_file_young_again()
    {
        var cache = Cache(maxBytes: 200_000);
        (await GetAsync(cache, Kubelet))!.Dispose();
        (await GetAsync(cache, Kubectl))!.Dispose();
        File.SetLastWriteTimeUtc(FileOf(Kubelet), Now.UtcDateTime.AddDays(-2));
        File.SetLastWriteTimeUtc(FileOf(Kubectl), Now.UtcDateTime.AddDays(-1));

        (await GetAsync(cache, Kubelet))!.Dispose();
        (await GetAsync(cache, Kubeadm))!.Dispose();

        Assert.True(File.Exists(FileOf(Kubelet)));
        Assert.False(File.Exists(FileOf(Kubectl)));
    }

    [Fact]
    public async Task A_file_larger_than_the_whole_cache_is_still_kept_until_the_next()
    {
        var cache = Cache(maxBytes: 10);

        (await GetAsync(cache, Kubelet))!.Dispose();
        Assert.True(File.Exists(FileOf(Kubelet)));

        (await GetAsync(cache, Kubectl))!.Dispose();
        Assert.False(File.Exists(FileOf(Kubelet)));
        Assert.True(File.Exists(FileOf(Kubectl)));
    }

    [Fact]
    public async Task A_file_that_goes_while_it_is_open_stays_readable()
    {
        var cache = Cache(maxBytes: 10);
        using var open = await GetAsync(cache, Kubelet);
        (await GetAsync(cache, Kubectl))!.Dispose();

        Assert.False(File.Exists(FileOf(Kubelet)));
        Assert.Equal(Kubelet, await ReadAsync(open!));
    }

    [Fact]
    public async Task Two_who_want_the_same_at_once_fetch_it_once()
    {
        TaskCompletionSource begun = new(), goOn = new();
        var first = Cache().GetAsync(Digest.Of(Kubelet), async (part, hashes, token) =>
        {
            begun.SetResult();
            await goOn.Task;
            return await Bring(Kubelet)(part, hashes, token);
        }, Quiet.Step, Ct);
        await begun.Task;
        var second = GetAsync(Cache(), Kubelet);

        Assert.False(second.IsCompleted);
        goOn.SetResult();
        using var one = await first;
        using var other = await second;

        Assert.Equal(1, _fetches);
        Assert.Equal(Kubelet, await ReadAsync(one!));
        Assert.Equal(Kubelet, await ReadAsync(other!));
        Assert.True(other!.WasCached);
    }

    [Fact]
    public async Task Many_who_want_the_same_at_once_all_get_it()
    {
        for (var round = 0; round < 100; round++)
        {
            var content = StandInProgram.Create(Platform.Host, $"{round}\n", padTo: 1000);
            _fetches = 0;

            var files = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => GetAsync(Cache(), content))));

            Assert.Equal(1, _fetches);
            Assert.All(files, f => Assert.Equal(Digest.Of(content), f!.Sha256));
            Array.ForEach(files, f => f!.Dispose());
        }
    }

    private BinaryCache Cache(long maxBytes = long.MaxValue) => new(_directory.Path, maxBytes, TimeProvider.System);

    private string FileOf(byte[] content) => _directory[$"sha256/{Digest.Of(content).Hex}"];

    private Task<HashedFile?> GetAsync(BinaryCache cache, byte[] content) =>
        cache.GetAsync(Digest.Of(content), Bring(content), Quiet.Step, Ct);

    private Func<FileStream, FileHashes, CancellationToken, Task<bool>> Bring(byte[] content) => async (part, hashes, token) =>
    {
        Interlocked.Increment(ref _fetches);
        await part.WriteAsync(content, token);
        hashes.Append(content);
        return true;
    };

    private static void Damage(string path, int at)
    {
        using var file = File.Open(path, FileMode.Open);
        file.Position = at;
        var was = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)~was);
    }

    private static async Task<byte[]> ReadAsync(HashedFile file)
    {
        using MemoryStream content = new();
        await using var stream = file.OpenRead();
        await stream.CopyToAsync(content, Ct);
        return content.ToArray();
    }
}
