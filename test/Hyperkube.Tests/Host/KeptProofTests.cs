using Hyperkube.Host;
using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Sigstore;
using Hyperkube.Testing;
using static Hyperkube.Tests.Host.SignedImage;

namespace Hyperkube.Tests.Host;

/// <summary>What was proved once: when it counts without asking anybody, when it is judged again here, and when the image is asked anew.
/// </summary>
public sealed class KeptProofTests : IAsyncDisposable
{
    private readonly HostileHost _host = new() { Ask = Ask() };
    private readonly TestRegistry _registry = new();
    private readonly HostileImage _image = SignedImage.Of(SignedImage.Version);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    // Believes the same evidence, and says so by another name.
    private static ReleaseTrust Wider => TrustIn(Authority, new SignerIdentity("us@example.com", "https://example.com"));

    private string Kept => EvidenceOf(Binary("kubelet"));

    public async ValueTask DisposeAsync()
    {
        _host.Dispose();
        await _registry.DisposeAsync();
    }

    [Fact]
    public async Task Who_asks_for_the_same_is_answered_after_one_question()
    {
        await InstallAsync(_image);
        var before = _registry.Calls.Count;

        var result = await InstallAsync(_image);

        Assert.False(result.IsChanged);
        Assert.Equal("HEAD", Assert.Single(_registry.Calls.Skip(before)).Method);
    }

    [Fact]
    public async Task Who_believes_others_is_answered_by_the_evidence_that_was_kept()
    {
        await InstallAsync(_image);
        var before = _registry.Calls.Count;
        var bytes = _host.BytesDownloaded;
        _host.Ask = Ask(r => r with { Trust = Wider });

        var result = await InstallAsync(_image);

        Assert.False(result.IsChanged);
        Assert.Equal("HEAD", Assert.Single(_registry.Calls.Skip(before)).Method);
        Assert.Equal(bytes, _host.BytesDownloaded);
        Assert.Equal(Wider.Fingerprint, Entry().Signature!.Trust);
        Assert.Equal(Wider.Fingerprint, result.Binaries[0].Binary.Signature!.Trust);
    }

    [Fact]
    public async Task Who_does_not_believe_them_is_refused_and_the_file_stays()
    {
        await InstallAsync(_image);
        _host.Ask = Ask(r => r with { Trust = TrustIn(Stranger) });

        Assert.Equal(ErrorKind.BadSignature, (await Assert.ThrowsAsync<HyperkubeException>(() => InstallAsync(_image))).Kind);

        Assert.Equal(Trust.Fingerprint, Entry().Signature!.Trust);
        _host.AssertInstalled(Binary("kubelet"));
    }

    [Theory]
    [InlineData("changed")]
    [InlineData("cut")]
    [InlineData("gone")]
    [InlineData("another's")]
    [InlineData("a directory")]
    public async Task Evidence_that_was_damaged_here_is_fetched_again(string damage)
    {
        await InstallAsync(_image);
        var good = await File.ReadAllBytesAsync(Kept, Ct);
        File.Delete(Kept);
        switch (damage)
        {
            case "changed":
                await File.WriteAllBytesAsync(Kept, [.. good[..500], (byte)(good[500] ^ 1), .. good[501..]], Ct);
                break;
            case "cut":
                await File.WriteAllBytesAsync(Kept, good[..500], Ct);
                break;
            case "another's":
                await File.WriteAllBytesAsync(Kept, Bundle(Kubectl), Ct);
                break;
            case "a directory":
                Directory.CreateDirectory(Kept);
                break;
            default:
                break;
        }

        var before = _registry.Calls.Count;
        Assert.False((await InstallAsync(_image)).IsChanged); // Nobody looks at it while the same is believed.
        Assert.Single(_registry.Calls.Skip(before));
        _host.Ask = Ask(r => r with { Trust = Wider });
        if (damage == "a directory")
        {
            Assert.Equal(ErrorKind.HostFailed, (await Assert.ThrowsAsync<HyperkubeException>(() => InstallAsync(_image))).Kind);
            Directory.Delete(Kept);
        }

        var result = await InstallAsync(_image);

        Assert.False(result.IsChanged);
        Assert.DoesNotContain(_registry.Calls.Skip(before), IsOfBinary);
        Assert.Equal(good, await File.ReadAllBytesAsync(Kept, Ct));
        Assert.Equal(Wider.Fingerprint, Entry().Signature!.Trust);
    }

