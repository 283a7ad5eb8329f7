using Hyperkube.Host;
using Hyperkube.Oci;
using Hyperkube.Oci.Http;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Host;

/// <summary>Registries and lines that fail while something is installed: it ends, well or with the right words, and never hangs.</summary>
public sealed class HostileLinesTests : IAsyncDisposable
{
    private const string Part = "opt/bin/.hyperkube-part-";

    private static readonly HostileLayer Layer = Material.Large.Layer;

    private readonly HostileHost _host = new();
    private readonly TestRegistry _mirror = new();
    private readonly TestRegistry _registry = new();
    private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    public HostileLinesTests()
    {
        _end.CancelAfter(TimeSpan.FromSeconds(90));
        HostileImage.Of(Layer).ServeAt(_mirror);
        HostileImage.Of(Layer).ServeAt(_registry);
    }

    private IReadOnlyList<RegistryCall> BlobCalls => [.. _registry.Calls.Where(c => c.Path.EndsWith(Layer.ToldDigest.Hex, StringComparison.Ordinal))];

    private string PartPath => _host.PathOf($"/{Part}{Layer.ToldDigest.Hex}");

    public async ValueTask DisposeAsync()
    {
        _host.Dispose();
        await _mirror.DisposeAsync();
        await _registry.DisposeAsync();
        _end.Dispose();
    }

