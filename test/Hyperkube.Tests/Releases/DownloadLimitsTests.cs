using System.Collections.Immutable;
using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases;

/// <summary>Downloads that bring too much, too little, or nothing in time.</summary>
public sealed class DownloadLimitsTests
{
    private const long GiB = 1L << 30;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_length_that_no_binary_has_is_refused_at_once()
    {
        await using var local = LocalSite.Start();
        local.OnBinary = _ => new SiteAnswer { SaidLength = 10_000_000_000, Endless = true };

        var error = await local.FailAsync();

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains("10000000000 bytes; expected a binary of at most", error.Message, StringComparison.Ordinal);
        Assert.Single(local.BinaryRequests);
        Assert.InRange(local.Site.BytesFor("kubelet"), 0, 32 << 20); // What the kernel's buffers take.
        Assert.Equal(0, PartBytes(local));
    }

    [Fact]
    public async Task A_body_that_is_shorter_than_said_is_no_success()
    {
        await using var local = LocalSite.Start();
        local.OnBinary = _ => new SiteAnswer { Body = LocalSite.Content, SaidLength = LocalSite.Size + 1 };

        var error = await local.FailAsync();

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Contains("the connection broke off", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_is_longer_than_said_is_cut_there_and_refused()
    {
        await using var local = LocalSite.Start();
        local.OnBinary = _ => new SiteAnswer { Body = LocalSite.Content, SaidLength = LocalSite.Size - 1 };

        var error = await local.FailAsync();

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains("truncated", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_without_a_length_is_taken_to_its_end()
    {
        await using var local = LocalSite.Start();
        local.OnBinary = _ => new SiteAnswer { Body = LocalSite.Content, UntilClose = true };

        Assert.Equal(Digest.Of(LocalSite.Content), (await local.FetchAsync()).Digest);
    }

    [Fact]
    public async Task A_body_without_a_length_that_ends_early_is_refused_as_truncated()
    {
        await using var local = LocalSite.Start();
        local.OnBinary = _ => new SiteAnswer { Body = LocalSite.Content.AsMemory(0, 1000), UntilClose = true };

        var error = await local.FailAsync();

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains("truncated", error.Message, StringComparison.Ordinal);
    }

    // The first 1 GiB less 1 MiB is there already, as a hole in a file, so that the test need not send it.
    [Fact]
    public async Task A_body_without_end_is_stopped_where_no_binary_can_end_and_leaves_nothing()
    {
        await using var local = LocalSite.Start();
        const long There = GiB - (1 << 20);
        WritePart(local, There);
        local.OnBinary = _ => new SiteAnswer
        {
            Status = 206,
            Headers = ImmutableDictionary<string, string>.Empty.Add("Content-Range", $"bytes {There}-{There + 999}/*"),
            Endless = true,
        };

        var error = await local.FailAsync();

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains("1 GiB", error.Message, StringComparison.Ordinal);
        Assert.InRange(local.Site.BytesFor("kubelet"), 0, 32 << 20);
        Assert.Equal(0, PartBytes(local));
    }

    [Fact]
    public async Task A_part_longer_than_any_binary_is_thrown_away_and_fetched_from_the_first_byte()
    {
        await using var local = LocalSite.Start();
        WritePart(local, GiB + 1);

        Assert.Equal(Digest.Of(LocalSite.Content), (await local.FetchAsync()).Digest);
    }

    [Fact]
    public async Task A_body_that_drips_is_given_up_as_too_slow()
    {
        await using var local = LocalSite.Start();
        local.OnBinary = _ => new SiteAnswer { Body = LocalSite.Content, Drip = TimeSpan.FromMilliseconds(20) };
        var options = LocalSite.Hasty with
        {
            SpeedSpan = TimeSpan.FromMilliseconds(150),
            MinBytesPerSpan = 64 * 1024,
            Retry = LocalSite.Hasty.Retry with { MaxAttempts = 2 },
        };

        var error = await local.FailAsync(local.Open(options));

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Contains("less than 65536 bytes in", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, local.BinaryRequests.Count);
    }

    [Fact]
    public async Task A_body_that_stops_is_given_up_as_too_slow()
    {
        await using var local = LocalSite.Start();
        local.OnBinary = _ => new SiteAnswer { Body = new byte[2], Drip = TimeSpan.FromMinutes(10), SaidLength = LocalSite.Size };
        var options = LocalSite.Hasty with
        {
            SpeedSpan = TimeSpan.FromMilliseconds(150),
            Retry = LocalSite.Hasty.Retry with { MaxAttempts = 1 },
        };

        Assert.Equal(ErrorKind.Unavailable, (await local.FailAsync(local.Open(options))).Kind);
    }

    [Fact]
    public async Task A_server_that_says_nothing_is_given_up_in_time()
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = _ => new SiteAnswer { Silent = true };
        var options = LocalSite.Hasty with
        {
            AnswerTimeout = TimeSpan.FromMilliseconds(150),
            Retry = LocalSite.Hasty.Retry with { MaxAttempts = 2 },
        };

        var error = await local.FailAsync(local.Open(options));

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Contains("no answer in", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, local.Site.Requests.Count);
    }

    private static void WritePart(LocalSite local, long length)
    {
        var directory = Path.Combine(local.Cache, "partial", Digest.Of(LocalSite.Content).Hex);
        Directory.CreateDirectory(directory);
        using var part = File.Create(Path.Combine(directory, "content"));
        part.SetLength(length);
    }

    private static long PartBytes(LocalSite local) =>
        Directory.GetFiles(local.Cache, "content", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length);
}