    [Fact]
    public async Task What_was_installed_unsigned_is_proved_without_fetching_it_again()
    {
        _host.Ask = r => r;
        await InstallAsync(_image);
        Assert.Equal(VerificationMode.None, Entry().Verified);
        var before = _registry.Calls.Count;
        _host.Ask = Ask();

        var result = await InstallAsync(_image);

        Assert.False(result.IsChanged);
        Assert.DoesNotContain(_registry.Calls.Skip(before), IsOfBinary);
        Assert.Equal(VerificationMode.Signature, Entry().Verified);
        Assert.Equal("k8s.io/kubernetes/cmd/kubelet", Entry().Package);
        Assert.True(File.Exists(Kept));
    }

    // Put there by somebody else: the file on the disk is what is proved.
    [Fact]
    public async Task A_file_that_is_right_already_is_proved_where_it_lies()
    {
        await File.WriteAllBytesAsync(_host.PathOf(HostileHost.Destination), Binary("kubelet"), Ct);

        var result = await InstallAsync(_image);

        Assert.False(result.IsChanged);
        Assert.DoesNotContain(_registry.Calls, IsOfBinary);
        Assert.Equal(VerificationMode.Signature, Entry().Verified);
    }

    [Fact]
    public async Task A_file_that_is_there_already_needs_evidence_and_the_right_name_all_the_same()
    {
        await File.WriteAllBytesAsync(_host.PathOf(HostileHost.Destination), Kubectl, Ct);

        var unsigned = await Assert.ThrowsAsync<HyperkubeException>(() => InstallAsync(HostileImage.Of(Layer("kubelet", Kubectl))));
        var another = await Assert.ThrowsAsync<HyperkubeException>(() => InstallAsync(Of(Kubectl, Bundle(Kubectl))));

        Assert.Equal((ErrorKind.Unsigned, ErrorKind.BadContent), (unsigned.Kind, another.Kind));
        Assert.Contains("k8s.io/kubernetes/cmd/kubectl", another.Message, StringComparison.Ordinal);
        Assert.Empty(_host.Receipt().Binaries);
    }

    [Fact]
    public async Task Weaker_runs_do_not_weaken_what_is_known_of_the_bytes()
    {
        await InstallAsync(_image);
        _host.Ask = r => r;

        await InstallAsync(SignedImage.Of("v1.36.3"));
        Assert.Equal((VerificationMode.None, null), (Entry().Verified, Entry().Signature));
        await InstallAsync(_image);
        _host.Ask = Ask();
        await InstallAsync(_image);
        _host.Ask = r => r;
        await InstallAsync(_image);

        Assert.Equal((VerificationMode.Signature, Trust.Fingerprint), (Entry().Verified, Entry().Signature!.Trust));
    }