    [Theory]
    [InlineData("1")]
    [InlineData("20")]
    [InlineData("Wed, 21 Oct 2015 07:28:00 GMT")]
    public async Task A_storm_of_429_is_waited_for(string retryAfter)
    {
        Dictionary<string, int> asked = [];
        _registry.Alter = (call, answer) =>
        {
            lock (asked)
            {
                asked[call.Path] = asked.GetValueOrDefault(call.Path) + 1;
                return asked[call.Path] > 3 ? answer : SiteAnswer.Of(429).With("Retry-After", retryAfter);
            }
        };

        await InstallAsync(_registry);

        _host.AssertInstalled(Material.Large.Kubelet);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    [InlineData(500)]
    public async Task A_storm_without_end_ends(int status)
    {
        _registry.Alter = (_, _) => SiteAnswer.Of(status).With("Retry-After", "1");

        Assert.Equal(ErrorKind.Unavailable, await FailureAsync(_registry));
        _host.AssertUntouched();
    }

    [Fact]
    public async Task A_registry_that_wants_to_be_left_alone_for_a_day_is()
    {
        _registry.Alter = (_, _) => SiteAnswer.Of(429).With("Retry-After", "86400");

        Assert.Equal(ErrorKind.Unavailable, await FailureAsync(_registry));
        Assert.True(_registry.Calls.Count <= 5);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(403)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task A_mirror_that_gives_no_blobs_is_followed_by_the_registry(int status)
    {
        _mirror.Alter = (call, answer) => call.IsBlob ? SiteAnswer.Of(status) : answer;

        await InstallAsync(_mirror, _registry);

        _host.AssertInstalled(Material.Large.Kubelet);
    }

    [Fact]
    public async Task A_mirror_that_is_gone_is_followed_by_the_registry()
    {
        await _mirror.DisposeAsync();

        await InstallAsync(_mirror, _registry);

        _host.AssertInstalled(Material.Large.Kubelet);
    }

    [Fact]
    public async Task A_registry_that_is_gone_is_unavailable()
    {
        await _registry.DisposeAsync();

        Assert.Equal(ErrorKind.Unavailable, await FailureAsync(_registry));
        _host.AssertUntouched();
    }

    // Wrong bytes are worse than none, also when it is known earlier that there are none.
    [Fact]
    public async Task Of_two_layers_that_fail_the_more_serious_decides()
    {
        var kubelet = SignedImage.Layer("kubelet", SignedImage.Kubelet);
        var kubectl = SignedImage.Layer("kubectl", SignedImage.Kubectl) with { Digest = Digest.Of([1]) };
        HostileImage.Of(kubectl, kubelet with { IsMissing = true }).ServeAt(_registry);
        _registry.Alter = (call, answer) =>
        {
            if (call.Path.EndsWith(kubectl.ToldDigest.Hex, StringComparison.Ordinal))
            {
                Thread.Sleep(500);
            }

            return answer;
        };
        _host.Ask = request => request with
        {
            Binaries = [.. request.Binaries, new WantedBinary("kubectl", "kubectl", "/opt/bin/kubectl")],
        };

        Assert.Equal(ErrorKind.BadDigest, await FailureAsync(_registry));
        _host.AssertUntouched();
    }

    // Each answer ends early, and at another place.
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(10)]
    [InlineData(40)]
    public async Task A_line_that_is_cut_again_and_again_brings_each_byte_once(int cuts)
    {
        var left = cuts;
        _registry.Alter = (call, answer) => IsLayer(call) && Interlocked.Decrement(ref left) >= 0
            ? answer with { CutAfter = (Layer.Blob.Length / (cuts + 1)) + left } : answer;

        await InstallAsync(_registry);

        _host.AssertInstalled(Material.Large.Kubelet);
        AssertFrugal();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(1_000_000)]
    public async Task What_came_before_the_line_went_is_not_fetched_again_by_the_next_run(int cutAt)
    {
        var isCut = false;
        _registry.Alter = (call, answer) => !IsLayer(call) ? answer
            : isCut ? SiteAnswer.Of(503)
            : (isCut = true, Answer: answer with { CutAfter = cutAt }).Answer;
        Assert.Equal(ErrorKind.Unavailable, await FailureAsync(_registry));
        Assert.Equal(cutAt, new FileInfo(PartPath).Length);

        _registry.Alter = (_, answer) => answer;
        await InstallAsync(_registry);

        _host.AssertInstalled(Material.Large.Kubelet);
        AssertFrugal();
    }

    // Else a disk that had room for the first run would have too little for the next.
    [Fact]
    public async Task The_space_that_an_interrupted_run_took_is_not_asked_for_again()
    {
        _registry.Alter = (call, answer) => !IsLayer(call) ? answer
            : call.Header("Range") is null ? answer with { CutAfter = 100_000 } : SiteAnswer.Of(503);
        await FailureAsync(_registry);

        using var root = HostRoot.Open(_host.PathOf(""));
        using var directory = root.TryOpenDirectory("/opt/bin")!;
        Assert.True(PartialBlob.TakenOf(directory, Descriptor.Of(MediaTypes.GzipLayer, Layer.Blob)) >= Layer.Blob.Length);
    }

    [Fact]
    public async Task A_line_that_drips_is_given_up()
    {
        _host.Options = options => options with
        {
            SpeedSpan = TimeSpan.FromMilliseconds(300),
            Retry = new RetryPolicy { FirstDelay = TimeSpan.FromMilliseconds(1) },
        };
        _registry.Alter = (call, answer) => IsLayer(call) ? answer with { Drip = TimeSpan.FromMilliseconds(50) } : answer;

        Assert.Equal(ErrorKind.Unavailable, await FailureAsync(_registry));
        Assert.Equal([Part + Layer.ToldDigest.Hex, "opt/bin/kubelet"], _host.Files());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_mirror_that_stops_amid_the_layer_is_followed_by_the_registry_from_there(bool stalls)
    {
        _host.Options = options => options with
        {
            SpeedSpan = TimeSpan.FromSeconds(1),
            AnswerTimeout = TimeSpan.FromSeconds(1),
            Retry = new RetryPolicy { FirstDelay = TimeSpan.FromMilliseconds(1) },
        };
        var asked = 0;
        _mirror.Alter = (call, answer) => !IsLayer(call) ? answer
            : Interlocked.Increment(ref asked) > 1 ? answer with { Silent = true }
            : stalls ? answer with { SaidLength = Layer.Blob.Length, Body = answer.Body[..500_000], Stalls = true }
            : answer with { CutAfter = 500_000 };

        await InstallAsync(_mirror, _registry);

        _host.AssertInstalled(Material.Large.Kubelet);
        Assert.StartsWith("bytes=500000-", Assert.Single(BlobCalls).Header("Range"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5000)]
    [InlineData(1_000_000)]
    public async Task Wrong_bytes_of_a_mirror_are_followed_by_the_next_ones(int at)
    {
        _mirror.Alter = (call, answer) => IsLayer(call) ? Damaged(answer, at) : answer;

        await InstallAsync(_mirror, _registry);

        _host.AssertInstalled(Material.Large.Kubelet);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5000)]
    [InlineData(1_000_000)]
    public async Task Wrong_bytes_that_nobody_has_right_are_a_bad_digest(int at)
    {
        _mirror.Alter = (call, answer) => IsLayer(call) ? Damaged(answer, at) : answer;
        _registry.Alter = (call, answer) => IsLayer(call) ? Damaged(answer, at) : answer;

        Assert.Equal(ErrorKind.BadDigest, await FailureAsync(_mirror, _registry));
        _host.AssertUntouched();
    }

    [Fact]
    public async Task Other_content_of_the_right_length_from_all_is_a_bad_digest()
    {
        _registry.Alter = (call, answer) => IsLayer(call) ? answer with { Body = new byte[answer.Body.Length] } : answer;

        Assert.Equal(ErrorKind.BadDigest, await FailureAsync(_registry));
        _host.AssertUntouched();
    }

    [Fact]
    public async Task A_page_of_a_proxy_instead_of_the_layer_is_refused()
    {
        _registry.Alter = (call, answer) => IsLayer(call) ? SiteAnswer.Text("<html>log in</html>") : answer;

        Assert.Equal(ErrorKind.BadDigest, await FailureAsync(_registry));
        _host.AssertUntouched();
    }

    [Fact]
    public async Task A_whole_part_needs_nobody()
    {
        await File.WriteAllBytesAsync(PartPath, Layer.Blob, _end.Token);

        await InstallAsync(_registry);

        _host.AssertInstalled(Material.Large.Kubelet);
        Assert.Empty(BlobCalls);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(600_000)]
    public async Task A_part_is_gone_on_with(int length)
    {
        await File.WriteAllBytesAsync(PartPath, Layer.Blob[..length], _end.Token);

        await InstallAsync(_registry);

        _host.AssertInstalled(Material.Large.Kubelet);
        Assert.Equal($"bytes={length}-{Layer.Blob.Length - 1}", Assert.Single(BlobCalls).Header("Range"));
    }

    [Theory]
    [InlineData(0, 600_000)]
    [InlineData(500_000, 600_000)]
    [InlineData(0, -1)]
    [InlineData(500_000, -1)]
    public async Task A_damaged_part_is_fetched_once_anew(int at, int length)
    {
        var part = Layer.Blob[..(length < 0 ? Layer.Blob.Length : length)];
        part[at] ^= 1;
        await File.WriteAllBytesAsync(PartPath, part, _end.Token);

        await InstallAsync(_registry);

        _host.AssertInstalled(Material.Large.Kubelet);
        Assert.Null(BlobCalls[^1].Header("Range"));
        Assert.Equal(length < 0 ? 1 : 2, BlobCalls.Count);
    }

    [Fact]
    public async Task A_part_that_is_too_long_is_fetched_anew()
    {
        await File.WriteAllBytesAsync(PartPath, new byte[Layer.Blob.Length + 1], _end.Token);

        await InstallAsync(_registry);

        _host.AssertInstalled(Material.Large.Kubelet);
        Assert.Null(Assert.Single(BlobCalls).Header("Range"));
    }

    [Fact]
    public async Task A_damaged_part_that_nobody_can_mend_is_a_bad_digest_and_leaves_nothing()
    {
        await File.WriteAllBytesAsync(PartPath, new byte[600_000], _end.Token);
        _registry.Alter = (call, answer) => IsLayer(call) ? Damaged(answer, 100) : answer;

        Assert.Equal(ErrorKind.BadDigest, await FailureAsync(_registry));
        _host.AssertUntouched();
    }

    private static bool IsLayer(RegistryCall call) => call.Path.EndsWith(Layer.ToldDigest.Hex, StringComparison.Ordinal);

    private static SiteAnswer Damaged(SiteAnswer answer, int at)
    {
        var body = answer.Body.ToArray();
        body[Math.Min(at, body.Length - 1)] ^= 0x55;
        return answer with { Body = body };
    }

    private Task<InstallResult> InstallAsync(params TestRegistry[] registries) => _host.InstallAsync("kubelet", _end.Token, registries);

    private async Task<ErrorKind> FailureAsync(params TestRegistry[] registries)
    {
        var failure = await Assert.ThrowsAnyAsync<HyperkubeException>(() => InstallAsync(registries));
        Assert.False(_end.IsCancellationRequested, "it hung");
        return failure.Kind;
    }

    private void AssertFrugal() =>
        Assert.InRange(_host.BytesDownloaded, Layer.Blob.Length, (long)(1.1 * Layer.Blob.Length));
}
