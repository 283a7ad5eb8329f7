using Hyperkube.Oci.Layout;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class ResumeTests : RemoteTest
{
    private static readonly byte[] Content = Sample.Noise(3 << 20);

    private readonly TempDirectory _directory = new();
    private readonly Descriptor _blob;

    public ResumeTests() => _blob = AddBlob(Content);

    private string Part => _directory[$"blobs/sha256/.hyperkube-part-{_blob.Digest.Hex}"];

    private string Final => _directory[$"blobs/sha256/{_blob.Digest.Hex}"];

    [Fact]
    public async Task What_came_before_a_failure_is_kept_and_the_rest_asked_for()
    {
        await FailAfterAsync(2_000_000);
        Assert.Equal(2_000_000, new FileInfo(Part).Length);

        await DownloadAsync();

        Assert.Equal(Content, await File.ReadAllBytesAsync(Final, Ct));
        Assert.Equal($"bytes=2000000-{Content.Length - 1}", Registry.Calls[^1].Header("Range"));
        Assert.False(File.Exists(Part));
    }

    [Fact]
    public async Task A_part_that_was_damaged_begins_anew()
    {
        await FailAfterAsync(2_000_000);
        await using (var part = File.OpenWrite(Part))
        {
            part.WriteByte((byte)(Content[0] + 1));
        }

        await DownloadAsync();

        Assert.Equal(Content, await File.ReadAllBytesAsync(Final, Ct));
    }

    [Fact]
    public async Task A_part_that_is_longer_than_the_blob_begins_anew()
    {
        await FailAfterAsync(2_000_000);
        await File.WriteAllBytesAsync(Part, new byte[Content.Length + 1], Ct);

        await DownloadAsync();

        Assert.Equal(Content, await File.ReadAllBytesAsync(Final, Ct));
    }

    [Fact]
    public async Task A_part_that_is_whole_is_put_in_place_without_a_request()
    {
        await FailAfterAsync(2_000_000);
        await File.WriteAllBytesAsync(Part, Content, Ct);
        var calls = Registry.Calls.Count;

        await DownloadAsync();

        Assert.Equal(Content, await File.ReadAllBytesAsync(Final, Ct));
        Assert.Equal(calls, Registry.Calls.Count);
    }

    [Fact]
    public async Task A_part_is_gone_on_with_where_the_range_is_ignored()
    {
        await FailAfterAsync(2_000_000);
        Registry.Intercept = call => call.IsBlob ? new SiteAnswer { Body = Content } : null;

        await DownloadAsync();

        Assert.Equal(Content, await File.ReadAllBytesAsync(Final, Ct));
    }

    [Fact]
    public async Task Nothing_is_kept_of_wrong_bytes()
    {
        Registry.Alter = (_, answer) => answer with { Body = new byte[Content.Length] };

        Assert.Equal(ErrorKind.BadDigest, (await FailureAsync(DownloadAsync)).Kind);

        Assert.False(File.Exists(Part));
        Assert.False(File.Exists(Final));
    }

    [Fact]
    public async Task A_cancelled_download_is_gone_on_with()
    {
        using CancellationTokenSource interrupted = new();
        Registry.Alter = (_, answer) => answer with { Body = answer.Body[..1_500_000], SaidLength = Content.Length, Stalls = true };
        var download = DownloadUntilAsync(interrupted.Token);
        while (!File.Exists(Part) || new FileInfo(Part).Length < 1_400_000)
        {
            await Task.Delay(5, Ct);
        }

        await interrupted.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => download);
        Registry.Alter = (_, answer) => answer;
        await DownloadAsync();

        Assert.Equal(Content, await File.ReadAllBytesAsync(Final, Ct));
        Assert.NotNull(Registry.Calls[^1].Header("Range"));
    }

    [Fact]
    public async Task Two_that_want_the_same_blob_at_once_both_get_it()
    {
        Registry.Alter = (call, answer) => answer.Body.Length > 1_000_000 && call.Number < 4
            ? answer with { CutAfter = 900_000 } : answer;

        await Task.WhenAll(DownloadAsync(), DownloadAsync(), DownloadAsync());

        Assert.Equal(Content, await File.ReadAllBytesAsync(Final, Ct));
        Assert.DoesNotContain(_directory.Files(), f => f.Contains(".hyperkube-", StringComparison.Ordinal));
    }

    private async Task FailAfterAsync(int bytes)
    {
        Registry.Alter = (_, answer) => answer.Status == 200 ? answer with { CutAfter = bytes } : SiteAnswer.Of(404);
        await FailureAsync(DownloadAsync);
        Registry.Alter = (_, answer) => answer;
    }

    private Task DownloadAsync() => DownloadUntilAsync(Ct);

    private async Task DownloadUntilAsync(CancellationToken cancellationToken)
    {
        var layout = await ImageLayout.OpenOrCreateAsync(_directory.Path, cancellationToken);
        var repository = Repository;
        await layout.PutAsync(_blob, (offset, token) => offset == 0
            ? repository.OpenAsync(_blob, token)
            : repository.OpenAtAsync(_blob, offset, token), cancellationToken);
    }
}
