using Hyperkube.Host;
using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Testing;
using static Hyperkube.Tests.Host.SignedImage;

namespace Hyperkube.Tests.Host;

/// <summary>What proves the version of what is installed: what was signed or pinned says it, or nobody does.</summary>
public sealed class VersionProofTests : IAsyncDisposable
{
    private static readonly ImageDemand Anything = new("ours", (_, _, _) => Task.CompletedTask);

    private readonly HostileHost _host = new() { Ask = Ask() };
    private readonly TestRegistry _registry = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _host.Dispose();
        await _registry.DisposeAsync();
    }

    // Whoever writes REPO:v1.36.4@sha256:... may have the tag of one image and the digest of another.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_tag_is_a_claim_whatever_vouches_for_the_image(bool isPinned)
    {
        var digest = Of(Kubelet, Bundle(Kubelet)).ServeAt(_registry);
        Func<InstallRequest, InstallRequest> vouched = r => isPinned
            ? r with { Reference = (RegistryReference)r.Reference with { Digest = digest } }
            : r with { Demand = Anything };
        _host.Ask = Ask(r => vouched(r) with { MinimumVersion = KubernetesVersion.Parse("v1.36.0") });

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => _host.InstallAsync("kubelet", Ct, _registry));
        _host.Ask = Ask(vouched);
        await _host.InstallAsync("kubelet", Ct, _registry);

        Assert.Contains("nothing proves the version", error.Message, StringComparison.Ordinal);
        var entry = Assert.Single(_host.Receipt().Binaries);
        Assert.Equal(("v1.36.4", "claimed"), (entry.Version!, entry.VersionProof));
    }

    [Theory]
    [InlineData(false, false, "nothing proves the version")]
    [InlineData(true, false, "nothing proves the version")]
    [InlineData(false, true, "kubelet is v1.36.4")]
    [InlineData(true, true, "kubelet is v1.36.4")]
    public async Task A_minimum_that_will_not_be_reached_is_said_before_any_binary_is_fetched(bool isDry, bool isVouched, string says)
    {
        var image = Of("v1.36.4");
        image.ServeAt(_registry);
        _host.Ask = Ask(r => r with
        {
            IsDry = isDry,
            Demand = isVouched ? Anything : null,
            MinimumVersion = KubernetesVersion.Parse("v1.36.5"),
        });

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => _host.InstallAsync("kubelet", Ct, _registry));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_registry.Calls, c => c.IsBlob && c.Path.EndsWith(image.Layers[^1].ToldDigest.ToString(), StringComparison.Ordinal));
        _host.AssertUntouched();
    }

    [Fact]
    public async Task A_dry_run_takes_a_minimum_that_is_reached()
    {
        Of("v1.36.4").ServeAt(_registry);
        _host.Ask = Ask(r => r with { IsDry = true, Demand = Anything, MinimumVersion = KubernetesVersion.Parse("v1.36.4") });

        var result = await _host.InstallAsync("kubelet", Ct, _registry);

        Assert.Equal("policy", result.Binaries[0].Binary.VersionProof);
    }

    [Fact]
    public async Task What_nobody_is_believed_about_reaches_no_minimum()
    {
        Of("v1.36.4").ServeAt(_registry);
        _host.Ask = r => r with { MinimumVersion = KubernetesVersion.Parse("v1.36.0") };

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => _host.InstallAsync("kubelet", Ct, _registry));

        Assert.Contains("nothing proves the version", error.Message, StringComparison.Ordinal);
    }
}
