using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Layers;

namespace Hyperkube.Tests.Images;

/// <summary>Builds in which something goes wrong.</summary>
public sealed class NodeImageBuilderFaultTests : IDisposable
{
    private static readonly Platform Amd64 = new("linux", "amd64");

    private readonly TinyRelease _release = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _release.Dispose();

    // Checked is what was read then; what is on the disk now may be another thing.
    [Fact]
    public async Task A_file_that_is_changed_after_its_check_is_refused()
    {
        var binaries = await _release.VerifyAsync();
        await using (var file = OpenForWriting())
        {
            file.Position = file.Length - 1;
            file.WriteByte((byte)'!');
        }

        var error = await Assert.ThrowsAsync<DigestMismatchException>(() => _release.BuildAsync(binaries));

        Assert.Equal(ErrorKind.BadDigest, error.Kind);
        Assert.DoesNotContain(_release.LayoutFiles, f => f.Contains(".hyperkube-stage-", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public async Task A_file_that_is_cut_after_its_check_is_refused(int length)
    {
        var binaries = await _release.VerifyAsync();
        await using (var file = OpenForWriting())
        {
            file.SetLength(length);
        }

        Assert.Equal(ErrorKind.BadDigest, (await Assert.ThrowsAnyAsync<HyperkubeException>(() => _release.BuildAsync(binaries))).Kind);
    }

    [Fact]
    public async Task A_file_that_is_replaced_after_its_check_does_not_get_in()
    {
        var binaries = await _release.VerifyAsync();
        var expected = (await _release.BuildAsync(binaries)).Index.Digest;
        var path = _release.PathOf(Amd64, "kubelet");
        await File.WriteAllTextAsync($"{path}.new", "replaced", Ct);
        File.Move($"{path}.new", path, overwrite: true);

        Assert.Equal(expected, (await _release.BuildAsync(binaries)).Index.Digest);
    }

    [Fact]
    public async Task A_cancelled_build_leaves_nothing_half_done()
    {
        using CancellationTokenSource stop = new();
        var binaries = await _release.VerifyAsync();
        NodeImageBuilder builder = new(await _release.LayoutAsync(), LayerCompression.Gzip, jobs: 2, new CancellingLog(stop));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            builder.BuildAsync(TinyRelease.Version, binaries, DateTimeOffset.UnixEpoch, stop.Token));

        Assert.DoesNotContain(_release.LayoutFiles, f => f.Contains(".hyperkube-stage-", StringComparison.Ordinal));
        Assert.NotNull(await _release.BuildAsync(binaries));
    }

    private FileStream OpenForWriting() =>
        File.Open(_release.PathOf(Amd64, "kubelet"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite);

    /// <summary>Cancels when the first binary is done.</summary>
    private sealed class CancellingLog(CancellationTokenSource stop) : IActivityLog
    {
        public IActivity Begin(string name, long? totalBytes) => new Step(stop);

        public void Warn(string message)
        {
        }

        private sealed class Step(CancellationTokenSource stop) : IActivity
        {
            public void Report(long value)
            {
            }

            public void Expect(long totalBytes)
            {
            }

            public void Complete(string result) => stop.Cancel();

            public void Dispose()
            {
            }
        }
    }
}
