using System.Collections.Immutable;
using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases;

public sealed class DownloadTests
{
    private const int Step = 64 * 1024;

    private static readonly Digest Expected = Digest.Of(LocalSite.Content);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_line_that_is_cut_once_anywhere_costs_nothing_but_a_second_request()
    {
        for (var cut = 0; cut < LocalSite.Size; cut += Step)
        {
            await using var local = LocalSite.Start();
            local.OnBinary = request => local.BinaryRequests.Count == 0 ? Cut(request, cut) : null;

            var binary = await local.FetchAsync();

            Assert.Equal(Expected, binary.Digest);
            Assert.Equal(LocalSite.Size, local.Site.BytesFor("kubelet"));
            Assert.Equal(cut == 0 ? null : $"bytes={cut}-{(1 << 30) - 1}", local.BinaryRequests[1].Request.Header("Range"));
        }
    }

    [Fact]
    public async Task A_line_that_is_cut_every_64_KiB_brings_each_byte_once()
    {
        await using var local = LocalSite.Start();
        local.OnBinary = request => Cut(request, Step);
        var patient = LocalSite.Hasty with { Retry = LocalSite.Hasty.Retry with { MaxAttempts = 20 } };

        var binary = await local.FetchAsync(local.Open(patient));

        Assert.Equal(Expected, binary.Digest);
        Assert.Equal(16, local.BinaryRequests.Count);
        Assert.InRange(local.Site.BytesFor("kubelet"), LocalSite.Size, (long)(1.1 * LocalSite.Size));
    }

    [Fact]
    public async Task A_line_that_never_brings_anything_is_given_up_after_the_last_try()
    {
        await using var local = LocalSite.Start();
        local.OnBinary = request => Cut(request, 0);

        var error = await local.FailAsync();

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Equal(5, local.BinaryRequests.Count);
        Assert.Equal(4, local.Log.Warnings.Count(w => w.Contains("trying again", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_restarted_program_goes_on_where_the_last_one_stopped()
    {
        await using var local = LocalSite.Start();
        local.OnBinary = request => Cut(request, 10 * Step);
        var once = LocalSite.Hasty with { Retry = LocalSite.Hasty.Retry with { MaxAttempts = 1 } };
        await local.FailAsync(local.Open(once));
        local.OnBinary = _ => null;

        var binary = await local.FetchAsync(local.Open());

        Assert.Equal(Expected, binary.Digest);
        Assert.Equal(LocalSite.Size, local.Site.BytesFor("kubelet"));
    }

    [Fact]
    public async Task A_file_cut_while_it_is_cancelled_is_gone_on_with()
    {
        await using var local = LocalSite.Start();
        using CancellationTokenSource stop = new();
        local.OnBinary = _ => new SiteAnswer
        {
            Body = LocalSite.Content.AsMemory(0, 4 * Step),
            SaidLength = LocalSite.Size,
            Endless = false,
        };
        Progress progress = new(bytes =>
        {
            if (bytes >= 2 * Step)
            {
                stop.Cancel();
            }
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            local.Open().FetchAsync(LocalSite.Kubelet.Path, Expected, progress, stop.Token));
        local.OnBinary = _ => null;

        var binary = await local.FetchAsync();

        Assert.Equal(Expected, binary.Digest);
        Assert.NotNull(local.BinaryRequests[^1].Request.Header("Range"));
    }

    [Theory]
    [InlineData(416)]
    [InlineData(400)]
    [InlineData(403)]
    [InlineData(501)]
    public async Task A_server_that_refuses_ranges_is_asked_for_the_whole(int status)
    {
        await using var local = LocalSite.Start();
        local.OnBinary = request => request.Header("Range") is not null ? SiteAnswer.Text("no", status)
            : local.BinaryRequests.Count == 0 ? Cut(request, 3 * Step)
            : null;

        var binary = await local.FetchAsync();

        Assert.Equal(Expected, binary.Digest);
    }

    [Fact]
    public async Task A_server_that_knows_no_ranges_sends_the_whole_again()
    {
        await using var local = LocalSite.Start();
        local.OnBinary = request => local.BinaryRequests.Count == 0 ? Cut(request, 3 * Step) : new SiteAnswer { Body = LocalSite.Content };

        var binary = await local.FetchAsync();

        Assert.Equal(Expected, binary.Digest);
        Assert.Equal(2, local.BinaryRequests.Count);
    }

    [Theory]
    [InlineData("bytes 0-1048575/1048576")]
    [InlineData("bytes 196607-1048575/1048576")]
    [InlineData("bytes 196609-1048575/1048576")]
    [InlineData("bytes */1048576")]
    [InlineData("")]
    public async Task A_part_that_begins_elsewhere_is_not_appended(string contentRange)
    {
        await using var local = LocalSite.Start();
        local.OnBinary = request => local.BinaryRequests.Count == 0 ? Cut(request, 3 * Step)
            : request.Header("Range") is null ? null
            : new SiteAnswer
            {
                Status = 206,
                Headers = contentRange.Length == 0 ? ImmutableDictionary<string, string>.Empty : Header("Content-Range", contentRange),
                Body = LocalSite.Content.AsMemory(3 * Step),
            };

        var binary = await local.FetchAsync();

        Assert.Equal(Expected, binary.Digest);
    }

    [Fact]
    public async Task A_part_that_was_damaged_on_the_disk_is_thrown_away_and_fetched_again()
    {
        await using var local = LocalSite.Start();
        local.OnBinary = request => local.BinaryRequests.Count == 0 ? Cut(request, 8 * Step) : null;
        var once = LocalSite.Hasty with { Retry = LocalSite.Hasty.Retry with { MaxAttempts = 1 } };
        await local.FailAsync(local.Open(once));
        var part = Assert.Single(Directory.GetFiles(local.Cache, "content", SearchOption.AllDirectories));
        await File.WriteAllBytesAsync(part, new byte[8 * Step], Ct);

        var binary = await local.FetchAsync();

        Assert.Equal(Expected, binary.Digest);
        Assert.Equal("3 requests", $"{local.BinaryRequests.Count} requests");
        Assert.Null(local.BinaryRequests[2].Request.Header("Range"));
    }

    [Fact]
    public async Task A_file_that_is_gone_when_the_download_goes_on_is_not_there()
    {
        await using var local = LocalSite.Start();
        local.OnBinary = request => local.BinaryRequests.Count == 0 ? Cut(request, 8 * Step) : SiteAnswer.Text("gone", 404);

        Assert.Equal(ErrorKind.NotFound, (await local.FailAsync()).Kind);
    }

    private static SiteAnswer Cut(SiteRequest request, int after)
    {
        var from = request.Header("Range") is { } range
            ? int.Parse(range["bytes=".Length..].Split('-')[0], System.Globalization.CultureInfo.InvariantCulture)
            : 0;
        var rest = LocalSite.Content.AsMemory(from);
        return new SiteAnswer
        {
            Status = from > 0 ? 206 : 200,
            Headers = from > 0
                ? Header("Content-Range", $"bytes {from}-{LocalSite.Size - 1}/{LocalSite.Size}")
                : ImmutableDictionary<string, string>.Empty,
            Body = rest,
            CutAfter = rest.Length > after ? after : null,
        };
    }

    private static ImmutableDictionary<string, string> Header(string name, string value) =>
        ImmutableDictionary<string, string>.Empty.Add(name, value);

    private sealed class Progress(Action<long> report) : IActivity
    {
        public void Report(long value) => report(value);

        public void Expect(long totalBytes)
        {
        }

        public void Complete(string result)
        {
        }

        public void Dispose()
        {
        }
    }
}