    [Fact]
    public async Task Evidence_is_kept_as_long_as_a_rollback_may_want_it()
    {
        await InstallAsync(SignedImage.Of("v1.36.1"));
        await InstallAsync(SignedImage.Of("v1.36.2"));
        Assert.True(File.Exists(EvidenceOf(Binary("kubelet", "v1.36.1"))));

        await InstallAsync(SignedImage.Of("v1.36.3"));

        Assert.Equal(
            new[] { EvidenceOf(Binary("kubelet", "v1.36.2")), EvidenceOf(Binary("kubelet", "v1.36.3")) }.Order(StringComparer.Ordinal),
            Directory.GetFiles(_host.PathOf("/var/lib/hyperkube/evidence")).Order(StringComparer.Ordinal));
        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(_host.PathOf("/var/lib/hyperkube/evidence")));
    }

    [Fact]
    public async Task A_receipt_of_before_signatures_is_read_and_proved_anew()
    {
        await InstallAsync(_image);
        var receipt = _host.PathOf("/var/lib/hyperkube/receipt.json");
        var node = System.Text.Json.Nodes.JsonNode.Parse(await File.ReadAllTextAsync(receipt, Ct))!;
        var entry = node["binaries"]![0]!.AsObject();
        foreach (var name in (string[])["signature", "package", "commit", "policy"])
        {
            entry.Remove(name);
        }

        entry["verified"] = "digest";
        await File.WriteAllTextAsync(receipt, node.ToJsonString(), Ct);

        await InstallAsync(_image);

        Assert.Empty(_host.Log.Warnings);
        Assert.Equal(VerificationMode.Signature, Entry().Verified);
    }

    [Theory]
    [InlineData("kubelet v1.36.4 linux/amd64 SHA 2026-12-31 reason", true)]
    [InlineData("kubelet v1.36.4 linux/amd64 SHA 2026-11-22 reason", false)]
    [InlineData("kubelet v1.36.3 linux/amd64 SHA 2026-12-31 reason", false)]
    [InlineData("kubectl v1.36.4 linux/amd64 SHA 2026-12-31 reason", false)]
    [InlineData("kubelet v1.36.4 linux/arm64 SHA 2026-12-31 reason", false)]
    [InlineData("kubelet v1.36.4 linux/amd64 0000000000000000000000000000000000000000000000000000000000000000 2026-12-31 reason", false)]
    public async Task A_broken_signature_is_accepted_for_exactly_the_bytes_of_the_hosts_own_list(string line, bool isAccepted)
    {
        var exceptions = Exceptions(line.Replace("SHA", Digest.Of(Kubelet).Hex, StringComparison.Ordinal));
        _host.Ask = Ask(r => r with { Exceptions = exceptions });
        var broken = Of(Kubelet, Bundle(Kubectl));

        foreach (var image in (HostileImage[])[broken, HostileImage.Of(Layer("kubelet", Kubelet)), HostileImage.Of(Plain("kubelet", Kubelet))])
        {
            var failure = await Record.ExceptionAsync(() => InstallAsync(image));
            if (!isAccepted)
            {
                Assert.True(failure is HyperkubeException { Kind: ErrorKind.BadSignature or ErrorKind.Unsigned }, failure?.ToString());
                _host.AssertUntouched();
                continue;
            }

            Assert.Null(failure);
            Assert.Equal((VerificationMode.Exception, null), (Entry().Verified, Entry().Signature));
            Assert.Contains(_host.Log.Warnings, w => w.Contains("reason", StringComparison.Ordinal));
        }

        if (isAccepted)
        {
            var before = _registry.Calls.Count;
            await InstallAsync(HostileImage.Of(Plain("kubelet", Kubelet)));
            Assert.Single(_registry.Calls.Skip(before)); // As strong as what is asked, while the entry is there.
            _host.Ask = Ask();
            await Assert.ThrowsAsync<HyperkubeException>(() => InstallAsync(broken));
        }
    }

    [Fact]
    public async Task What_somebody_else_proved_before_does_not_hide_that_only_an_exception_counts_now()
    {
        SignerIdentity us = new("us@example.com", "https://example.com");
        var image = Of(Kubelet, Bundle(Kubelet, new() { Certificate = new() { Subject = us.Subject, Issuer = us.Issuer, OldIssuer = us.Issuer } }));
        _host.Ask = Ask(r => r with { Trust = TrustIn(Authority, us) });
        await InstallAsync(image);
        var exceptions = Exceptions($"kubelet v1.36.4 linux/amd64 {Digest.Of(Kubelet).Hex} 2026-12-31 reason");
        _host.Ask = Ask(r => r with { Exceptions = exceptions });

        await InstallAsync(image);
        var before = _registry.Calls.Count;
        await InstallAsync(image);

        Assert.Equal((VerificationMode.Exception, null), (Entry().Verified, Entry().Signature));
        Assert.Single(_registry.Calls.Skip(before));
    }

    // It stands for the signature, not for what the bytes are.
    [Fact]
    public async Task An_exception_does_not_make_a_kubelet_of_a_kubectl()
    {
        var exceptions = Exceptions($"kubelet v1.36.4 linux/amd64 {Digest.Of(Kubectl).Hex} 2026-12-31 reason");
        _host.Ask = Ask(r => r with { Exceptions = exceptions });

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => InstallAsync(Of(Kubectl, Bundle(Kubelet))));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        _host.AssertUntouched();
    }

    private static ExemptBinaries Exceptions(string line)
    {
        using TempDirectory directory = new();
        File.WriteAllText(directory["list"], line);
        return ExemptBinaries.Load(directory["list"], new SkippingTime { Now = new DateTimeOffset(2026, 11, 23, 9, 0, 0, TimeSpan.Zero) });
    }

    private InstalledBinary Entry() => _host.Receipt().At(HostileHost.Destination)!;

    private bool IsOfBinary(RegistryCall call) => call.IsBlob && call.Path.EndsWith(_image.Layers[1].ToldDigest.Hex, StringComparison.Ordinal);

    private Task<InstallResult> InstallAsync(HostileImage image)
    {
        image.ServeAt(_registry);
        return _host.InstallAsync(image.Path, Ct, _registry);
    }

    private string EvidenceOf(byte[] binary) => _host.PathOf($"/var/lib/hyperkube/evidence/{Digest.Of(binary).Hex}.sigstore.json");
}
